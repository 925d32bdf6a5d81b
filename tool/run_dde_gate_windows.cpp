// The gate's two halves: windows on the pump's thread, channels to the real program on this one.
#include <fmt/format.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "penstock/connect.hpp"
#include "tool/dde_door_windows.hpp"
#include "tool/end_requests.hpp"
#include "tool/exit_code.hpp"
#include "tool/ready_line.hpp"
#include "tool/run_dde_gate.hpp"

namespace penstock::tool {
namespace {

using Clock = std::chrono::steady_clock;

// What a program may say besides its status; nothing of DDE could carry it on.
constexpr std::size_t largest_reply = 4096;

std::chrono::milliseconds left_until(Clock::time_point end) {
  return std::max(std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()), std::chrono::milliseconds(1));
}

/// To the program that the policy admits, over a channel of its own for each text: it is proven anew each time, and a program
/// that was started again meanwhile is simply the next one.
class Forwarder {
 public:
  Forwarder(asio::io_context& loop, const ChannelSetup& setup, const DdeGate& gate) : loop_(loop), setup_(setup), gate_(gate) {}

  void start(DdeJob job) { asio::co_spawn(loop_, run(std::move(job)), asio::detached); }

 private:
  asio::awaitable<void> run(DdeJob job) {
    const bool done = co_await forward(job);
    job.answer(done);
  }

  asio::awaitable<bool> forward(const DdeJob& job) {
    const auto end = Clock::now() + gate_.rules().deadline;
    auto options = connect_options(setup_);
    options.deadline = gate_.rules().deadline;
    auto [error, channel] =
        co_await async_connect(loop_.get_executor(), setup_.endpoint, std::move(options), asio::as_tuple(asio::use_awaitable));
    if (error) {
      gate_.failed(job.commands.front().operation, *job.peer, channel.close_reason());
      co_return false;
    }
    std::vector<std::byte> body(largest_reply);
    for (const auto& one : job.commands) {
      CallOptions call;
      call.deadline = left_until(end);
      auto [failed, reply] = co_await channel.async_call(one.operation, asio::buffer(one.body), asio::buffer(body), call,
                                                         asio::as_tuple(asio::use_awaitable));
      if (!failed && reply.status == 0) continue;
      const auto why = failed ? Failure(static_cast<Error>(failed.value()))
                              : Failure(Error::operation_refused, fmt::format("The program answered with status {}.", reply.status));
      gate_.failed(one.operation, *job.peer, why);
      co_return false;
    }
    channel.close();
    co_return true;
  }

  asio::io_context& loop_;
  const ChannelSetup& setup_;
  const DdeGate& gate_;
};

}  // namespace

int run_dde_gate(DdeGateRules rules, ChannelWords words, std::int64_t ready_fd) {
  const auto setup = open_setup(words);
  if (!setup) return complain(setup.error());
  DdeGate gate(std::move(rules), setup->audit, Clock::now());
  asio::io_context loop(1);
  EndRequests requests(loop.get_executor());
  requests.async_wait([&] { loop.stop(); });
  Forwarder forwarder(loop, *setup, gate);
  auto door = DdeDoor::open(gate, [&](DdeJob job) {
    asio::post(loop, [&, job = std::move(job)]() mutable { forwarder.start(std::move(job)); });
  });
  if (!door) {
    gate.not_started(door.error());
    return complain(door.error());
  }
  if (auto recorded = gate.started(); !recorded) return complain(recorded.error());
  remark(fmt::format("answering DDE for {}|{}", gate.rules().application, gate.rules().topic));
  if (ready_fd >= 0 && !say_ready(ready_fd)) return complain(Exit::usage, "--ready-fd takes nothing; name an open descriptor");
  loop.run();
  door->reset();
  gate.stopped();
  return done;
}

}  // namespace penstock::tool
