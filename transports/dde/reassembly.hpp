// Datagrams out of chunks that a hostile carrier may hand over in any order, twice, or changed. Whatever does not fit is a lie, and
// no lie is repaired: the conversation ends. What passes as true is still nobody's word: the record inside has its own tag.
#pragma once

#include <array>
#include <deque>

#include "transports/dde/chunk.hpp"

namespace penstock::transport::dde {

/// Datagrams whose numbers may be under way at once: from the lowest that was not taken yet.
inline constexpr std::uint64_t datagram_window = 16;
/// Of them, those with some chunks there and others not. An honest sender sends one after the other.
inline constexpr std::size_t most_unfinished = 4;

/// Not thread-safe. Holds at most datagram_window datagrams of largest_datagram bytes.
class Reassembly {
 public:
  /// Takes a chunk of kind frame that decode_chunk found sound. frame_malformed: of a datagram that was whole or taken before or lies
  /// beyond the window, a chunk seen before, another total than before, or one datagram too many begun.
  [[nodiscard]] result<void> feed(const Chunk& chunk);

  /// Is a datagram whole that was not taken yet?
  [[nodiscard]] bool ready() const noexcept { return !whole_.empty(); }
  /// Copies out what fits of the datagram that was whole first; the rest comes next. Never bytes of two datagrams. 0: none is ready.
  [[nodiscard]] std::size_t take(bytes_span out) noexcept;
  /// Every number below this has been taken.
  [[nodiscard]] std::uint64_t taken_below() const noexcept { return base_; }
  /// Forgets all.
  void clear() noexcept;

 private:
  enum class Stage : std::uint8_t { absent, begun, whole, taken };
  struct Slot {
    Stage stage = Stage::absent;
    std::uint32_t chunks = 0;  // which ones are there: one bit each
    std::vector<std::byte> bytes;
  };
  [[nodiscard]] Slot& slot(std::uint64_t number) noexcept { return slots_[number % datagram_window]; }

  std::array<Slot, datagram_window> slots_;
  std::deque<std::uint64_t> whole_;  // in the order in which they became so
  std::size_t unfinished_ = 0;
  std::size_t read_ = 0;             // bytes of whole_.front() that were taken
  std::uint64_t base_ = 0;
};

}  // namespace penstock::transport::dde
