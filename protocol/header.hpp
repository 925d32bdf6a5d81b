// The one fixed header of every frame: 32 bytes, little-endian, the associated data of every sealed record.
//
//   offset size field
//        0    4 magic        50 4E 53 4B ("PNSK")
//        4    1 version      1
//        5    1 type         FrameType
//        6    1 flags        FrameFlags; unknown bits refused
//        7    1 handles      descriptors that travel with this frame, ≤ 16
//        8    4 epoch        key epoch of this direction, from 0
//       12    4 length       bytes after the header: ciphertext and 16-byte tag, or a handshake message
//       16    8 sequence     number of this frame in this direction, from 0, < 2^48; the AEAD's nonce
//       24    8 time         CLOCK_MONOTONIC of the sender when it sealed, in nanoseconds
//
//   type            flags                    handles  epoch, sequence  bytes of the payload (without the tag)
//   handshake 0x01  none                     0        epoch 0          1 … 1,024, not sealed
//   confirm   0x02  none                     0        both 0           0 … 1,024
//   segment   0x03  none                     ≤ 1      0 and 1          0 … 1,024
//   message   0x10  more, continued, fresh   ≤ 16     any              0 … 65,536
//   request   0x11  more, continued, fresh   ≤ 16     any              0 … 65,536
//   reply     0x12  more, continued, fresh   ≤ 16     any              0 … 65,536
//   cancel    0x13  fresh                    0        any              0 … 1,024
//   buffer    0x14  fresh                    ≤ 1      any              0 … 65,536
//   rekey     0x20  fresh                    0        any              0 … 1,024
//   close     0x2F  fresh                    0        any              0 … 1,024
//
// Epoch 0 is never fresh: its key came from the handshake.
#pragma once

#include <cstdint>

#include "penstock/bytes.hpp"
#include "penstock/limits.hpp"
#include "penstock/result.hpp"

namespace penstock::protocol {

inline constexpr std::size_t header_size = 32;
inline constexpr std::uint8_t protocol_version = 1;
inline constexpr std::size_t record_overhead = header_size + 16;
/// The largest frame: header, payload, tag.
inline constexpr std::size_t max_frame_size = record_overhead + max_record_payload;
/// The largest handshake message: what a stranger may make us hold, so it is small.
inline constexpr std::size_t max_handshake_message = 1024;
/// The largest payload of confirm, cancel, rekey and close.
inline constexpr std::size_t max_control_payload = 1024;
/// Records of one direction, over all epochs: the hard stop, long before a nonce could repeat.
inline constexpr std::uint64_t max_records = std::uint64_t{1} << 48;

enum class FrameType : std::uint8_t {
  handshake = 0x01,  ///< not sealed by a record key; sequence = index of the Noise message
  confirm = 0x02,    ///< first record of each direction: this side's parameters
  segment = 0x03,    ///< second of each direction where records go through shared memory: this side's
  message = 0x10,
  request = 0x11,
  reply = 0x12,
  cancel = 0x13,  ///< the caller no longer waits
  buffer = 0x14,  ///< a sealed buffer: one handle, and what it must be
  rekey = 0x20,   ///< a step of a fresh Diffie-Hellman
  close = 0x2F,   ///< the last record of a direction
};

/// Bits of `flags`. A message longer than one record is cut into chunks: the first has `more`, those after it
/// `continued`.
enum FrameFlags : std::uint8_t {
  flag_more = 0x01,       ///< another chunk of this message follows
  flag_continued = 0x02,  ///< not the first chunk
  flag_fresh = 0x04,      ///< this epoch's key was made with a fresh Diffie-Hellman secret
  flags_known = 0x07,
};

struct Header {
  FrameType type{};
  std::uint8_t flags = 0;
  std::uint8_t handles = 0;
  std::uint32_t epoch = 0;
  std::uint32_t length = 0;
  std::uint64_t sequence = 0;
  std::uint64_t time = 0;
  friend bool operator==(const Header&, const Header&) = default;
};

/// The first rung of the ladder that a header fails, in the order in which they are tried.
enum class HeaderDefect : std::uint8_t {
  none,
  magic,          ///< another protocol, or framing was lost
  version,        ///< ours is protocol_version
  type,           ///< no FrameType
  flags_unknown,  ///< a bit outside flags_known
  flags_of_type,  ///< a flag this type never carries
  handles_count,  ///< more than 16
  handles_of_type,
  fresh_first,   ///< flag_fresh in epoch 0
  position,      ///< an epoch or sequence number that this type, or any frame, cannot have
  length_short,  ///< too short for this type
  length_long,   ///< too long for this type
};

/// Writes the 32 bytes. Checks nothing.
void encode(const Header& header, std::span<std::byte, header_size> out) noexcept;

/// Reads and checks everything that needs no key, as a ladder: magic, version, type, flags (and which flags the type
/// may carry), handle count (and which types may carry any), epoch and sequence, length bounds of the type.
/// frame_malformed, version_unsupported, frame_too_large.
[[nodiscard]] result<Header> decode(std::span<const std::byte, header_size> bytes) noexcept;

/// The fields as they stand, unchecked: for `penstock inspect`, never for a decision.
[[nodiscard]] Header read_fields(std::span<const std::byte, header_size> bytes) noexcept;
/// What decode() would refuse these bytes for.
[[nodiscard]] HeaderDefect defect_of(std::span<const std::byte, header_size> bytes) noexcept;
/// The same from `type` on, for a header that is about to be encoded.
[[nodiscard]] HeaderDefect defect_of(const Header& header) noexcept;
[[nodiscard]] Error error_of(HeaderDefect defect) noexcept;

/// Is it sealed with a record key? All but the handshake.
[[nodiscard]] constexpr bool sealed(FrameType type) noexcept {
  return type != FrameType::handshake;
}

/// "message", "request", … or "unknown".
[[nodiscard]] const char* to_string(FrameType type) noexcept;

}  // namespace penstock::protocol
