// Sealed buffers over every carrier: handed over, read back, and refused where anything about them is not as the record says. PS-BUF-03,
// PS-BUF-04.
#include "tests/channel/async_pair.hpp"
#include "tests/channel/lies.hpp"
#include "transports/sealed_buffer.hpp"

namespace penstock::test {
namespace {

SealedBuffer sealed(std::size_t size, unsigned seed = 1) {
  auto maker = BufferMaker::make(size);
  if (!maker) throw std::runtime_error(std::string(maker.error().sentence()));
  std::ranges::copy(pattern(size, seed), maker->bytes().begin());
  auto buffer = maker->seal();
  if (!buffer) throw std::runtime_error(std::string(buffer.error().sentence()));
  return std::move(*buffer);
}

TEST(Buffers, ArriveWholeWithTheirNoteAndInOrderAmongMessages) {
  BlockingPair pair;
  std::vector<std::byte> note(16);
  for (const std::size_t size : {std::size_t{1}, std::size_t{4096}, std::size_t{1'000'003}, std::size_t{8} << 20}) {
    const auto buffer = sealed(size);
    ASSERT_TRUE(pair.client.send(pattern(3)));
    ASSERT_TRUE(pair.client.send_buffer(buffer, pattern(5, 9)));
    ASSERT_TRUE(pair.client.send(pattern(4)));
    EXPECT_EQ(pair.server.receive(note)->size, 3u);
    auto got = pair.server.receive(note);
    ASSERT_TRUE(got) << got.error().sentence();
    EXPECT_EQ(got->kind, MessageKind::buffer);
    EXPECT_EQ(got->operation(), "buffer");
    ASSERT_EQ(got->size, 5u);
    EXPECT_TRUE(std::ranges::equal(std::span(note).first(5), pattern(5, 9)));
    ASSERT_EQ(got->buffer.size(), size);
    const auto view = got->buffer.view();
    ASSERT_TRUE(view) << view.error().sentence();
    EXPECT_TRUE(std::ranges::equal(*view, pattern(size)));
    EXPECT_EQ(pair.server.receive(note)->size, 4u);
  }
}

TEST(Buffers, AreSentAgainAndForwarded) {
  BlockingPair first, second;
  std::vector<std::byte> none(1);
  const auto buffer = sealed(10'000);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(first.client.send_buffer(buffer));
    auto got = first.server.receive(none);
    ASSERT_TRUE(got);
    ASSERT_TRUE(second.client.send_buffer(got->buffer));
    auto forwarded = second.server.receive(none);
    ASSERT_TRUE(forwarded);
    EXPECT_TRUE(std::ranges::equal(*forwarded->buffer.view(), pattern(10'000)));
  }
}

TEST(Buffers, WaitInTheQueueWhileACallIsAnswered) {
  BlockingPair pair;
  ASSERT_TRUE(pair.server.send_buffer(sealed(5000), pattern(40)));
  std::thread serving([&] {
    std::vector<std::byte> request(16);
    const auto got = pair.server.receive(request);
    if (got) static_cast<void>(pair.server.reply(got->request, 0, request));
  });
  std::vector<std::byte> reply(16);
  EXPECT_TRUE(pair.client.call("op", pattern(16), reply));
  serving.join();
  std::vector<std::byte> small(39), note(40);
  EXPECT_EQ(pair.client.receive(small).error(), Error::buffer_too_small);
  auto got = pair.client.receive(note);
  ASSERT_TRUE(got) << got.error().sentence();
  EXPECT_TRUE(std::ranges::equal(note, pattern(40)));
  EXPECT_EQ(got->buffer.size(), 5000u);
}

TEST(Buffers, GoThroughTheAsioFace) {
  AsyncPair pair;
  const auto buffer = sealed(70'000);
  const auto text = pattern(7);
  std::vector<std::byte> note(7);
  bool sent = false;
  std::optional<Incoming> got;
  pair.client.async_send_buffer(buffer, asio::buffer(text), [&](boost::system::error_code ec) { sent = !ec; });
  pair.server.async_receive(asio::buffer(note), [&](boost::system::error_code ec, Incoming incoming) {
    EXPECT_FALSE(ec) << ec.message();
    got.emplace(std::move(incoming));
  });
  pair.run_until([&] { return sent && got.has_value(); });
  ASSERT_TRUE(got);
  EXPECT_TRUE(std::ranges::equal(note, text));
  EXPECT_TRUE(std::ranges::equal(*got->buffer.view(), pattern(70'000)));
}

TEST(Buffers, WhatCannotBeSentIsRefusedBeforeItIsSealed) {
  BlockingPair pair;
  EXPECT_EQ(pair.client.send_buffer(SealedBuffer()).error(), Error::invalid_argument);
  EXPECT_EQ(pair.client.send_buffer(sealed(10), pattern(max_buffer_note + 1)).error(), Error::message_too_large);
  // More than a pipe of Windows holds: somebody has to read meanwhile.
  std::thread sending([&] { EXPECT_TRUE(pair.client.send_buffer(sealed(10), pattern(max_buffer_note))); });
  std::vector<std::byte> note(max_buffer_note);
  const auto got = pair.server.receive(note);
  sending.join();
  ASSERT_TRUE(got) << got.error().sentence();
  EXPECT_TRUE(std::ranges::equal(note, pattern(max_buffer_note)));
  EXPECT_FALSE(BufferMaker::make(0));
}

TEST(Buffers, APeerThatAcceptsNoHandlesGetsNone) {
  auto options = listen_options();
  options.channel.limits.max_handles = 0;
  BlockingPair pair(std::move(options));
  EXPECT_EQ(pair.client.send_buffer(sealed(10)).error(), Error::handles_limit);
}

TEST(Buffers, OneThatThePolicyDoesNotListClosesTheChannel) {
  auto options = listen_options();
  options.policy = own_policy({"message"});
  BlockingPair pair(std::move(options));
  ASSERT_TRUE(pair.client.send_buffer(sealed(10)));
  std::vector<std::byte> note(1);
  EXPECT_EQ(pair.server.receive(note).error(), Error::operation_refused);
  EXPECT_FALSE(pair.server.is_open());
}

TEST(Buffers, OneAboveTheLimitClosesTheChannel) {
  auto options = listen_options();
  options.channel.limits.max_buffer = 9999;
  BlockingPair pair(std::move(options));
  ASSERT_TRUE(pair.client.send_buffer(sealed(10'000)));
  std::vector<std::byte> note(1);
  EXPECT_EQ(pair.server.receive(note).error(), Error::message_too_large);
  EXPECT_FALSE(pair.server.is_open());
}

/// A peer with valid keys that lies about a buffer.
class BufferLies : public Lies {
 protected:
  std::vector<std::byte> named(std::uint64_t size, std::uint64_t which) {
    std::vector<std::byte> out(16);
    protocol::put(out.data(), size);
    protocol::put(out.data() + 8, which);
    return out;
  }
  void send(bytes_view payload, std::span<const native_handle> handles, std::uint8_t declared = 1) {
    ASSERT_TRUE(hostile->write(hostile->seal(FrameType::buffer, payload, 0, declared), handles));
  }
  SealedBuffer buffer = sealed(5000);
  native_handle raw[1] = {buffer.native()};
  std::uint64_t identity = *BufferAccess::identity(buffer);
};

TEST_F(BufferLies, TheTruthIsDelivered) {
  send(named(5000, identity), raw);
  std::vector<std::byte> note(1);
  EXPECT_TRUE(server.receive(note));
}

TEST_F(BufferLies, Atk13AnotherLengthThanTheMemorys) {
  send(named(500'000'000, identity), raw);
  expect_refused(Error::buffer_unsealed);
}

TEST_F(BufferLies, Atk13NoLength) {
  send(named(0, identity), raw);
  expect_refused(Error::buffer_unsealed);
}

TEST_F(BufferLies, Atk13AnotherObjectThanTheRecordNames) {
  send(named(5000, identity + 1), raw);
  expect_refused(Error::buffer_unsealed);
}

TEST_F(BufferLies, Atk13AFileInPlaceOfMemory) {
  const auto file = file_with("x");
  const native_handle one[] = {file.get()};
  send(named(1, identity), one);
  expect_refused(Error::buffer_unsealed);
}

TEST_F(BufferLies, Atk12NoHandleDeclared) {
  send(named(5000, identity), {}, 0);
  expect_refused(Error::handles_mismatch);
}

TEST_F(BufferLies, TooShortToNameAnything) {
  send(std::vector<std::byte>(15), raw);
  expect_refused(Error::message_malformed);
}

TEST_F(BufferLies, InTheMiddleOfAMessage) {
  std::vector<std::byte> first(8 + 10);
  protocol::put(first.data(), std::uint64_t{100});
  ASSERT_TRUE(hostile->write(hostile->seal(FrameType::message, first, protocol::flag_more)));
  send(named(5000, identity), raw);
  expect_refused(Error::message_malformed);
}

}  // namespace
}  // namespace penstock::test
