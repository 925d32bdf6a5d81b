// What one DDE message of a conversation carries: a chunk. Towards the server as text of a command, towards the client as bytes.
// Little-endian:
//
//   offset  size  field
//   0       4     kind     1 frame, 2 taken, 3 nonce, 4 handle
//   4       4     offset   of the payload in its datagram
//   8       8     number   frame: of the datagram, from 0; taken: every number below has been taken; handle: its value, 0 for none
//   16      4     total    bytes of the datagram
//   20      4     length   bytes of the payload that follows
#pragma once

#include <cstdint>
#include <vector>

#include "penstock/bytes.hpp"
#include "penstock/limits.hpp"
#include "penstock/result.hpp"

namespace penstock::transport::dde {

inline constexpr std::size_t chunk_header_size = 24;
/// Datagrams are cut at multiples of this: one way only, so that no chunk can overlap another.
inline constexpr std::size_t chunk_payload = 8192;
/// A whole frame with the largest record, and room for its headers.
inline constexpr std::size_t largest_datagram = max_record_payload + 4096;
inline constexpr std::size_t largest_chunk = chunk_header_size + chunk_payload;
inline constexpr std::size_t nonce_size = 32;

enum class ChunkKind : std::uint32_t { frame = 1, taken = 2, nonce = 3, handle = 4 };

struct Chunk {
  ChunkKind kind = ChunkKind::frame;
  std::uint32_t offset = 0;
  std::uint64_t number = 0;
  std::uint32_t total = 0;
  bytes_view payload{};
};

[[nodiscard]] std::vector<std::byte> encode_chunk(const Chunk& chunk);

/// The payload views `bytes`, which may be longer than the chunk: Windows rounds sizes of memory up. frame_malformed for what the
/// table does not allow, each field by itself; what it means beside others, Reassembly and Conversation check.
[[nodiscard]] result<Chunk> decode_chunk(bytes_view bytes);

/// The chunk as a command, `[frame("BASE64")]` in UTF-16 with its terminator.
[[nodiscard]] std::vector<std::byte> encode_command(bytes_view chunk);

/// The most bytes that a command needs.
inline constexpr std::size_t largest_command = 2 * ((largest_chunk + 2) / 3 * 4 + 13);

/// The chunk in a command. What stands behind the terminator is not looked at. frame_malformed: another command, another
/// spelling, base64 that is not canonical, or no terminator.
[[nodiscard]] result<std::vector<std::byte>> decode_command(bytes_view memory);

}  // namespace penstock::transport::dde
