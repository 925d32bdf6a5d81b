// The same channels for people who do not want coroutines: plain calls that block the calling thread.
#pragma once

#include <chrono>
#include <memory>
#include <optional>

#include "penstock/channel.hpp"
#include "penstock/endpoint.hpp"
#include "penstock/options.hpp"

namespace penstock::blocking {

/// How long to wait; none = as long as it takes.
using Timeout = std::optional<std::chrono::milliseconds>;

/// An open, authenticated channel. One thread at a time. Move-only; destruction closes.
/// Everything is as on penstock::Channel, without an executor and with one system call less for each wait.
class Channel {
 public:
  Channel() noexcept;
  Channel(Channel&&) noexcept;
  Channel& operator=(Channel&&) noexcept;
  ~Channel();

  [[nodiscard]] bool is_open() const noexcept;
  [[nodiscard]] const PeerIdentity& peer() const noexcept;
  [[nodiscard]] const ChannelInfo& info() const noexcept;
  [[nodiscard]] Failure close_reason() const;

  /// Returns when the kernel has the whole message. message_too_large, handles_limit, truncated, closed…
  /// send, reply and flush wait until the peer reads, without a bound, and read nothing meanwhile: two ends that both send more
  /// than a socket buffer holds (some 200 KiB) before either receives wait for each other. Give such ends a thread for each
  /// direction's turn, or the Asio face. receive and call keep to their deadline whatever the peer does.
  [[nodiscard]] result<void> send(bytes_view message, std::span<const native_handle> handles = {});
  /// Hands a sealed buffer over, with a note of at most max_buffer_note bytes (a name, say): it costs what a small message does. The
  /// buffer may be sent again, and go, at once. unsupported (this carrier passes no handles), and as send.
  [[nodiscard]] result<void> send_buffer(const SealedBuffer& buffer, bytes_view note = {});
  /// Seals the message behind those not yet written; they leave together, with flush(), with the next send, call or reply,
  /// during the next receive as far as the peer reads, or when the outbound bound is reached. For those who have many small messages at hand.
  [[nodiscard]] result<void> queue(bytes_view message);
  [[nodiscard]] result<void> flush();

  /// The next message or request. deadline_exceeded leaves the channel as it was; buffer_too_small keeps the message.
  [[nodiscard]] result<Incoming> receive(bytes_span buffer, Timeout timeout = {});
  /// The same without waiting: would_block when nothing whole has arrived. Over shared memory it makes no system call while nothing has, so
  /// that who owns a core may call it in a loop; every so often it does, to see whether the other end still lives.
  [[nodiscard]] result<Incoming> try_receive(bytes_span buffer);
  /// Asks and waits for the answer. What else arrives meanwhile waits for receive(), within Limits::inbound_*.
  [[nodiscard]] result<Reply> call(std::string_view operation, bytes_view request, bytes_span reply,
                                   CallOptions options = {});
  [[nodiscard]] result<void> reply(RequestId request, std::uint32_t status, bytes_view body,
                                   std::span<const native_handle> handles = {});
  [[nodiscard]] result<void> refresh_keys();
  /// Seals a close record and closes. Idempotent.
  void close() noexcept;
  /// For poll(2) beside other descriptors: readable when something has arrived. Borrowed; never read or write it.
  /// Ask receive() with a zero timeout first: a message may already be buffered.
  [[nodiscard]] native_handle native() const noexcept;

  /// Internal.
  explicit Channel(std::unique_ptr<protocol::ChannelCore> core) noexcept;

 private:
  std::unique_ptr<protocol::ChannelCore> core_;
};

/// As penstock::async_connect.
[[nodiscard]] result<Channel> connect(const Endpoint& endpoint, const ConnectOptions& options);

/// As penstock::Listener, with its own small event loop that runs inside accept(). Channels may go to other threads.
class Listener {
 public:
  [[nodiscard]] static result<Listener> open(const Endpoint& endpoint, ListenOptions options);
  Listener(Listener&&) noexcept;
  Listener& operator=(Listener&&) noexcept;
  ~Listener();
  /// The next proven channel. deadline_exceeded, closed. Handshakes only advance while a thread is in here.
  [[nodiscard]] result<Channel> accept(Timeout timeout = {});
  void close() noexcept;

 private:
  struct Impl;
  explicit Listener(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

}  // namespace penstock::blocking
