// What stands in front of the body of a message's first chunk, inside the sealed payload (docs/PROTOCOL.md, "Messages").
//
//   message   –                                                     [total u64]
//   request   id u64, name length u8, name                          [total u64]
//   reply     id u64, outcome u8, status u32                        [total u64]
//   cancel    id u64
//   buffer    size u64, identity u64                                and never another chunk
//
// [total], the body's whole length, is there exactly when another chunk follows (flag_more).
#pragma once

#include "penstock/message.hpp"
#include "protocol/header.hpp"

namespace penstock::protocol {

/// How the answering side disposed of a request.
enum class Outcome : std::uint8_t {
  answered = 0,  ///< the application's status and body follow
  refused = 1,   ///< policy does not allow the operation (no body)
  busy = 2,      ///< too many requests wait already (no body)
};

struct MessageHeader {
  FrameType type{};
  std::uint64_t id = 0;              ///< buffer: its size in bytes
  std::uint64_t identity = 0;        ///< buffer: BufferAccess::identity
  Outcome outcome{};
  std::uint32_t status = 0;
  std::string_view operation;        ///< views what was decoded or given
  std::optional<std::uint64_t> total;
};

inline constexpr std::size_t max_message_header = 8 + 1 + max_operation_name + 8;

/// Returns the bytes written.
[[nodiscard]] std::size_t encode(const MessageHeader& header, std::span<std::byte, max_message_header> out) noexcept;

struct DecodedMessage {
  MessageHeader header;
  std::size_t size = 0;  ///< of the header; the body follows
};
/// Strict: message_malformed for anything short, any unknown outcome, any name outside the rules, a status or a body where
/// none may be, a total that this chunk already exceeds.
[[nodiscard]] result<DecodedMessage> decode_message(FrameType type, bool more, bytes_view payload) noexcept;

/// 1 to 64 of [A-Za-z0-9._/-].
[[nodiscard]] bool valid_operation(std::string_view name) noexcept;

}  // namespace penstock::protocol
