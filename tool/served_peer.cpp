#include "tool/served_peer.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "tool/message_reader.hpp"
#include "tool/peer_environment.hpp"
#include "tool/wrapped.hpp"

namespace penstock::tool {

result<std::shared_ptr<ServedPeer>> ServedPeer::start(Channel channel, const ServePlan& plan) {
  SpawnSpec spec;
  spec.program = plan.program;
  spec.arguments = plan.arguments;
  spec.environment = peer_environment(channel, plan.endpoint, plan.environment_names);
  auto program = Program::start(channel.get_executor(), std::move(spec));
  if (!program) return program.error();
  return std::make_shared<ServedPeer>(std::move(channel), std::move(*program), plan.grace);
}

ServedPeer::ServedPeer(Channel channel, std::unique_ptr<Program> program, std::chrono::milliseconds grace)
    : channel_(std::move(channel)),
      program_(std::move(program)),
      grace_(grace),
      condition_(channel_.get_executor()),
      patience_(channel_.get_executor()) {}

void ServedPeer::stop() {
  if (stopping_) return program_->end_now();
  stopping_ = true;
  // SIGTERM, SIGKILL and the last output have `grace_` each.
  patience_.expires_after(3 * grace_);
  patience_.async_wait([self = shared_from_this()](boost::system::error_code error) {
    if (!error) self->channel_.close();
  });
  condition_.changed();
}

asio::awaitable<void> ServedPeer::run() {
  const auto self = shared_from_this();  // each of the four keeps it
  const auto start = [&](asio::awaitable<void> (ServedPeer::*part)()) {
    asio::co_spawn(
        channel_.get_executor(), [self, part]() -> asio::awaitable<void> { co_await ((*self).*part)(); },
        asio::detached);
  };
  receiving_ = true;
  start(&ServedPeer::to_peer);
  start(&ServedPeer::from_peer);
  start(&ServedPeer::await_program);

  const auto over = [this] { return status_.has_value() && drained_; };
  co_await condition_.until([&] { return over() || peer_gone_ || stopping_; });
  if (!over()) co_await end_program();
  if (!peer_gone_) co_await say_last_word();
  co_await channel_.async_close(grace_, asio::as_tuple(asio::use_awaitable));
  patience_.cancel();
  program_->input().close();
  program_->output().close();
  co_await condition_.until([this] { return drained_ && !receiving_; });
}

// The program's output, to the peer; to nowhere once the peer has gone, so that the program never blocks on it.
asio::awaitable<void> ServedPeer::to_peer() {
  std::vector<std::byte> piece(piece_size);
  for (;;) {
    const auto got = co_await program_->output().read(piece);
    if (!got) break;
    if (!peer_gone_) {
      const auto [error] =
          co_await channel_.async_send(asio::buffer(piece.data(), *got), asio::as_tuple(asio::use_awaitable));
      if (error) peer_gone_ = true;
      condition_.changed();
    }
    if (*got == 0) break;
  }
  drained_ = true;
  condition_.changed();
}

asio::awaitable<void> ServedPeer::from_peer() {
  MessageReader reader;
  for (;;) {
    const auto arrived = co_await reader.next(channel_);
    if (arrived.error) break;
    if (arrived.incoming.kind == MessageKind::request) {
      const bool known = arrived.incoming.operation() == exit_status_operation && !asked_;
      if (known) asked_ = arrived.incoming.request;
      if (!known) co_await answer(arrived.incoming.request, not_served, "only exit-status is answered here, once");
      condition_.changed();
    } else if (arrived.body.empty()) {
      input_ended_ = true;
      program_->input().close();
    } else if (program_->input().is_open()) {
      // A program that reads no more is no failure: what it does not want is dropped, as a shell's pipe would.
      if (auto written = co_await program_->input().write(arrived.body); !written) program_->input().close();
    }
  }
  peer_gone_ = true;
  receiving_ = false;
  condition_.changed();
}

asio::awaitable<void> ServedPeer::await_program() {
  const auto status = co_await program_->wait([this] { return peer_gone_ || stopping_; });
  status_ = status;
  condition_.changed();
}

asio::awaitable<void> ServedPeer::end_program() {
  const auto ended = [this] { return status_.has_value(); };
  if (input_ended_ && !stopping_) co_await condition_.until([&] { return ended() || stopping_; }, grace_);
  if (!ended()) program_->ask_to_end();
  if (!co_await condition_.until(ended, grace_)) program_->end_now();
  co_await condition_.until(ended);
  // What it wrote at the end is still the peer's. A grandchild that holds the pipe open is not waited for longer.
  if (!peer_gone_) co_await condition_.until([this] { return drained_ || peer_gone_; }, grace_);
}

asio::awaitable<void> ServedPeer::say_last_word() {
  co_await condition_.until([this] { return asked_.has_value() || peer_gone_; }, grace_);
  if (asked_ && !peer_gone_) co_await answer(*asked_, 0, last_word(*status_));
}

asio::awaitable<void> ServedPeer::answer(RequestId request, std::uint32_t status, std::string body) {
  // If the peer has gone, the next receive says so.
  co_await channel_.async_reply(request, status, asio::buffer(body), {}, asio::as_tuple(asio::use_awaitable));
}

}  // namespace penstock::tool
