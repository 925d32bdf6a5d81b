// An open, authenticated channel, as an Asio citizen.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/buffer.hpp>
#include <memory>

#include "penstock/completion.hpp"
#include "penstock/identity.hpp"
#include "penstock/limits.hpp"
#include "penstock/message.hpp"
#include "penstock/policy.hpp"

namespace penstock {

namespace protocol {
class ChannelCore;
class AsyncChannel;
}  // namespace protocol

namespace asio = boost::asio;

/// What both ends have proven, and what the channel has carried.
struct ChannelInfo {
  Admission admission;                 ///< the rule of *our* policy that admitted the peer
  Trust trust{};
  std::string_view suite;              ///< "25519_AESGCM_SHA256" or "25519_ChaChaPoly_BLAKE2b"
  std::string_view carrier;            ///< "pipe", "inherited"
  bool initiator = false;              ///< did we connect (or launch)?
  std::optional<PublicKey> peer_key;   ///< Trust::static_key
  byte_array<64> transcript{};         ///< handshake hash, the same at both ends and of no other channel
  std::size_t transcript_size = 0;
};

/// A channel is handed out by Listener, connect and launch alone, after the peer was verified and the transcript
/// confirmed; there is no other way to make one.
///
/// Thread-safety: distinct channels, safe; one channel, not: call it from its executor (a strand where several threads run
/// the io_context). Move-only. Destruction closes: outstanding operations complete with Error::closed.
/// Completion handlers run on their associated executor, never inside the initiating call. Errors of the completion
/// signature's error_code are of error_category(). Sends, receives, calls and replies support per-operation cancellation
/// (terminal, partial and total): what has begun to leave is sent to its end all the same. async_close ends with its linger.
class Channel {
 public:
  using executor_type = asio::any_io_executor;

  Channel() noexcept;  ///< no channel: every operation answers Error::closed
  Channel(Channel&&) noexcept;
  Channel& operator=(Channel&&) noexcept;
  ~Channel();

  [[nodiscard]] bool is_open() const noexcept;
  [[nodiscard]] executor_type get_executor() const noexcept;
  /// The process at the other end, as the kernel named it when the channel was made. Valid as long as the channel.
  [[nodiscard]] const PeerIdentity& peer() const noexcept;
  [[nodiscard]] const ChannelInfo& info() const noexcept;
  /// Why it closed: Error::none while it is open.
  [[nodiscard]] Failure close_reason() const;

  /// Sends a one-way message (any size up to the peer's max_message). `handles` are borrowed until completion.
  /// Signature void(error_code). Completes when the message is sealed and within the outbound bound: the
  /// back-pressure. Frames that gather while a write is under way leave together. The buffer must live until completion.
  /// message_too_large (the peer would refuse it; nothing was sent), handles_limit, cancelled (nothing was sent), closed…
  template <class CompletionToken>
  auto async_send(asio::const_buffer message, CompletionToken&& token) {
    return async_send(message, std::span<const native_handle>{}, std::forward<CompletionToken>(token));
  }
  template <class CompletionToken>
  auto async_send(asio::const_buffer message, std::span<const native_handle> handles, CompletionToken&& token) {
    return asio::async_initiate<CompletionToken, void(boost::system::error_code)>(
        [](auto handler, Channel* self, asio::const_buffer body, std::span<const native_handle> attached) {
          self->start_send(body, attached, std::move(handler));
        },
        token, this, message, handles);
  }
  /// Hands a sealed buffer over, with a note of at most max_buffer_note bytes (a name, say): it costs what a small message does. Signature
  /// void(error_code). `buffer` and `note` must live until completion; the buffer may be sent again. unsupported (this carrier passes no handles), and as
  /// async_send.
  template <class CompletionToken>
  auto async_send_buffer(const SealedBuffer& buffer, asio::const_buffer note, CompletionToken&& token) {
    return asio::async_initiate<CompletionToken, void(boost::system::error_code)>(
        [](auto handler, Channel* self, const SealedBuffer* memory, asio::const_buffer body) {
          self->start_send_buffer(*memory, body, std::move(handler));
        },
        token, this, &buffer, note);
  }
  /// The same without waiting: would_block when the outbound bound is reached. Frames of one turn of the executor leave together.
  [[nodiscard]] result<void> try_send(asio::const_buffer message, std::span<const native_handle> handles = {});

  /// Receives the next message or request into `buffer`. Signature void(error_code, Incoming).
  /// buffer_too_small keeps the message for a receive with a larger buffer (Incoming::size says how large). One at a time.
  template <class CompletionToken>
  auto async_receive(asio::mutable_buffer buffer, CompletionToken&& token) {
    return asio::async_initiate<CompletionToken, void(boost::system::error_code, Incoming)>(
        [](auto handler, Channel* self, asio::mutable_buffer body) { self->start_receive(body, std::move(handler)); },
        token, this, buffer);
  }
  /// The same without waiting: would_block when nothing whole has arrived.
  [[nodiscard]] result<Incoming> try_receive(asio::mutable_buffer buffer);

  /// Asks the peer to do `operation` and waits for its answer. Signature void(error_code, Reply).
  /// `request`, `reply` and CallOptions::handles must live until completion. Calls may overlap and are answered in any order.
  /// deadline_exceeded and cancelled: whatever the peer answers later is dropped (ATK-27); operation_refused: the peer's
  /// policy does not allow it. The peer's process may serve it all the same after a deadline: a call is at most once.
  template <class CompletionToken>
  auto async_call(std::string_view operation, asio::const_buffer request, asio::mutable_buffer reply, CallOptions options,
                  CompletionToken&& token) {
    return asio::async_initiate<CompletionToken, void(boost::system::error_code, Reply)>(
        [](auto handler, Channel* self, std::string_view name, asio::const_buffer body, asio::mutable_buffer answer,
           CallOptions how) { self->start_call(name, body, answer, how, std::move(handler)); },
        token, this, operation, request, reply, options);
  }

  /// Answers a request. Signature void(error_code). message_malformed for a request that was answered before.
  template <class CompletionToken>
  auto async_reply(RequestId request, std::uint32_t status, asio::const_buffer body,
                   std::span<const native_handle> handles, CompletionToken&& token) {
    return asio::async_initiate<CompletionToken, void(boost::system::error_code)>(
        [](auto handler, Channel* self, RequestId id, std::uint32_t code, asio::const_buffer answer,
           std::span<const native_handle> attached) { self->start_reply(id, code, answer, attached, std::move(handler)); },
        token, this, request, status, body, handles);
  }

  /// A fresh Diffie-Hellman inside the channel, now. The initiator offers, the responder asks it to. Returns at once; records
  /// sent after the exchange use the new keys. closed.
  [[nodiscard]] result<void> refresh_keys();

  /// Seals a close record, hands what is queued to the carrier as far as it takes it without waiting, then zeroes the keys
  /// and closes. Outstanding operations complete with Error::closed. Idempotent. async_close waits for the queue first.
  void close() noexcept;
  /// Signature void(error_code). Everything sent before is with the kernel when it completes, or `linger` has passed; an error
  /// when the channel broke meanwhile.
  template <class CompletionToken>
  auto async_close(std::chrono::milliseconds linger, CompletionToken&& token) {
    return asio::async_initiate<CompletionToken, void(boost::system::error_code)>(
        [](auto handler, Channel* self, std::chrono::milliseconds time) { self->start_close(time, std::move(handler)); },
        token, this, linger);
  }

  /// Internal: used by the functions that prove both ends.
  explicit Channel(std::shared_ptr<protocol::AsyncChannel> impl) noexcept;
  [[nodiscard]] std::shared_ptr<protocol::AsyncChannel> release_impl() noexcept;

 private:
  using SendHandler = Completion<void(boost::system::error_code)>;
  using ReceiveHandler = Completion<void(boost::system::error_code, Incoming)>;
  using CallHandler = Completion<void(boost::system::error_code, Reply)>;
  void start_send(asio::const_buffer body, std::span<const native_handle> handles, SendHandler handler);
  void start_send_buffer(const SealedBuffer& buffer, asio::const_buffer note, SendHandler handler);
  void start_receive(asio::mutable_buffer buffer, ReceiveHandler handler);
  void start_call(std::string_view operation, asio::const_buffer request, asio::mutable_buffer reply, CallOptions options,
                  CallHandler handler);
  void start_reply(RequestId request, std::uint32_t status, asio::const_buffer body,
                   std::span<const native_handle> handles, SendHandler handler);
  void start_close(std::chrono::milliseconds linger, SendHandler handler);

  std::shared_ptr<protocol::AsyncChannel> impl_;
};

}  // namespace penstock
