#include "protocol/message_header.hpp"

#include <algorithm>

#include "protocol/wire.hpp"

namespace penstock {

void Incoming::set_operation(std::string_view name) noexcept {
  name_size_ = static_cast<std::uint8_t>(std::min(name.size(), name_.size()));
  std::copy_n(name.data(), name_size_, name_.data());
}

}  // namespace penstock

namespace penstock::protocol {
namespace {

constexpr std::size_t reply_fixed = 8 + 1 + 4;

bool valid_character(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '/' ||
         c == '-';
}

}  // namespace

bool valid_operation(std::string_view name) noexcept {
  if (name.empty() || name.size() > max_operation_name) return false;
  return std::all_of(name.begin(), name.end(), valid_character);
}

std::size_t encode(const MessageHeader& header, std::span<std::byte, max_message_header> out) noexcept {
  auto* at = out.data();
  if (header.type != FrameType::message) {
    put(at, header.id);
    at += 8;
  }
  if (header.type == FrameType::buffer) {
    put(at, header.identity);
    at += 8;
  }
  if (header.type == FrameType::request) {
    *at++ = static_cast<std::byte>(header.operation.size());
    at = std::copy_n(as_bytes(header.operation).data(), header.operation.size(), at);
  }
  if (header.type == FrameType::reply) {
    *at++ = static_cast<std::byte>(header.outcome);
    put(at, header.status);
    at += 4;
  }
  if (header.total) {
    put(at, *header.total);
    at += 8;
  }
  return static_cast<std::size_t>(at - out.data());
}

result<DecodedMessage> decode_message(FrameType type, bool more, bytes_view payload) noexcept {
  DecodedMessage decoded;
  auto& header = decoded.header;
  header.type = type;
  std::size_t at = 0;
  if (type != FrameType::message) {
    if (payload.size() < 8) return Error::message_malformed;
    header.id = get<std::uint64_t>(payload.data());
    at = 8;
  }
  if (type == FrameType::buffer) {
    if (payload.size() - at < 8) return Error::message_malformed;
    header.identity = get<std::uint64_t>(payload.data() + at);
    at += 8;
  }
  if (type == FrameType::request) {
    if (payload.size() < at + 1) return Error::message_malformed;
    const auto length = std::to_integer<std::size_t>(payload[at++]);
    if (payload.size() - at < length) return Error::message_malformed;
    header.operation = as_text(payload.subspan(at, length));
    if (!valid_operation(header.operation)) return Error::message_malformed;
    at += length;
  }
  if (type == FrameType::reply) {
    if (payload.size() < reply_fixed) return Error::message_malformed;
    const auto outcome = std::to_integer<std::uint8_t>(payload[at]);
    if (outcome > static_cast<std::uint8_t>(Outcome::busy)) return Error::message_malformed;
    header.outcome = static_cast<Outcome>(outcome);
    header.status = get<std::uint32_t>(payload.data() + at + 1);
    at = reply_fixed;
    const bool bare = header.status == 0 && payload.size() == at && !more;
    if (header.outcome != Outcome::answered && !bare) return Error::message_malformed;
  }
  if (type == FrameType::cancel && (more || payload.size() != at)) return Error::message_malformed;
  if (more) {
    if (payload.size() - at < 8) return Error::message_malformed;
    header.total = get<std::uint64_t>(payload.data() + at);
    at += 8;
    // The chunks that follow carry at least one byte, so the first cannot hold it all.
    if (*header.total <= payload.size() - at) return Error::message_malformed;
  }
  decoded.size = at;
  return decoded;
}

}  // namespace penstock::protocol
