// The carrier over shared memory: records in two rings, everything else on the control carrier that it was set up over.
//
// The control carrier stays open beneath: it tells when the other end goes, carries handles, and wakes who sleeps. On it run
//   00                              a bell: something that you sleep for may have happened
//   01 count position(8 bytes)      an attachment: `count` handles, for the byte at `position` of the sender's ring
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "crypto/secret.hpp"
#include "transports/carrier.hpp"
#include "transports/memory_segment.hpp"
#include "transports/ring.hpp"

namespace penstock::transport {

/// Attachments that were sent and not yet taken. More wait with their sender; a peer that sends more lies.
inline constexpr std::size_t max_attachments_ahead = 16;
inline constexpr std::size_t attachment_size = 10;

class SharedMemoryCarrier final : public Carrier {
 public:
  /// `control` has proven both ends and asks for senders no more. The mappings are ring_offset and a ring long.
  /// memory_unlocked, resource_exhausted.
  [[nodiscard]] static result<std::unique_ptr<Carrier>> make(std::unique_ptr<Carrier> control, Mapping own, Mapping peer);
  ~SharedMemoryCarrier() override;

  [[nodiscard]] const CarrierTraits& traits() const noexcept override { return traits_; }
  [[nodiscard]] const PeerIdentity& peer() const noexcept override { return control_->peer(); }
  [[nodiscard]] const PeerIdentity& self() const noexcept override { return control_->self(); }
  [[nodiscard]] result<void> sender_checks(bool on) override;
  [[nodiscard]] result<std::size_t> send(bytes_view bytes, std::span<const native_handle> handles, Wait wait) override;
  [[nodiscard]] bytes_span reserve(std::size_t size) noexcept override;
  [[nodiscard]] bool may_reserve(std::size_t size) const noexcept override { return writer_.may_reserve(size); }
  void commit(std::size_t size) noexcept override;
  [[nodiscard]] result<Received> receive(bytes_span buffer, HandleList& handles, Wait wait) override;
  [[nodiscard]] bytes_view readable() noexcept override;
  [[nodiscard]] result<void> take(std::size_t size) noexcept override;
  [[nodiscard]] result<void> wait(Readiness readiness, Deadline deadline) override;
  [[nodiscard]] result<void> attach(const boost::asio::any_io_executor& executor) override { return control_->attach(executor); }
  void detach() override { control_->detach(); }
  void async_wait(Readiness readiness, WaitHandler handler) override;
  void cancel_waits() noexcept override { control_->cancel_waits(); }
  /// Readable when a bell has rung: look with a receive that does not wait, or wait() with a deadline that has passed, first.
  [[nodiscard]] native_handle native() const noexcept override { return control_->native(); }
  void close() noexcept override;

 private:
  struct Attachment {
    std::uint64_t position;
    HandleList handles;
  };
  /// What the Asio face waits for. Outlives the carrier while the executor still holds a completion.
  struct Waiting {
    SharedMemoryCarrier* carrier;  ///< null once it is closed
    WaitHandler readable, writable;
    bool listening = false;        ///< a wait for the control carrier's input is outstanding
    bool looking = false;          ///< on_control is under way
    bool soon = false;             ///< one for its output, which is nearly always possible: a turn of the executor
    void abort();
  };

  SharedMemoryCarrier(std::unique_ptr<Carrier> control, Mapping own, Mapping peer, crypto::SecretSlot life);
  /// closed; forked: in a child of the process that made it the memory is not there (ATK-20); or what the peer was found to lie about.
  [[nodiscard]] Error usable() const noexcept {
    if (!open_) return Error::closed;
    return life_.alive() ? fault_ : Error::forked;
  }
  /// Has an end lain down since it was last rung for?
  [[nodiscard]] static bool is_wish(std::uint32_t word, std::uint32_t last) noexcept { return (word & 1) != 0 && word != last; }

  // shared_memory_carrier.cpp: what passes through the rings.
  [[nodiscard]] result<bool> may_attach();
  [[nodiscard]] result<void> attach_handles(std::span<const native_handle> handles);
  [[nodiscard]] result<std::size_t> try_send(bytes_view bytes, std::span<const native_handle> handles);
  [[nodiscard]] result<std::size_t> try_receive(bytes_span buffer, HandleList& handles);
  [[nodiscard]] result<std::size_t> next_piece(std::size_t wanted, HandleList& handles);
  [[nodiscard]] result<void> tell_taken() noexcept;

  // shared_memory_wait.cpp: who sleeps, and what wakes it.
  void ring_bell(const std::atomic<std::uint32_t>& wants, std::uint32_t& last) noexcept;
  [[nodiscard]] result<bool> ready(Readiness readiness);
  [[nodiscard]] result<bool> arm(Readiness readiness);
  [[nodiscard]] result<void> hear(Wait wait);
  [[nodiscard]] result<void> hear_all(Wait wait);
  [[nodiscard]] result<void> take_control(bytes_view bytes);
  void listen_later();
  void wake_soon();
  void on_control(boost::system::error_code ec);

  CarrierTraits traits_;
  std::unique_ptr<Carrier> control_;
  Mapping own_memory_, peer_memory_;
  SegmentHeader* own_header_;
  const SegmentHeader* peer_header_;
  RingWriter writer_;
  RingReader reader_;
  crypto::SecretSlot life_;  // reads as dead in a forked child

  // Vectors, of at most max_attachments_ahead: an empty deque holds half a kilobyte, in every idle channel.
  std::vector<std::uint64_t> sent_attachments_;  // positions that the peer has not read past
  std::vector<Attachment> attachments_;          // of the peer's, not yet taken
  std::uint64_t attachments_seen_ = 0;          // of the peer's, in all
  HandleList arrived_;                          // of an attachment under way
  std::array<std::byte, attachment_size> message_{};  // likewise
  std::size_t held_ = 0;

  std::uint32_t data_bell_ = 0, room_bell_ = 0;  // the peer's last wish that we rang for
  std::uint32_t polls_ = 0;                      // receives that found nothing since we last listened
  std::shared_ptr<Waiting> waiting_;
  bool control_full_ = false;  // an attachment could not leave
  Error fault_ = Error::none;  // found while nobody received: the next operation says so
  bool ended_ = false;         // the other end has closed the control carrier
  bool open_ = true;
};

}  // namespace penstock::transport
