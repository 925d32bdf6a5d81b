// The channel without any waiting: what both faces (Asio and blocking) are thin layers over. Every call does what it can
// now and says what it needs next. One owner, one thread at a time.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <vector>

#include "crypto/noise.hpp"
#include "protocol/assembly.hpp"
#include "protocol/channel_settings.hpp"
#include "protocol/inbox.hpp"
#include "protocol/message_header.hpp"
#include "protocol/outbox.hpp"
#include "protocol/poll_budget.hpp"
#include "protocol/session.hpp"

namespace penstock::protocol {

/// A call of ours that waits. Owned by the face; known to the core from begin_call until it is done or forgotten.
struct PendingCall {
  std::uint64_t id = 0;
  bytes_span reply_buffer;
  bool done = false;
  Failure failure;  ///< valid when done and not Error::none
  Reply reply;
};

/// A message on its way out, chunk by chunk. The body and the handles are borrowed.
struct OutgoingMessage {
  MessageHeader header;
  bytes_view body;
  std::span<const native_handle> handles;
  std::size_t offset = 0;  ///< bytes of the body already sealed
  bool started = false;
  native_handle memory = no_handle;  ///< a sealed buffer's, in place of `handles`

  [[nodiscard]] std::span<const native_handle> attached() const noexcept {
    return memory != no_handle ? std::span<const native_handle>(&memory, 1) : handles;
  }
};

/// A sealed buffer and its note as a message. message_too_large (the note), invalid_argument (no buffer).
[[nodiscard]] result<OutgoingMessage> buffer_message(const SealedBuffer& buffer, bytes_view note);

/// Where the face wants the next message to go, and what became of it.
struct ReceiveTarget {
  bytes_span buffer;
  bool done = false;
  Failure failure;    ///< buffer_too_small
  Incoming incoming;  ///< valid when done
};

class ChannelCore {
 public:
  /// Told once, when the channel closes, whoever closed it.
  using ClosedHook = std::function<void()>;

  ChannelCore(std::unique_ptr<transport::Carrier> carrier, Session session,
              std::shared_ptr<const ChannelSettings> settings);
  ~ChannelCore();
  ChannelCore(const ChannelCore&) = delete;
  ChannelCore& operator=(const ChannelCore&) = delete;

  [[nodiscard]] bool is_open() const noexcept { return reason_.code() == Error::none; }
  [[nodiscard]] const Failure& close_reason() const noexcept { return reason_; }
  [[nodiscard]] const ChannelInfo& info() const noexcept { return session_.info; }
  [[nodiscard]] transport::Carrier& carrier() noexcept { return *carrier_; }
  void on_closed(ClosedHook hook) { hook_ = std::move(hook); }

  // Sending.

  /// Checks a message against the peer's limits before anything is sealed: message_too_large, handles_limit,
  /// invalid_argument (operation name), closed.
  [[nodiscard]] result<void> check(const OutgoingMessage& message) const;
  /// Seals chunk after chunk: true when the whole message is sealed, false when it is time to flush first.
  enum class Pause : std::uint8_t {
    at_write,  ///< enough waits for a write that pays
    at_bound,  ///< the outbound bound is reached
  };
  [[nodiscard]] result<bool> seal(OutgoingMessage& message, Pause pause = Pause::at_bound);
  /// Writes what is sealed: true when nothing is left, false where it would block. A failure closes.
  [[nodiscard]] result<bool> flush(transport::Wait wait);
  [[nodiscard]] bool has_output() const noexcept { return !outbox_.empty(); }
  /// The peer reads no more: sends fail, receives go on until its last word.
  [[nodiscard]] bool write_failed() const noexcept { return write_failed_; }
  [[nodiscard]] std::size_t outbound_bound() const noexcept { return limits().outbound_bytes; }
  [[nodiscard]] std::size_t output_size() const noexcept { return outbox_.size(); }

  /// Registers a call and gives `message` its id. queue_full when too many are pending.
  [[nodiscard]] result<void> begin_call(PendingCall& call, OutgoingMessage& message);
  /// Stops waiting: tells the peer, and drops whatever it answers (ATK-27).
  void forget(PendingCall& call);
  /// Prepares the answer to a request: message_malformed when it was answered before or never came, cancelled when its
  /// caller no longer waits.
  [[nodiscard]] result<OutgoingMessage> begin_reply(RequestId request, std::uint32_t status, bytes_view body,
                                                    std::span<const native_handle> handles);
  [[nodiscard]] result<void> refresh_keys();

  // Receiving.

  /// At most one target; it must outlive the wait or be taken back with set_target(nullptr), which keeps a half-received
  /// message.
  void set_target(ReceiveTarget* target);
  enum class Step : std::uint8_t {
    progress,    ///< the target or a call is done: look
    need_input,  ///< everything that arrived is processed: wait until readable
    paused,      ///< the inbound bound is reached: nothing is read until a receive takes something
  };
  /// Processes arrived frames, reading from the carrier when none is whole. A failure closes the channel.
  [[nodiscard]] result<Step> step(transport::Wait wait);
  /// May a receive still be answered? After the peer's close record, until everything that came before it is taken.
  [[nodiscard]] bool can_deliver() const noexcept { return is_open() || !queue_.empty(); }
  [[nodiscard]] bool has_pending_calls() const noexcept { return !calls_.empty(); }
  /// For a face that is about to sleep: gives idle buffers back.
  void release_idle() noexcept { inbox_.release_if_empty(); }
  /// WaitProfile::latency: how long to poll before the next sleep, and what came of the last one.
  [[nodiscard]] result<Step> poll_before_sleep();

  // The end.

  /// Zeroes the keys, closes the carrier, records one event. `reason` of the first call stays.
  void close(const Failure& reason) noexcept;
  /// As close(closed), after sealing a close record and offering it to the carrier.
  void close_gracefully() noexcept;
  /// Seals the close record for a flush that waits.
  [[nodiscard]] result<void> seal_close();

 private:
  // Steps of a fresh Diffie-Hellman, as they stand on the wire.
  enum class RekeyStep : std::uint8_t { request = 0, offer = 1, answer = 2 };

  [[nodiscard]] result<void> seal_record(FrameType type, bytes_view body);
  [[nodiscard]] result<void> refresh_if_due(std::uint64_t now);
  [[nodiscard]] result<void> offer_refresh();

  // Each returns true when the target or a call is done.
  [[nodiscard]] result<bool> on_frame(const Frame& frame);
  [[nodiscard]] result<bool> on_first_chunk(const Opened& record, HandleList handles);
  [[nodiscard]] result<bool> on_next_chunk(const Opened& record, bool already_there);
  [[nodiscard]] result<bool> on_buffer(const Opened& record, HandleList handles);
  void choose_place(std::uint64_t total) noexcept;
  [[nodiscard]] result<bool> on_control(const Opened& record);
  [[nodiscard]] result<void> on_rekey(bytes_view payload);
  [[nodiscard]] result<void> choose_destination(const MessageHeader& header, std::uint64_t total, HandleList handles);
  [[nodiscard]] result<void> admit_request(const MessageHeader& header);
  [[nodiscard]] result<void> match_reply(const MessageHeader& header, std::uint64_t total);
  [[nodiscard]] result<void> refuse_request(std::uint64_t id, Outcome outcome);
  [[nodiscard]] result<void> seal_refusals();
  [[nodiscard]] bool on_assembled();
  [[nodiscard]] bool deliver_queued();
  [[nodiscard]] bool inbound_full() const noexcept;
  [[nodiscard]] result<HandleList> claim_handles(std::size_t count);
  [[nodiscard]] result<void> fill(transport::Wait wait);
  /// Is a bounded poll worth trying before a sleep? In the middle of a message the other end is at work on its rest, or on taking it.
  [[nodiscard]] bool polls(bool mid_message) const noexcept;
  [[nodiscard]] result<void> poll_input();
  void poll_room(std::size_t frame) noexcept;
  [[nodiscard]] const Limits& limits() const noexcept { return settings_->options.limits; }
  void record_closed() noexcept;
  void record_refused_operation(std::string_view operation) noexcept;
  template <class T>
  [[nodiscard]] result<T> failed(const Failure& failure) {
    close(failure);
    return failure;
  }

  std::unique_ptr<transport::Carrier> carrier_;
  Session session_;
  std::shared_ptr<const ChannelSettings> settings_;  // never null
  Failure reason_;
  ClosedHook hook_;

  Outbox outbox_;
  std::size_t write_due_ = write_at;  ///< bytes in the outbox at which the next write pays
  bool write_failed_ = false;  ///< the peer reads no more; what it sent can still be received
  Inbox inbox_;

  ReceiveTarget* target_ = nullptr;
  Assembly assembly_;
  std::list<QueuedMessage> queue_;  // a list: an empty deque holds half a kilobyte, in every idle channel
  std::size_t queued_bytes_ = 0;
  std::size_t queued_handles_ = 0;
  std::vector<PendingCall*> calls_;
  std::uint64_t last_call_ = 0;   ///< number of the newest call
  std::uint64_t last_asked_ = 0;  ///< of the newest whose request was sealed, in part at least
  std::uint64_t last_said_ = 0;   ///< of the newest whose request was sealed to its end
  bool mid_message_ = false;      ///< a message of several records is sealed in part
  std::vector<std::uint64_t> requests_;  ///< of the peer, not yet answered
  std::vector<std::uint64_t> cancelled_;  ///< of them, those whose caller has stopped waiting
  std::uint64_t last_request_ = 0;
  /// Requests that were refused and whose answer waits: no message stands between the records of another (PS-MSG-02).
  struct RefusedRequest {
    std::uint64_t id;
    Outcome outcome;
  };
  std::vector<RefusedRequest> refused_;

  std::unique_ptr<crypto::KeyPair> offered_;  ///< our half of a Diffie-Hellman under way: seldom there
  std::uint64_t refreshed_at_ = 0;

  std::uint64_t bytes_sent_ = 0, bytes_received_ = 0;
  std::uint64_t last_opened_ = 0;  // its number
  PollBudget poll_, room_poll_;
};

}  // namespace penstock::protocol
