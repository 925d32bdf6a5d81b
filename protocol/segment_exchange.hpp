// Between the handshake and the first message of a channel over shared memory: each end makes its segment and hands it to the other,
// in a sealed record of its own. Both have proven themselves by now; before that no memory is shared (docs/PROTOCOL.md, 5.5).
#pragma once

#include <memory>

#include "protocol/session.hpp"
#include "transports/carrier.hpp"
#include "transports/memory_segment.hpp"

namespace penstock::protocol {

/// What whoever runs a handshake has to wait for.
enum class HandshakeNeed : std::uint8_t { readable, writable, nothing };

/// Can a ring be of this size (Limits::ring_bytes)? invalid_argument, with what to do.
[[nodiscard]] result<void> check_ring(std::size_t ring);

class SegmentExchange {
 public:
  /// Makes our segment and seals its record. `ring`: bytes, a power of two within transport::smallest_ring and largest_ring.
  /// invalid_argument, resource_exhausted, unsupported.
  [[nodiscard]] static result<std::unique_ptr<SegmentExchange>> make(Session& session, std::size_t ring);

  /// Goes as far as it can without waiting. `nothing`: done. Any failure is final: segment_invalid, message_malformed, handles_*,
  /// and what Opener::open and the carrier say.
  [[nodiscard]] result<HandshakeNeed> advance(transport::Carrier& control, Session& session);
  /// The carrier of the channel, once, when done.
  [[nodiscard]] result<std::unique_ptr<transport::Carrier>> take(std::unique_ptr<transport::Carrier> control);

 private:
  static constexpr std::size_t payload_size = 8;
  static constexpr std::size_t frame_size = record_overhead + payload_size;

  SegmentExchange() = default;
  [[nodiscard]] result<void> open(Session& session);

  transport::OwnSegment own_;
  transport::Mapping peer_;
  std::array<std::byte, frame_size> out_{};
  std::array<std::byte, frame_size> in_{};
  std::size_t sent_ = 0, held_ = 0;
  HandleList arrived_;
};

}  // namespace penstock::protocol
