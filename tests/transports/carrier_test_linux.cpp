// What a Unix socket and fork(2) add: copies in other processes, other speakers, options and limits of the kernel.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/error.hpp>
#include <optional>

#include "tests/transports/testing_linux.hpp"

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

TEST(Carrier, DetachedItBlocksAndIsAttachedOnce) {
  boost::asio::io_context context;
  Meeting meeting(stay);
  auto& carrier = meeting.carrier();
  ASSERT_TRUE(carrier.attach(context.get_executor()).has_value());
  EXPECT_EQ(carrier.attach(context.get_executor()).error(), Error::invalid_argument);
  carrier.detach();
  EXPECT_EQ(::fcntl(carrier.native(), F_GETFL) & O_NONBLOCK, 0);
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

}  // namespace
}  // namespace penstock::transport
