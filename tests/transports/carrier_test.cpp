// Bytes, ends, waits and senders over a real pipe between real processes.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/error.hpp>
#include <optional>

#include "tests/transports/testing.hpp"

namespace penstock::transport {
namespace {

using namespace testing;
using namespace std::chrono_literals;

/// A listener here, and a client process that runs `body` with its carrier.
class Meeting {
 public:
  explicit Meeting(const std::function<int(Carrier&)>& body) : listener_(endpoint_in(scratch_.path())) {
    process_.emplace([this, body] {
      const auto carrier = connect_to(endpoint_in(scratch_.path()));
      return carrier ? body(**carrier) : 99;
    });
    auto carrier = listener_.accept();
    if (carrier) carrier_ = std::move(*carrier);
  }
  [[nodiscard]] Carrier& carrier() { return *carrier_; }
  [[nodiscard]] Process& process() { return *process_; }
  void drop() { carrier_.reset(); }

 private:
  ScratchDirectory scratch_;
  WaitingListener listener_;
  std::optional<Process> process_;
  std::unique_ptr<Carrier> carrier_;
};

int stay(Carrier& carrier) {
  static_cast<void>(receive_text(carrier, 1));
  return 0;
}

TEST(Carrier, MovesBytesBothWaysInOrder) {
  std::string sent;
  for (int i = 0; i < 200000; ++i) sent += static_cast<char>('a' + i % 23);
  Meeting meeting([&](Carrier& carrier) {
    const auto got = receive_text(carrier, sent.size());
    for (auto left = as_bytes(got); !left.empty();) {
      const auto done = carrier.send(left, {}, Wait::yes);
      if (!done || *done == 0) return 1;
      left = left.subspan(*done);
    }
    return got == sent ? 0 : 2;
  });
  EXPECT_EQ(meeting.carrier().traits().id, 1);
  EXPECT_STREQ(meeting.carrier().traits().name, "pipe");
  for (auto left = as_bytes(sent); !left.empty();) {
    const auto done = meeting.carrier().send(left, {}, Wait::yes);
    ASSERT_TRUE(done.has_value());
    left = left.subspan(*done);
  }
  EXPECT_EQ(receive_text(meeting.carrier(), sent.size()), sent);
  EXPECT_EQ(meeting.process().wait(), 0);
}

TEST(Carrier, WithoutWaitingItSaysThatItWouldBlock) {
  // It stays and reads nothing: no byte that is sent may end it.
  const Gate done;
  Meeting meeting([&](Carrier&) { return static_cast<int>(done.wait()); });
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
  done.tell();
  EXPECT_EQ(meeting.process().wait(), 0);
}

TEST(Carrier, EmptyBuffersAreNotASystemCall) {
  Meeting meeting(stay);
  HandleList handles;
  EXPECT_EQ(meeting.carrier().receive({}, handles, Wait::no).error(), Error::invalid_argument);
  EXPECT_EQ(meeting.carrier().send({}, {}, Wait::no).error(), Error::invalid_argument);
}

TEST(Carrier, TheEndIsTruncationForReaderAndWriter) {
  Meeting meeting([](Carrier& carrier) {
    if (receive_text(carrier, 1) != "x") return 1;
    static_cast<void>(carrier.send(as_bytes("bye"), {}, Wait::yes));
    return 0;
  });
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

TEST(Carrier, CloseReachesThePeerEvenWhereAForkedChildHoldsTheSocket) {
  Meeting meeting(stay);
  const Gate never;
  Process fork([&] { return static_cast<int>(never.wait()); });
  meeting.carrier().close();
  EXPECT_EQ(meeting.process().wait(), 0);
}

TEST(Carrier, AForkedChildsCopyEndsNothing) {
  boost::asio::io_context context;
  Meeting meeting([](Carrier& carrier) {
    if (receive_text(carrier, 1) != "1") return 1;
    static_cast<void>(carrier.send(as_bytes("2"), {}, Wait::yes));
    return stay(carrier);
  });
  ASSERT_TRUE(meeting.carrier().attach(context.get_executor()).has_value());
  bool readable = false;
  meeting.carrier().async_wait(Readiness::readable, [&](boost::system::error_code ec) { readable = !ec; });
  Process child([&] {
    meeting.drop();
    return 0;
  });
  EXPECT_EQ(child.wait(), 0);
  ASSERT_TRUE(meeting.carrier().send(as_bytes("1"), {}, Wait::no).has_value());
  context.run();
  EXPECT_TRUE(readable);
  meeting.drop();
  EXPECT_EQ(meeting.process().wait(), 0);
}

TEST(Carrier, AsyncWaitsCompleteThroughTheExecutor) {
  boost::asio::io_context context;
  Meeting meeting([](Carrier& carrier) {
    if (receive_text(carrier, 2) != "go") return 1;
    static_cast<void>(carrier.send(as_bytes("on"), {}, Wait::yes));
    return stay(carrier);
  });
  auto& carrier = meeting.carrier();
  ASSERT_TRUE(carrier.attach(context.get_executor()).has_value());
  EXPECT_EQ(carrier.attach(context.get_executor()).error(), Error::invalid_argument);
  std::optional<boost::system::error_code> readable;
  std::optional<boost::system::error_code> writable;
  carrier.async_wait(Readiness::readable, [&](boost::system::error_code ec) { readable = ec; });
  carrier.async_wait(Readiness::writable, [&](boost::system::error_code ec) { writable = ec; });
  EXPECT_FALSE(writable.has_value());  // never inside the call
  while (!writable) context.run_one();
  EXPECT_FALSE(*writable);
  EXPECT_FALSE(readable.has_value());
  ASSERT_TRUE(carrier.send(as_bytes("go"), {}, Wait::no).has_value());
  while (!readable) context.run_one();
  EXPECT_FALSE(*readable);
  EXPECT_EQ(receive_text(carrier, 2), "on");
  meeting.drop();
  EXPECT_EQ(meeting.process().wait(), 0);
}

TEST(Carrier, CancelDetachAndCloseAbortWaits) {
  boost::asio::io_context context;
  Meeting meeting(stay);
  auto& carrier = meeting.carrier();
  ASSERT_TRUE(carrier.attach(context.get_executor()).has_value());
  const auto aborted_by = [&](const std::function<void()>& what) {
    std::optional<boost::system::error_code> ended;
    carrier.async_wait(Readiness::readable, [&](boost::system::error_code ec) { ended = ec; });
    what();
    EXPECT_FALSE(ended.has_value());
    context.restart();
    context.run();
    return ended == boost::asio::error::operation_aborted;
  };
  EXPECT_TRUE(aborted_by([&] { carrier.cancel_waits(); }));
  EXPECT_TRUE(aborted_by([&] { carrier.detach(); }));
  EXPECT_EQ(::fcntl(carrier.native(), F_GETFL) & O_NONBLOCK, 0);
  EXPECT_TRUE(aborted_by([] {}));  // detached: still through the executor
  ASSERT_TRUE(carrier.attach(context.get_executor()).has_value());
  EXPECT_TRUE(aborted_by([&] { carrier.close(); }));
  EXPECT_TRUE(aborted_by([] {}));
}

TEST(Carrier, NamesTheSenderUntilToldOtherwise) {
  Meeting meeting([](Carrier& carrier) {
    for (const char* text : {"1", "2"}) {
      static_cast<void>(carrier.send(as_bytes(text), {}, Wait::yes));
      static_cast<void>(receive_text(carrier, 1));
    }
    return 0;
  });
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

// Connect, fork, and let the child speak: the connection is the parent's, the words are not.
TEST(Atk05, AForkedChildsWordsHaveAnotherSender) {
  Meeting meeting([](Carrier& carrier) {
    static_cast<void>(carrier.send(as_bytes("parent"), {}, Wait::yes));
    Process child([&] {
      const auto sent = ::send(carrier.native(), "child", 5, 0);
      return sent == 5 ? 0 : 1;
    });
    if (child.wait() != 0) return 1;
    static_cast<void>(carrier.send(as_bytes("again!"), {}, Wait::yes));
    return stay(carrier);
  });
  auto& carrier = meeting.carrier();
  HandleList handles;
  std::byte buffer[64];
  // One receive never glues the words of two processes together.
  const auto parent = carrier.receive(buffer, handles, Wait::yes);
  const auto child = carrier.receive(buffer, handles, Wait::yes);
  const auto again = carrier.receive(buffer, handles, Wait::yes);
  ASSERT_TRUE(parent && child && again);
  EXPECT_EQ(parent->size, 6u);
  EXPECT_EQ(child->size, 5u);
  EXPECT_EQ(again->size, 6u);
  EXPECT_EQ(parent->sender->process_key, carrier.peer().process_key);
  EXPECT_EQ(again->sender->process_key, carrier.peer().process_key);
  EXPECT_NE(child->sender->process_key, carrier.peer().process_key);
  EXPECT_NE(child->sender->pid, carrier.peer().pid);
}

TEST(Atk05, WhatWasSentBeforeAcceptHasItsSendersNameToo) {
  const ScratchDirectory scratch;
  WaitingListener listener(endpoint_in(scratch.path()));
  const Gate sent;
  Process client([&] {
    const auto carrier = connect_to(endpoint_in(scratch.path()));
    if (!carrier) return 1;
    Process child([&] { return ::send((*carrier)->native(), "early", 5, 0) == 5 ? 0 : 1; });
    child.wait();
    sent.tell();
    return stay(**carrier);
  });
  ASSERT_EQ(sent.wait(), 0);
  const auto carrier = listener.accept();
  ASSERT_TRUE(carrier.has_value());
  HandleList handles;
  std::byte buffer[16];
  const auto early = (*carrier)->receive(buffer, handles, Wait::yes);
  ASSERT_TRUE(early.has_value() && early->sender.has_value());
  EXPECT_NE(early->sender->process_key, (*carrier)->peer().process_key);
}

TEST(Pipe, AFullBacklogIsWaitedForNoLongerThanTheDeadline) {
  const ScratchDirectory scratch;
  const auto endpoint = endpoint_in(scratch.path());
  const auto listener = PipeListener::open(endpoint, 0);
  ASSERT_TRUE(listener.has_value());
  Process client([&] {
    std::vector<std::unique_ptr<Carrier>> held;
    for (int i = 0; i < 16; ++i) {
      auto carrier = connect_pipe(endpoint, {}, {}, std::chrono::steady_clock::now() + 50ms);
      if (!carrier) return carrier.error() == Error::deadline_exceeded && i > 0 ? 0 : 1;
      held.push_back(std::move(*carrier));
    }
    return 2;
  });
  EXPECT_EQ(client.wait(), 0);
}

TEST(Pipe, AFullBacklogIsEnteredAsSoonAsThereIsRoom) {
  const ScratchDirectory scratch;
  const auto endpoint = endpoint_in(scratch.path());
  WaitingListener listener(endpoint);
  std::vector<std::unique_ptr<Process>> clients;
  for (int i = 0; i < 40; ++i) clients.push_back(std::make_unique<Process>([&] { return connect_and_stay(endpoint); }));
  for (int i = 0; i < 40; ++i) EXPECT_TRUE(listener.accept().has_value());
  for (auto& client : clients) EXPECT_EQ(client->wait(), 0);
}

TEST(Pipe, AProcessMeetsItselfOnlyWhereItSaysSo) {
  const ScratchDirectory scratch;
  const auto endpoint = endpoint_in(scratch.path());
  const auto soon = std::chrono::steady_clock::now() + 60s;
  {
    WaitingListener listener(endpoint);
    EXPECT_EQ(connect_pipe(endpoint, {}, {}, soon).error(), Error::peer_unidentified);
    const auto own = connect_pipe(endpoint, {}, {}, soon, {.allow_own_process = true});
    EXPECT_TRUE(own.has_value());
    EXPECT_EQ(listener.accept().error(), Error::peer_unidentified);
    EXPECT_EQ(listener.accept().error(), Error::peer_unidentified);
  }
  WaitingListener listener(endpoint, {.allow_own_process = true});
  const auto own = connect_pipe(endpoint, {}, {}, soon, {.allow_own_process = true});
  ASSERT_TRUE(own.has_value());
  const auto accepted = listener.accept();
  ASSERT_TRUE(accepted.has_value());
  EXPECT_EQ((*accepted)->peer().process_key, (*own)->self().process_key);
}

}  // namespace
}  // namespace penstock::transport
