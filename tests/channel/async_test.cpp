// The Asio face: coroutines, cancellation, deadlines, back-pressure.
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include "tests/channel/async_pair.hpp"

namespace penstock::test {
namespace {

using asio::awaitable;
using asio::use_awaitable;

awaitable<void> echo(Channel& channel, int rounds) {
  std::vector<std::byte> buffer(70000);
  for (int i = 0; i < rounds; ++i) {
    auto incoming = co_await channel.async_receive(asio::buffer(buffer), use_awaitable);
    if (incoming.kind == MessageKind::request) {
      co_await channel.async_reply(incoming.request, 3, asio::buffer(buffer.data(), incoming.size), {}, use_awaitable);
    } else {
      co_await channel.async_send(asio::buffer(buffer.data(), incoming.size), use_awaitable);
    }
  }
}

TEST(AsyncChannel, CoroutinesTalkBothWays) {
  AsyncPair pair;
  bool done = false;
  asio::co_spawn(pair.context, echo(pair.server, 101), asio::detached);
  asio::co_spawn(
      pair.context,
      [&]() -> awaitable<void> {
        std::vector<std::byte> out(70000, std::byte{42});
        std::vector<std::byte> in(70000);
        for (int i = 0; i < 100; ++i) {
          co_await pair.client.async_send(asio::buffer(out.data(), static_cast<std::size_t>(i * 700)), use_awaitable);
          const auto got = co_await pair.client.async_receive(asio::buffer(in), use_awaitable);
          EXPECT_EQ(got.size, static_cast<std::size_t>(i * 700));
        }
        const auto reply = co_await pair.client.async_call("echo", asio::buffer(out), asio::buffer(in), {}, use_awaitable);
        EXPECT_EQ(reply.status, 3u);
        EXPECT_EQ(in, out);
        done = true;
      },
      asio::detached);
  pair.run_until([&] { return done; });
}

TEST(AsyncChannel, ManySendsAtOnceArriveInOrder) {
  AsyncPair pair;
  constexpr int messages = 5000;
  std::vector<std::array<std::byte, 200>> out(messages);
  int sent = 0;
  for (int i = 0; i < messages; ++i) {
    out[static_cast<std::size_t>(i)].fill(static_cast<std::byte>(i));
    pair.client.async_send(asio::buffer(out[static_cast<std::size_t>(i)]), [&](boost::system::error_code ec) {
      EXPECT_FALSE(ec) << ec.message();
      ++sent;
    });
  }
  int received = 0;
  asio::co_spawn(
      pair.context,
      [&]() -> awaitable<void> {
        std::array<std::byte, 200> in;
        for (int i = 0; i < messages; ++i) {
          co_await pair.server.async_receive(asio::buffer(in), use_awaitable);
          EXPECT_EQ(in[0], static_cast<std::byte>(i));
          ++received;
        }
      },
      asio::detached);
  pair.run_until([&] { return received == messages && sent == messages; });
}

TEST(AsyncChannel, TrySendStopsAtTheBoundAndGoesOnWhenThePeerReads) {
  auto connect = connect_options();
  connect.channel.limits.outbound_bytes = 64 * 1024;
  AsyncPair pair(listen_options(), connect);
  std::vector<std::byte> message(1000);
  std::uint64_t accepted = 0;
  // Nobody reads: the kernel's buffer and ours fill up, and then it says so.
  for (;;) {
    const auto sent = pair.client.try_send(asio::buffer(message));
    if (sent) {
      ++accepted;
      ASSERT_LT(accepted, 100000u);
      continue;
    }
    ASSERT_EQ(sent.error(), Error::would_block);
    if (pair.context.poll() == 0) break;
  }
  EXPECT_EQ(pair.client.try_send(asio::buffer(std::vector<std::byte>(70000))).error(), Error::message_too_large);
  std::uint64_t received = 0;
  asio::co_spawn(
      pair.context,
      [&]() -> awaitable<void> {
        while (received < accepted) {
          co_await pair.server.async_receive(asio::buffer(message), use_awaitable);
          ++received;
        }
      },
      asio::detached);
  pair.run_until([&] { return received == accepted; });
  EXPECT_TRUE(pair.client.try_send(asio::buffer(message)));
}

// What try_send has accepted arrives, also what it accepted while the socket took nothing more.
TEST(AsyncChannel, TrySendLosesNothingWhileTheSocketIsFull) {
  AsyncPair pair;
  std::uint64_t sent = 0;
  for (;; ++sent) {
    const auto accepted = pair.client.try_send(asio::buffer(&sent, sizeof sent));
    if (accepted) continue;
    ASSERT_EQ(accepted.error(), Error::would_block);
    break;
  }
  ASSERT_GT(sent * sizeof sent, std::size_t{65536}) << "the socket was never full";
  std::uint64_t received = 0;
  bool done = false;
  asio::co_spawn(
      pair.context,
      [&]() -> awaitable<void> {
        while (received < sent) {
          std::uint64_t number = 0;
          co_await pair.server.async_receive(asio::buffer(&number, sizeof number), use_awaitable);
          EXPECT_EQ(number, received);
          if (number != received++) break;
        }
        done = true;
      },
      asio::detached);
  pair.run_until([&] { return done; });
  EXPECT_EQ(received, sent);
  EXPECT_TRUE(pair.client.try_send(asio::buffer(&sent, sizeof sent)));
}

TEST(AsyncChannel, ReceiveCanBeCancelledAndTheChannelGoesOn) {
  AsyncPair pair;
  asio::cancellation_signal signal;
  std::vector<std::byte> buffer(64);
  bool cancelled = false;
  pair.server.async_receive(asio::buffer(buffer),
                            asio::bind_cancellation_slot(signal.slot(), [&](boost::system::error_code ec, Incoming) {
                              EXPECT_EQ(ec, make_error_code(Error::cancelled));
                              cancelled = true;
                            }));
  pair.context.poll();
  signal.emit(asio::cancellation_type::total);
  pair.run_until([&] { return cancelled; });
  bool received = false;
  pair.server.async_receive(asio::buffer(buffer), [&](boost::system::error_code ec, Incoming) {
    EXPECT_FALSE(ec);
    received = true;
  });
  pair.client.async_send(asio::buffer(buffer), [](boost::system::error_code) {});
  pair.run_until([&] { return received; });
}

TEST(AsyncChannel, AReceiveCancelledInTheMiddleOfALargeMessageKeepsWhatArrived) {
  AsyncPair pair;
  std::vector<std::byte> out(500000);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::byte>(i * 7);
  std::vector<std::byte> in(out.size());
  asio::cancellation_signal signal;
  int ended = 0;
  pair.server.async_receive(asio::buffer(in),
                            asio::bind_cancellation_slot(signal.slot(), [&](boost::system::error_code ec, Incoming) {
                              EXPECT_EQ(ec, make_error_code(Error::cancelled));
                              ++ended;
                            }));
  pair.client.async_send(asio::buffer(out), [](boost::system::error_code) {});
  // One handler at a time, until part of the message is in the buffer.
  while (in[0] != out[1] && in[1] != out[1] && pair.context.run_one() != 0) {
  }
  signal.emit(asio::cancellation_type::total);
  std::fill(in.begin(), in.end(), std::byte{});
  pair.server.async_receive(asio::buffer(in), [&](boost::system::error_code ec, Incoming got) {
    EXPECT_FALSE(ec) << ec.message();
    EXPECT_EQ(got.size, out.size());
    ++ended;
  });
  pair.run_until([&] { return ended == 2; });
  EXPECT_EQ(in, out);
}

TEST(AsyncChannel, DestructionCompletesWhatIsOutstanding) {
  AsyncPair pair;
  std::vector<std::byte> buffer(64);
  int ended = 0;
  pair.client.async_receive(asio::buffer(buffer), [&](boost::system::error_code ec, Incoming) {
    EXPECT_TRUE(ec);
    ++ended;
  });
  pair.client.async_call("x", {}, {}, {}, [&](boost::system::error_code ec, Reply) {
    EXPECT_TRUE(ec);
    ++ended;
  });
  pair.client = Channel();
  pair.run_until([&] { return ended == 2; });
}

TEST(AsyncChannel, OperationsOnNoChannelEndWithClosed) {
  asio::io_context context;
  Channel none;
  int ended = 0;
  none.async_send(asio::const_buffer(), asio::bind_executor(context, [&](boost::system::error_code ec) {
                    EXPECT_EQ(ec, make_error_code(Error::closed));
                    ++ended;
                  }));
  EXPECT_EQ(ended, 0);
  context.run();
  EXPECT_EQ(ended, 1);
}

TEST(AsyncChannel, LingeringCloseDeliversEverythingFirst) {
  AsyncPair pair;
  std::vector<std::byte> out(3 << 20, std::byte{9});
  std::vector<std::byte> in(out.size());
  bool closed = false;
  bool received = false;
  pair.client.async_send(asio::buffer(out), [&](boost::system::error_code ec) {
    EXPECT_FALSE(ec);
    pair.client.async_close(std::chrono::seconds(20), [&](boost::system::error_code) { closed = true; });
  });
  pair.server.async_receive(asio::buffer(in), [&](boost::system::error_code ec, Incoming got) {
    EXPECT_FALSE(ec) << ec.message();
    EXPECT_EQ(got.size, out.size());
    received = true;
  });
  pair.run_until([&] { return closed && received; });
  EXPECT_EQ(in, out);
}

TEST(AsyncChannel, FuturesWorkToo) {
  AsyncPair pair;
  std::vector<std::byte> buffer(8);
  auto receive = pair.server.async_receive(asio::buffer(buffer), asio::use_future);
  auto send = pair.client.async_send(asio::buffer(buffer), asio::use_future);
  pair.run_until([&] { return receive.wait_for(std::chrono::seconds(0)) == std::future_status::ready; });
  EXPECT_EQ(receive.get().size, 8u);
  send.get();
}

TEST(Atk27, AReplyGoesToItsOwnCallWhateverTheOrder) {
  AsyncPair pair;
  constexpr std::uint32_t calls = 50;
  std::vector<RequestId> asked;
  std::vector<std::byte> buffer(4);
  asio::co_spawn(
      pair.context,
      [&]() -> awaitable<void> {
        for (std::uint32_t i = 0; i < calls; ++i) {
          auto got = co_await pair.server.async_receive(asio::buffer(buffer), use_awaitable);
          asked.push_back(got.request);
        }
        for (std::uint32_t i = calls; i-- > 0;) {
          co_await pair.server.async_reply(asked[i], i, {}, {}, use_awaitable);
        }
      },
      asio::detached);
  std::uint32_t answered = 0;
  for (std::uint32_t i = 0; i < calls; ++i) {
    pair.client.async_call("n", {}, {}, {}, [&answered, i](boost::system::error_code ec, Reply reply) {
      EXPECT_FALSE(ec);
      EXPECT_EQ(reply.status, i);
      ++answered;
    });
  }
  pair.run_until([&] { return answered == calls; });
}

TEST(Atk27, AReplyAfterDeadlineOrCancelReachesNobody) {
  AsyncPair pair;
  std::vector<std::byte> reply_buffer(8, std::byte{1});
  const auto untouched = reply_buffer;
  asio::cancellation_signal signal;
  int ended = 0;
  CallOptions soon;
  soon.deadline = std::chrono::milliseconds(1);
  pair.client.async_call("late", {}, asio::buffer(reply_buffer), soon, [&](boost::system::error_code ec, Reply) {
    EXPECT_EQ(ec, make_error_code(Error::deadline_exceeded));
    ++ended;
  });
  pair.client.async_call("cancelled", {}, asio::buffer(reply_buffer), {},
                         asio::bind_cancellation_slot(signal.slot(), [&](boost::system::error_code ec, Reply) {
                           EXPECT_EQ(ec, make_error_code(Error::cancelled));
                           ++ended;
                         }));
  std::vector<std::byte> buffer(8);
  std::vector<RequestId> asked;
  asio::co_spawn(
      pair.context,
      [&]() -> awaitable<void> {
        for (int i = 0; i < 2; ++i) {
          asked.push_back((co_await pair.server.async_receive(asio::buffer(buffer), use_awaitable)).request);
        }
        signal.emit(asio::cancellation_type::total);
      },
      asio::detached);
  pair.run_until([&] { return ended == 2 && asked.size() == 2; });

  // The server answers both, with other bytes than the buffer holds; then a third call shows that the channel lives and
  // that its answer is its own.
  int replied = 0;
  const std::vector<std::byte> poison(8, std::byte{0xEE});
  for (const auto request : asked) {
    pair.server.async_reply(request, 99, asio::buffer(poison), {}, [&](boost::system::error_code) { ++replied; });
  }
  bool third = false;
  std::vector<std::byte> own(8);
  pair.client.async_call("third", {}, asio::buffer(own), {}, [&](boost::system::error_code ec, Reply reply) {
    EXPECT_FALSE(ec) << ec.message();
    EXPECT_EQ(reply.status, 5u);
    third = true;
  });
  pair.server.async_receive(asio::buffer(buffer), [&](boost::system::error_code ec, Incoming got) {
    ASSERT_FALSE(ec) << ec.message();
    EXPECT_EQ(got.operation(), "third");
    pair.server.async_reply(got.request, 5, {}, {}, [](boost::system::error_code) {});
  });
  pair.run_until([&] { return third && replied == 2; });
  EXPECT_EQ(reply_buffer, untouched);
}

}  // namespace
}  // namespace penstock::test
