#include "tool/connected_peer.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "tool/exit_code.hpp"
#include "tool/message_reader.hpp"

namespace penstock::tool {
namespace {

// The status is asked for at the start and known at the end, however long that takes.
constexpr std::chrono::milliseconds no_deadline = std::chrono::hours(24 * 365);
constexpr std::chrono::seconds local_grace{5};
constexpr std::chrono::seconds linger{5};

}  // namespace

ConnectedPeer::ConnectedPeer(Channel channel, std::unique_ptr<Program> program)
    : channel_(std::move(channel)), program_(std::move(program)), condition_(channel_.get_executor()) {
  if (program_) return;
  input_.emplace(channel_.get_executor(), Stream::input);
  output_.emplace(channel_.get_executor(), Stream::output);
}

asio::awaitable<int> ConnectedPeer::run() {
  const auto start = [&](asio::awaitable<void> (ConnectedPeer::*part)()) {
    ++running_;
    asio::co_spawn(
        channel_.get_executor(),
        [this, part]() -> asio::awaitable<void> {
          co_await (this->*part)();
          --running_;
          condition_.changed();
        },
        asio::detached);
  };
  start(&ConnectedPeer::ask_status);
  start(&ConnectedPeer::to_peer);
  start(&ConnectedPeer::from_peer);
  if (program_) start(&ConnectedPeer::await_program);

  co_await condition_.until([this] {
    const bool said_all = incoming_ == Side::ended && status_known_;
    return said_all || incoming_ == Side::failed || local_failure_ != Error::none;
  });
  const int exit = co_await verdict();
  co_await channel_.async_close(linger, asio::as_tuple(asio::use_awaitable));
  source().close();
  sink().close();
  co_await condition_.until([this] { return running_ == 0; });
  co_return exit;
}

asio::awaitable<void> ConnectedPeer::to_peer() {
  std::vector<std::byte> piece(piece_size);
  for (;;) {
    const auto got = co_await source().read(piece);
    // An input that cannot be read is not an input that ended: the end is not said then.
    if (!got) {
      if (got.error() != Error::cancelled)
        local_failure_ = Failure(Error::io_error, "standard input cannot be read; check what it is");
      break;
    }
    const auto [error] =
        co_await channel_.async_send(asio::buffer(piece.data(), *got), asio::as_tuple(asio::use_awaitable));
    if (error || *got == 0) break;  // why the channel ended is from_peer's to say
  }
}

asio::awaitable<void> ConnectedPeer::from_peer() {
  MessageReader reader;
  for (;;) {
    const auto arrived = co_await reader.next(channel_);
    if (arrived.error) break;
    if (arrived.incoming.kind == MessageKind::request) {
      co_await channel_.async_reply(arrived.incoming.request, not_served, {}, {}, asio::as_tuple(asio::use_awaitable));
    } else if (arrived.body.empty()) {
      sink().close();
      incoming_ = Side::ended;
      condition_.changed();
    } else if (sink().is_open()) {
      auto written = co_await sink().write(arrived.body);
      if (written) continue;
      sink().close();
      // A program of ours may stop reading and go on; nobody is left to read our own standard output.
      if (!program_) local_failure_ = written.error();
      condition_.changed();
    }
  }
  if (incoming_ == Side::open) incoming_ = Side::failed;
  status_known_ = true;
  condition_.changed();
}

asio::awaitable<void> ConnectedPeer::ask_status() {
  std::array<std::byte, 64> word;
  CallOptions options;
  options.deadline = no_deadline;
  auto [error, reply] = co_await channel_.async_call(exit_status_operation, {}, asio::buffer(word), options,
                                                     asio::as_tuple(asio::use_awaitable));
  if (!error && reply.status == 0) remote_status_ = read_last_word(as_text(std::span(word).first(reply.size)));
  status_known_ = true;
  condition_.changed();
}

asio::awaitable<void> ConnectedPeer::await_program() {
  local_status_ = exit_status(co_await program_->wait([] { return false; }));
  condition_.changed();
}

asio::awaitable<int> ConnectedPeer::verdict() {
  int own = 0;
  if (program_) {
    // Its input has ended; what it still writes has no reader.
    sink().close();
    const auto ended = [this] { return local_status_.has_value(); };
    if (!co_await condition_.until(ended, local_grace)) program_->ask_to_end();
    if (!co_await condition_.until(ended, local_grace)) program_->end_now();
    co_await condition_.until(ended);
    own = *local_status_;
  }
  if (local_failure_ == Error::closed) co_return exit_status({signal_pipe, true});  // as any command whose reader has gone
  if (local_failure_ == Error::resource_exhausted) {
    co_return complain(Exit::resource, "standard output takes no more (the disk is full); make room");
  }
  if (local_failure_ != Error::none) co_return complain(local_failure_);
  if (incoming_ == Side::failed) {
    const auto reason = channel_.close_reason();
    if (reason != Error::closed_by_peer) co_return complain(reason);
    co_return complain(Exit::channel_broken,
                       "the other end closed the channel before the end of its output; see what it says");
  }
  if (own != 0) co_return own;
  if (remote_status_) co_return *remote_status_;
  co_return done;  // a listener that wraps no program: its output ended as it should
}

}  // namespace penstock::tool
