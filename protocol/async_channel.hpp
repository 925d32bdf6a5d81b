// The Asio face's machinery: waits, completions, cancellation and deadlines over a ChannelCore.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <list>
#include <memory>

#include "protocol/channel_core.hpp"
#include "protocol/completion.hpp"

namespace penstock::protocol {

class AsyncChannel : public std::enable_shared_from_this<AsyncChannel> {
 public:
  using SendHandler = Completion<void(boost::system::error_code)>;
  using ReceiveHandler = Completion<void(boost::system::error_code, Incoming)>;
  using CallHandler = Completion<void(boost::system::error_code, Reply)>;

  /// The core's carrier must be attached to `executor`. A null core makes a channel that was refused: `why`.
  AsyncChannel(asio::any_io_executor executor, std::unique_ptr<ChannelCore> core, Failure why = Error::closed);

  [[nodiscard]] const asio::any_io_executor& executor() const noexcept { return executor_; }
  [[nodiscard]] ChannelCore* core() noexcept { return core_.get(); }
  [[nodiscard]] bool is_open() const noexcept { return core_ && core_->is_open(); }
  [[nodiscard]] Failure close_reason() const { return core_ ? core_->close_reason() : why_; }
  /// Takes the core out, detached, for the blocking face. No operation may be outstanding.
  [[nodiscard]] std::unique_ptr<ChannelCore> release_core();

  void start_send(OutgoingMessage message, SendHandler handler);
  void start_reply(RequestId request, std::uint32_t status, bytes_view body, std::span<const native_handle> handles,
                   SendHandler handler);
  void start_receive(bytes_span buffer, ReceiveHandler handler);
  void start_call(OutgoingMessage message, bytes_span reply, std::chrono::milliseconds deadline, CallHandler handler);
  void start_close(std::chrono::milliseconds linger, SendHandler handler);
  [[nodiscard]] result<void> try_send(OutgoingMessage message);
  [[nodiscard]] result<Incoming> try_receive(bytes_span buffer);
  [[nodiscard]] result<void> refresh_keys();
  /// Graceful, at once; outstanding operations complete with `reason`.
  void shut(const Failure& reason);

 private:
  struct SendOp {
    std::uint64_t number;
    OutgoingMessage message;
    SendHandler handler;
    std::string operation;         ///< the message's own copy of its name
    std::vector<std::byte> owned;  ///< the unsent rest of a request whose call has ended, and the caller's buffer with it
  };
  struct CallOp {
    PendingCall pending;
    std::chrono::steady_clock::time_point deadline;
    CallHandler handler;
  };

  void queue_send(OutgoingMessage message, SendHandler handler);
  [[nodiscard]] result<bool> seal_and_write(OutgoingMessage& message);
  void pump_sends();
  void schedule_flush();
  void on_flush();
  void wait_writable();
  void pump_receive();
  void collect_finished();
  void wait_readable();
  void complete_all();
  void cancel_send(std::uint64_t number);
  void release_request(std::uint64_t id);
  void cancel_receive();
  void cancel_call(std::uint64_t id, Error reason);
  void arm_deadline();
  void on_deadline();
  void check_linger();

  asio::any_io_executor executor_;
  std::unique_ptr<ChannelCore> core_;
  Failure why_;

  std::list<SendOp> sends_;
  std::uint64_t next_send_ = 1;
  ReceiveTarget target_;
  ReceiveHandler receive_;
  std::uint64_t receive_number_ = 0;
  std::list<CallOp> calls_;
  std::unique_ptr<asio::steady_timer> deadline_;
  std::unique_ptr<asio::steady_timer> linger_;
  SendHandler close_;
  std::chrono::steady_clock::time_point armed_for_{};
  bool deadline_armed_ = false;

  std::size_t flush_seen_ = 0;   ///< bytes queued when the flush was last put off
  std::uint8_t flush_hops_ = 0;
  bool flush_posted_ = false;
  bool writing_ = false;         ///< a wait for writability is outstanding
  bool reading_ = false;
};

}  // namespace penstock::protocol
