// One direction of shared memory: a ring of bytes that one process writes and another reads, with nothing in common but memory.
//
// Each end owns one segment, which it alone can write and the other end has mapped read-only (ATK-15):
//
//   offset  size
//        0     8  written      bytes ever put into the ring below, by the owner
//        8     8  attachments  handle messages ever sent on the control carrier, by the owner
//       64     8  taken        bytes ever taken out of the *other* end's ring, by the owner
//      128     4  wants_data   odd: the owner sleeps, or is about to, until something is written to it
//      132     4  wants_room   odd: likewise, until half of its own ring is free
//     4096     n  the ring: byte number i stands at 4096 + i mod n; n is a power of two
//
// A hostile owner may put any value into any of them at any time (ATK-13). So every number is read once into a private copy and
// checked there; positions of our own are never read back from memory; and bytes are copied out once before anything looks at them.
//
// All loads and stores are sequentially consistent: an end that writes and then asks "do you sleep?", and one that says "I sleep" and
// then looks once more, must not both miss the other (docs/MODEL.md). On x86 only the stores cost more than plain ones.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "penstock/bytes.hpp"
#include "penstock/result.hpp"

namespace penstock::transport {

/// The owner's numbers. Three cache lines, by who reads what when: publishing disturbs no reader of the other two.
struct SegmentHeader {
  alignas(64) std::atomic<std::uint64_t> written;
  std::atomic<std::uint64_t> attachments;
  alignas(64) std::atomic<std::uint64_t> taken;
  alignas(64) std::atomic<std::uint32_t> wants_data;
  std::atomic<std::uint32_t> wants_room;
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free && std::atomic<std::uint32_t>::is_always_lock_free,
              "a lock inside one process orders nothing between two");
static_assert(sizeof(SegmentHeader) == 192 && sizeof(std::atomic<std::uint64_t>) == 8);

inline constexpr std::size_t ring_offset = 4096;
inline constexpr std::size_t smallest_ring = 4096;
inline constexpr std::size_t largest_ring = std::size_t{64} << 20;
/// A power of two within the bounds above?
[[nodiscard]] bool valid_ring_size(std::uint64_t size) noexcept;

/// The writing end: owns `own` and its ring. Not thread-safe. Memory stays mapped as long as this lives.
class RingWriter {
 public:
  /// `own` and `ring` belong to our segment, `peer` to the other end's. `repeated`: so many of the ring's bytes are mapped once more
  /// behind it, all or none.
  RingWriter(SegmentHeader& own, bytes_span ring, const SegmentHeader& peer, std::size_t repeated = 0) noexcept
      : own_(&own), ring_(ring.data()), capacity_(ring.size()), mapped_(ring.size() + repeated), peer_(&peer) {}

  /// Copies a prefix of `bytes` in and publishes it: how much, 0 when the ring is full. frame_malformed: the peer claims to have
  /// taken what was never written, or less than before.
  [[nodiscard]] result<std::size_t> write(bytes_view bytes) noexcept;
  /// `size` bytes of the ring in one piece, to seal a record straight into; empty when there are not so many, or the mapping's end
  /// comes first. Nothing is published before commit().
  [[nodiscard]] bytes_span reserve(std::size_t size) noexcept;
  /// Will so many be there in one piece once the peer has taken all?
  [[nodiscard]] bool may_reserve(std::size_t size) const noexcept { return size <= std::min(capacity_, mapped_ - start()); }
  void commit(std::size_t size) noexcept;

  /// Is half of the ring free? Both ends ask the same question, so that neither waits for what the other never tells.
  [[nodiscard]] result<bool> has_room() noexcept;
  /// Position of the next byte.
  [[nodiscard]] std::uint64_t position() const noexcept { return written_; }
  /// How far the peer has read by now. frame_malformed as write().
  [[nodiscard]] result<std::uint64_t> taken() noexcept;

 private:
  /// Where in the mapping the next byte stands.
  [[nodiscard]] std::size_t start() const noexcept { return static_cast<std::size_t>(written_) & (capacity_ - 1); }
  [[nodiscard]] result<void> look() noexcept;
  [[nodiscard]] result<std::size_t> room(std::size_t wanted) noexcept;

  SegmentHeader* own_;
  std::byte* ring_;
  std::size_t capacity_, mapped_;
  const SegmentHeader* peer_;
  std::uint64_t written_ = 0;  // ours: never read back
  std::uint64_t taken_ = 0;    // the last value of the peer's that was checked
};

/// The reading end of the peer's ring. Not thread-safe.
class RingReader {
 public:
  RingReader(SegmentHeader& own, const SegmentHeader& peer, bytes_view ring, std::size_t repeated = 0) noexcept
      : own_(&own), peer_(&peer), ring_(ring.data()), capacity_(ring.size()), mapped_(ring.size() + repeated) {}

  /// How many bytes stand ready. frame_malformed: the peer claims more than the ring holds, or less than before.
  [[nodiscard]] result<std::size_t> available() noexcept;
  /// Copies min(buffer, available) bytes out, once, and tells the peer that they are taken.
  [[nodiscard]] result<std::size_t> read(bytes_span buffer) noexcept;
  /// What stands ready in one piece. It is the peer's memory still: it may change until, and while, it is copied (ATK-13).
  [[nodiscard]] result<bytes_view> peek() noexcept;
  /// Tells the peer that the first `size` bytes of what peek() gave are taken.
  void take(std::size_t size) noexcept;
  /// Does the writer have half of its ring free?
  [[nodiscard]] result<bool> writer_has_room() noexcept;
  /// Position of the next byte.
  [[nodiscard]] std::uint64_t position() const noexcept { return taken_; }

 private:
  [[nodiscard]] result<void> look() noexcept;

  SegmentHeader* own_;
  const SegmentHeader* peer_;
  const std::byte* ring_;
  std::size_t capacity_, mapped_;
  std::uint64_t taken_ = 0;    // ours: never read back
  std::uint64_t written_ = 0;  // the last value of the peer's that was checked
};

}  // namespace penstock::transport
