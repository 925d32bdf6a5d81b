// A peer with valid keys that lies: about handles, replies, chunks, roles. Each lie closes the channel, is recorded with its
// own reason, and delivers nothing.
#include "tests/channel/lies.hpp"

namespace penstock::test {
namespace {

TEST_F(Lies, HonestRecordIsDelivered) {
  ASSERT_TRUE(hostile->write(hostile->seal(FrameType::message, bytes({1, 2, 3}))));
  std::vector<std::byte> buffer(16);
  const auto got = server.receive(buffer, std::chrono::seconds(20));
  ASSERT_TRUE(got) << got.error().sentence();
  EXPECT_EQ(got->size, 3u);
}

TEST_F(Lies, Atk12DeclaredButNotAttached) {
  ASSERT_TRUE(hostile->write(hostile->seal(FrameType::message, bytes({1}), 0, 2)));
  expect_refused(Error::handles_mismatch);
}

TEST_F(Lies, Atk12AttachedButNotDeclared) {
  const auto file = file_with("x");
  const native_handle one[] = {file.get()};
  ASSERT_TRUE(hostile->write(hostile->seal(FrameType::message, bytes({1})), one));
  // The record itself is sound and is delivered; its stowaway ends the channel at the next step.
  std::vector<std::byte> buffer(16);
  const auto first = server.receive(buffer, std::chrono::seconds(20));
  ASSERT_FALSE(first);
  EXPECT_EQ(first.error().code(), Error::handles_mismatch);
}

TEST_F(Lies, Atk12FewerDeclaredThanAttached) {
  const auto file = file_with("x");
  const native_handle three[] = {file.get(), file.get(), file.get()};
  ASSERT_TRUE(hostile->write(hostile->seal(FrameType::message, bytes({1}), 0, 2), three));
  expect_refused(Error::handles_mismatch);
}

TEST_F(Lies, Atk12MoreThanTheLimit) {
  const auto file = file_with("x");
  const native_handle five[] = {file.get(), file.get(), file.get(), file.get(), file.get()};
  ASSERT_TRUE(hostile->write(hostile->seal(FrameType::message, bytes({1}), 0, 5), five));
  expect_refused(Error::handles_limit);
}

TEST_F(Lies, Atk27AReplyToACallThatWasNeverMade) {
  ASSERT_TRUE(hostile->write(hostile->seal(FrameType::reply, with_id(1, {0, 0, 0, 0, 0}))));
  expect_refused(Error::call_unknown);
}

TEST_F(Lies, Atk22OwnFrameReflected) {
  // The server's own record comes back to it: the other direction's key, so not one byte of it opens.
  std::vector<std::byte> ping(64, std::byte{7});
  ASSERT_TRUE(server.send(ping));
  std::optional<transport::MessageSender> sender;
  const auto frame = hostile->read_frame(sender);
  ASSERT_FALSE(frame.empty());
  ASSERT_TRUE(hostile->write(frame));
  expect_refused(Error::record_forged);
}

TEST_F(Lies, Atk22TheResponderDoesNotTakeAnAnswerToAnOfferItCannotMake) {
  std::vector<std::byte> answer(33, std::byte{9});
  answer[0] = std::byte{2};
  ASSERT_TRUE(hostile->write(hostile->seal(FrameType::rekey, answer)));
  expect_refused(Error::message_malformed);
}

TEST_F(Lies, LowOrderPointInsideTheChannel) {
  std::vector<std::byte> offer(33);
  offer[0] = std::byte{1};
  ASSERT_TRUE(hostile->write(hostile->seal(FrameType::rekey, offer)));
  expect_refused(Error::handshake_failed);
}

TEST_F(Lies, Atk26ARecordTwice) {
  const auto frame = hostile->seal(FrameType::message, bytes({1, 2, 3}));
  ASSERT_TRUE(hostile->write(frame));
  ASSERT_TRUE(hostile->write(frame));
  std::vector<std::byte> buffer(16);
  ASSERT_TRUE(server.receive(buffer, std::chrono::seconds(20)));
  expect_refused(Error::record_replayed);
}

TEST_F(Lies, Atk26ARecordLeftOut) {
  (void)hostile->seal(FrameType::message, bytes({1}));
  ASSERT_TRUE(hostile->write(hostile->seal(FrameType::message, bytes({2}))));
  expect_refused(Error::sequence_wrong);
}

TEST_F(Lies, Atk26TheEndWithoutACloseRecord) {
  const auto frame = hostile->seal(FrameType::message, bytes({1, 2, 3}));
  ASSERT_TRUE(hostile->write(std::span(frame).first(frame.size() - 1)));
  hostile->carrier->close();
  std::vector<std::byte> buffer(16);
  const auto got = server.receive(buffer, std::chrono::seconds(20));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code(), Error::truncated);
  EXPECT_EQ(audit->count(AuditKind::channel_closed, Error::truncated), 1u);
}

TEST_F(Lies, ASecondConfirm) {
  auto frame = hostile->seal(FrameType::message, std::vector<std::byte>(16));
  frame[5] = static_cast<std::byte>(FrameType::confirm);
  ASSERT_TRUE(hostile->write(frame));
  expect_refused(Error::frame_malformed);
}

TEST_F(Lies, AHandshakeFrameAfterTheHandshake) {
  std::vector<std::byte> frame(protocol::header_size + 48);
  protocol::Header header;
  header.type = FrameType::handshake;
  header.length = 48;
  protocol::encode(header, std::span(frame).first<protocol::header_size>());
  ASSERT_TRUE(hostile->write(frame));
  std::vector<std::byte> buffer(16);
  const auto got = server.receive(buffer, std::chrono::seconds(20));
  ASSERT_FALSE(got);
  EXPECT_FALSE(server.is_open());
}

TEST_F(Lies, TotalsAndChunksThatDoNotAddUp) {
  std::vector<std::byte> first(8 + 10);
  protocol::put(first.data(), std::uint64_t{20});
  ASSERT_TRUE(hostile->write(hostile->seal(FrameType::message, first, protocol::flag_more)));
  ASSERT_TRUE(hostile->write(hostile->seal(FrameType::message, std::vector<std::byte>(11), protocol::flag_continued)));
  expect_refused(Error::message_malformed);
}

TEST_F(Lies, AContinuationOfNothing) {
  ASSERT_TRUE(hostile->write(hostile->seal(FrameType::message, bytes({1}), protocol::flag_continued)));
  expect_refused(Error::message_malformed);
}

TEST_F(Lies, AnotherMessageInTheMiddleOfOne) {
  std::vector<std::byte> first(8 + 10);
  protocol::put(first.data(), std::uint64_t{20});
  ASSERT_TRUE(hostile->write(hostile->seal(FrameType::message, first, protocol::flag_more)));
  ASSERT_TRUE(hostile->write(hostile->seal(FrameType::message, bytes({1}))));
  expect_refused(Error::message_malformed);
}

TEST_F(Lies, ATotalBeyondTheLimitIsRefusedBeforeMemoryIsTaken) {
  std::vector<std::byte> first(8 + 10);
  protocol::put(first.data(), std::uint64_t{1} << 62);
  ASSERT_TRUE(hostile->write(hostile->seal(FrameType::message, first, protocol::flag_more)));
  expect_refused(Error::message_too_large);
}

TEST_F(Lies, ARequestNumberUsedTwice) {
  const auto request = with_id(5, {1, 'x'});
  ASSERT_TRUE(hostile->write(hostile->seal(FrameType::request, request)));
  ASSERT_TRUE(hostile->write(hostile->seal(FrameType::request, request)));
  std::vector<std::byte> buffer(16);
  ASSERT_TRUE(server.receive(buffer, std::chrono::seconds(20)));
  expect_refused(Error::message_malformed);
}

TEST_F(Lies, ACancelOfWhatWasNeverAsked) {
  ASSERT_TRUE(hostile->write(hostile->seal(FrameType::cancel, with_id(9))));
  expect_refused(Error::message_malformed);
}

TEST_F(Lies, OperationNamesOutsideTheRules) {
  ASSERT_TRUE(hostile->write(hostile->seal(FrameType::request, with_id(1, {3, 'a', '\n', 'b'}))));
  expect_refused(Error::message_malformed);
}

TEST_F(Lies, ACancelledRequestIsNotAnswered) {
  ASSERT_TRUE(hostile->write(hostile->seal(FrameType::request, with_id(1, {1, 'x'}))));
  ASSERT_TRUE(hostile->write(hostile->seal(FrameType::cancel, with_id(1))));
  ASSERT_TRUE(hostile->write(hostile->seal(FrameType::message, {})));
  std::vector<std::byte> buffer(16);
  const auto request = server.receive(buffer, std::chrono::seconds(20));
  ASSERT_TRUE(request);
  ASSERT_TRUE(server.receive(buffer, std::chrono::seconds(20)));
  EXPECT_EQ(server.reply(request->request, 0, {}).error().code(), Error::cancelled);
  EXPECT_EQ(server.reply(request->request, 0, {}).error().code(), Error::message_malformed);
  EXPECT_TRUE(server.is_open());
}

}  // namespace
}  // namespace penstock::test
