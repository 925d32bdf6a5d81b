// How a Windows pipe's byte stream is cut, so that handles can travel with the bytes they belong to (docs/PROTOCOL.md, "Segments").
//
//   offset size
//        0    4 length    bytes that follow the handles, 1 to largest_segment, little-endian
//        4    1 handles   0 to max_handles_per_message
//        5    3 zero
//        8   8n handles   values in the receiver's handle table, little-endian
//    8+8n    length       the bytes
//
// One segment is one Carrier::send. It is not authenticated; the records in it are, and so is the number of handles. What it says of
// handles is taken from those alone who could change the receiver's table anyway (transports/pass_handles_windows.hpp).
#pragma once

#include <array>
#include <span>

#include "penstock/bytes.hpp"
#include "penstock/handle.hpp"
#include "penstock/result.hpp"

namespace penstock::transport {

inline constexpr std::size_t segment_header_size = 8;
/// Header and handles of a segment, at most.
inline constexpr std::size_t segment_head_size = segment_header_size + 8 * max_handles_per_message;
/// Below the pipe's buffer of 64 KiB, so that a reader that is not behind never makes a write wait.
inline constexpr std::size_t largest_segment = 61440;

/// Writes header and handle values; returns their size. `length` and `handles` are within the bounds above.
std::size_t encode_segment_head(std::size_t length, std::span<const std::uint64_t> handles,
                                std::span<std::byte, segment_head_size> out) noexcept;

/// Takes a stream apart. A value; what it is given may end anywhere.
class SegmentReader {
 public:
  /// How many bytes of the head are still missing; 0: payload() says how many bytes of the body are.
  [[nodiscard]] std::size_t missing() const noexcept { return wanted_ - held_; }
  [[nodiscard]] std::size_t payload() const noexcept { return missing() == 0 ? payload_ : 0; }
  /// At most missing() bytes of the head. frame_malformed, handles_limit.
  [[nodiscard]] result<void> feed(bytes_view bytes) noexcept;
  /// So many bytes of the body were taken, at most payload().
  void take(std::size_t size) noexcept;
  /// The handle values of the segment whose head has just been completed. Once for each.
  [[nodiscard]] std::span<const std::uint64_t> take_handles() noexcept;

 private:
  std::array<std::byte, segment_head_size> head_{};
  std::array<std::uint64_t, max_handles_per_message> handles_{};
  std::size_t held_ = 0;
  std::size_t wanted_ = segment_header_size;
  std::size_t payload_ = 0;
  std::size_t handle_count_ = 0;
};

}  // namespace penstock::transport
