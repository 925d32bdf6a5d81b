// Bytes, ends, waits and senders over a real pipe between real processes.
#include <boost/asio/error.hpp>
#include <optional>

#include "tests/transports/meeting.hpp"

namespace penstock::transport {
namespace {

using namespace testing;
using namespace std::chrono_literals;

std::string long_text() {
  std::string text;
  for (int i = 0; i < 200000; ++i) text += static_cast<char>('a' + i % 23);
  return text;
}

/// Answers `expected` by `answer`, so often; then stays until it is let go.
int converse(const std::string& directory, std::string_view expected, std::string_view answer, int times = 1) {
  const auto carrier = connect_to(test::endpoint_in(directory));
  if (!carrier) return 90;
  for (; times > 0; --times) {
    if (receive_text(**carrier, expected.size()) != expected) return 91;
    if (!answer.empty() && !send_all(**carrier, answer)) return 92;
  }
  static_cast<void>(receive_text(**carrier, 1));
  return 0;
}

const Role stay("stay", [](const Line&, const Words& words) { return converse(words[0], "", ""); });
const Role echo("echo-long", [](const Line&, const Words& words) { return converse(words[0], long_text(), long_text()); });
const Role go_on("go-on", [](const Line&, const Words& words) { return converse(words[0], "go", "on"); });
const Role say_bye("say-bye", [](const Line&, const Words& words) {
  const auto carrier = connect_to(test::endpoint_in(words[0]));
  if (!carrier || receive_text(**carrier, 1) != "x") return 1;
  return send_all(**carrier, "bye") ? 0 : 2;
});
/// It stays and reads nothing: no byte that is sent may end it.
const Role deaf("deaf", [](const Line& line, const Words& words) {
  const auto carrier = connect_to(test::endpoint_in(words[0]));
  if (!carrier) return 1;
  static_cast<void>(line.hear());
  return 0;
});
const Role two_words("two-words", [](const Line&, const Words& words) {
  const auto carrier = connect_to(test::endpoint_in(words[0]));
  if (!carrier) return 1;
  for (const char* text : {"1", "2"}) {
    if (!send_all(**carrier, text)) return 2;
    static_cast<void>(receive_text(**carrier, 1));
  }
  return 0;
});

TEST(Carrier, MovesBytesBothWaysInOrder) {
  Meeting meeting(echo);
  EXPECT_EQ(meeting.carrier().traits().id, 1);
  EXPECT_STREQ(meeting.carrier().traits().name, "pipe");
  const auto sent = long_text();
  ASSERT_TRUE(send_all(meeting.carrier(), sent));
  EXPECT_EQ(receive_text(meeting.carrier(), sent.size()), sent);
  meeting.drop();
  EXPECT_EQ(meeting.process().wait(), 0);
}

TEST(Carrier, WithoutWaitingItSaysThatItWouldBlock) {
  Meeting meeting(deaf);
  HandleList handles;
  std::byte buffer[16];
  EXPECT_EQ(meeting.carrier().receive(buffer, handles, Wait::no).error(), Error::would_block);
  const std::vector<std::byte> block(1 << 16);
  for (;;) {
    const auto sent = meeting.carrier().send(block, {}, Wait::no);
    if (sent) continue;
    EXPECT_EQ(sent.error(), Error::would_block);
    break;
  }
  EXPECT_EQ(meeting.carrier().wait(Readiness::writable, std::chrono::steady_clock::now()).error(),
            Error::deadline_exceeded);
  meeting.process().line().tell();
  EXPECT_EQ(meeting.process().wait(), 0);
}

TEST(Carrier, EmptyBuffersAreNotASystemCall) {
  Meeting meeting(stay);
  HandleList handles;
  EXPECT_EQ(meeting.carrier().receive({}, handles, Wait::no).error(), Error::invalid_argument);
  EXPECT_EQ(meeting.carrier().send({}, {}, Wait::no).error(), Error::invalid_argument);
}

TEST(Carrier, TheEndIsTruncationForReaderAndWriter) {
  Meeting meeting(say_bye);
  ASSERT_TRUE(meeting.carrier().send(as_bytes("x"), {}, Wait::yes).has_value());
  EXPECT_EQ(meeting.process().wait(), 0);
  EXPECT_TRUE(meeting.carrier().wait(Readiness::readable, {}).has_value());
  EXPECT_EQ(receive_text(meeting.carrier(), 3), "bye");
  HandleList handles;
  std::byte buffer[16];
  EXPECT_EQ(meeting.carrier().receive(buffer, handles, Wait::yes).error(), Error::truncated);
  EXPECT_EQ(meeting.carrier().send(as_bytes("x"), {}, Wait::yes).error(), Error::truncated);
  EXPECT_TRUE(meeting.carrier().wait(Readiness::readable, {}).has_value());
}

TEST(Carrier, AfterCloseEverythingIsClosed) {
  Meeting meeting(stay);
  auto& carrier = meeting.carrier();
  carrier.close();
  carrier.close();
  HandleList handles;
  std::byte buffer[16];
  EXPECT_EQ(carrier.receive(buffer, handles, Wait::yes).error(), Error::closed);
  EXPECT_EQ(carrier.send(as_bytes("x"), {}, Wait::yes).error(), Error::closed);
  EXPECT_EQ(carrier.wait(Readiness::readable, {}).error(), Error::closed);
  EXPECT_EQ(carrier.sender_checks(false).error(), Error::closed);
  EXPECT_EQ(carrier.native(), no_handle);
  boost::asio::io_context context;
  EXPECT_EQ(carrier.attach(context.get_executor()).error(), Error::closed);
  EXPECT_EQ(meeting.process().wait(), 0);
}

// A context that has run out of work stands still until it is restarted.
void run_until(boost::asio::io_context& context, const std::optional<boost::system::error_code>& done) {
  while (!done) {
    context.restart();
    context.run_one();
  }
}

TEST(Carrier, AsyncWaitsCompleteThroughTheExecutor) {
  Meeting meeting(go_on, false);
  auto& context = meeting.context();
  auto& carrier = meeting.carrier();
  ASSERT_TRUE(carrier.attach(context.get_executor()).has_value());
  std::optional<boost::system::error_code> readable;
  std::optional<boost::system::error_code> writable;
  carrier.async_wait(Readiness::readable, [&](boost::system::error_code ec) { readable = ec; });
  carrier.async_wait(Readiness::writable, [&](boost::system::error_code ec) { writable = ec; });
  EXPECT_FALSE(writable.has_value());  // never inside the call
  run_until(context, writable);
  EXPECT_FALSE(*writable);
  EXPECT_FALSE(readable.has_value());
  ASSERT_TRUE(carrier.send(as_bytes("go"), {}, Wait::no).has_value());
  run_until(context, readable);
  EXPECT_FALSE(*readable);
  carrier.detach();
  EXPECT_EQ(receive_text(carrier, 2), "on");
  meeting.drop();
  EXPECT_EQ(meeting.process().wait(), 0);
}

TEST(Carrier, CancelDetachAndCloseAbortWaits) {
  for (const bool closed : {true, false}) {
    Meeting meeting(stay, false);
    auto& context = meeting.context();
    auto& carrier = meeting.carrier();
    ASSERT_TRUE(carrier.attach(context.get_executor()).has_value());
    const auto aborted_by = [&](const std::function<void()>& what) {
      std::optional<boost::system::error_code> ended;
      carrier.async_wait(Readiness::readable, [&](boost::system::error_code ec) { ended = ec; });
      what();
      EXPECT_FALSE(ended.has_value());
      context.restart();
      while (!ended && context.run_one() != 0) {
      }
      return ended == boost::asio::error::operation_aborted;
    };
    EXPECT_TRUE(aborted_by([&] { carrier.cancel_waits(); }));
    EXPECT_TRUE(aborted_by([&] { closed ? carrier.close() : carrier.detach(); }));
    EXPECT_TRUE(aborted_by([] {}));  // without an executor of its own: still through the one that it had
  }
}

TEST(Carrier, NamesTheSenderUntilToldOtherwise) {
  Meeting meeting(two_words);
  auto& carrier = meeting.carrier();
  HandleList handles;
  std::byte buffer[16];
  const auto first = carrier.receive(buffer, handles, Wait::yes);
  ASSERT_TRUE(first.has_value() && first->sender.has_value());
  EXPECT_EQ(first->sender->pid, meeting.process().pid());
  EXPECT_EQ(first->sender->pid, carrier.peer().pid);
  EXPECT_EQ(first->sender->uid, carrier.peer().uid);
  EXPECT_EQ(first->sender->gid, carrier.peer().gid);
  EXPECT_EQ(first->sender->process_key, carrier.peer().process_key);
  ASSERT_TRUE(carrier.sender_checks(false).has_value());
  ASSERT_TRUE(carrier.send(as_bytes("x"), {}, Wait::yes).has_value());
  const auto second = carrier.receive(buffer, handles, Wait::yes);
  ASSERT_TRUE(second.has_value());
  EXPECT_FALSE(second->sender.has_value());
}

TEST(Pipe, AFullBacklogIsEnteredAsSoonAsThereIsRoom) {
  const TempDirectory directory;
  WaitingPipe listener(test::endpoint_in(directory));
  std::vector<std::unique_ptr<Child>> clients;
  for (int i = 0; i < 40; ++i) clients.push_back(std::make_unique<Child>(stay, Words{directory.path()}));
  for (int i = 0; i < 40; ++i) EXPECT_TRUE(listener.accept().has_value());
  for (auto& client : clients) EXPECT_EQ(client->wait(), 0);
}

TEST(Pipe, AProcessMeetsItselfOnlyWhereItSaysSo) {
  const TempDirectory directory;
  const auto endpoint = test::endpoint_in(directory);
  {
    WaitingPipe listener(endpoint);
    EXPECT_EQ(connect_to(endpoint).error(), Error::peer_unidentified);
    const auto own = connect_to(endpoint, {}, {.allow_own_process = true});
    EXPECT_TRUE(own.has_value());
    EXPECT_EQ(listener.accept().error(), Error::peer_unidentified);
    EXPECT_EQ(listener.accept().error(), Error::peer_unidentified);
  }
  WaitingPipe listener(endpoint, {.allow_own_process = true});
  const auto own = connect_to(endpoint, {}, {.allow_own_process = true});
  ASSERT_TRUE(own.has_value());
  const auto accepted = listener.accept();
  ASSERT_TRUE(accepted.has_value());
  EXPECT_EQ((*accepted)->peer().process_key, (*own)->self().process_key);
}

}  // namespace
}  // namespace penstock::transport
