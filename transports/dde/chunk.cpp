#include "transports/dde/chunk.hpp"

#include <sodium.h>

#include <algorithm>
#include <string>

namespace penstock::transport::dde {
namespace {

constexpr std::string_view before = "[frame(\"";
constexpr std::string_view after = "\")]";
constexpr int variant = sodium_base64_VARIANT_ORIGINAL;

template <class T>
void put(std::vector<std::byte>& out, T value) {
  for (std::size_t i = 0; i < sizeof value; ++i) out.push_back(static_cast<std::byte>(value >> 8 * i));
}

template <class T>
T get(bytes_view bytes, std::size_t at) {
  T value = 0;
  for (std::size_t i = sizeof value; i-- > 0;) value = static_cast<T>(value << 8 | std::to_integer<T>(bytes[at + i]));
  return value;
}

// Each kind has its own fields; the others are zero.
bool is_sound(const Chunk& chunk) {
  const bool placeless = chunk.offset == 0 && chunk.total == 0;
  switch (chunk.kind) {
    case ChunkKind::frame:
      return chunk.total != 0 && chunk.total <= largest_datagram && chunk.offset < chunk.total && chunk.offset % chunk_payload == 0 &&
             chunk.payload.size() == std::min(chunk_payload, std::size_t{chunk.total} - chunk.offset);
    case ChunkKind::taken:
    case ChunkKind::handle:
      return placeless && chunk.payload.empty();
    case ChunkKind::nonce:
      return placeless && chunk.number == 0 && chunk.payload.size() == nonce_size;
  }
  return false;
}

}  // namespace

std::vector<std::byte> encode_chunk(const Chunk& chunk) {
  std::vector<std::byte> out;
  out.reserve(chunk_header_size + chunk.payload.size());
  put(out, static_cast<std::uint32_t>(chunk.kind));
  put(out, chunk.offset);
  put(out, chunk.number);
  put(out, chunk.total);
  put(out, static_cast<std::uint32_t>(chunk.payload.size()));
  out.insert(out.end(), chunk.payload.begin(), chunk.payload.end());
  return out;
}

result<Chunk> decode_chunk(bytes_view bytes) {
  if (bytes.size() < chunk_header_size) return Error::frame_malformed;
  Chunk chunk;
  chunk.kind = static_cast<ChunkKind>(get<std::uint32_t>(bytes, 0));
  chunk.offset = get<std::uint32_t>(bytes, 4);
  chunk.number = get<std::uint64_t>(bytes, 8);
  chunk.total = get<std::uint32_t>(bytes, 16);
  const auto length = get<std::uint32_t>(bytes, 20);
  if (length > chunk_payload || length > bytes.size() - chunk_header_size) return Error::frame_malformed;
  chunk.payload = bytes.subspan(chunk_header_size, length);
  return is_sound(chunk) ? result<Chunk>(chunk) : Error::frame_malformed;
}

std::vector<std::byte> encode_command(bytes_view chunk) {
  std::string text(sodium_base64_encoded_len(chunk.size(), variant), '\0');
  sodium_bin2base64(text.data(), text.size(), reinterpret_cast<const unsigned char*>(chunk.data()), chunk.size(), variant);
  text.pop_back();  // libsodium's terminator
  text.insert(0, before);
  text += after;
  text += '\0';
  std::vector<std::byte> out;
  out.reserve(2 * text.size());
  for (const char c : text) put(out, static_cast<std::uint16_t>(c));
  return out;
}

result<std::vector<std::byte>> decode_command(bytes_view memory) {
  std::string text;
  text.reserve(std::min(memory.size(), largest_command) / 2);
  std::uint16_t unit = 1;
  for (std::size_t at = 0; at + 1 < memory.size() && at < largest_command; at += 2) {
    unit = get<std::uint16_t>(memory, at);
    if (unit == 0) break;
    if (unit > 0x7E) return Error::frame_malformed;
    text += static_cast<char>(unit);
  }
  const bool framed = text.size() >= before.size() + after.size() && text.starts_with(before) && text.ends_with(after);
  if (unit != 0 || !framed) return Error::frame_malformed;
  const auto body = std::string_view(text).substr(before.size(), text.size() - before.size() - after.size());
  if (body.empty()) return Error::frame_malformed;  // nor has libsodium a use for a place of no bytes
  std::vector<std::byte> out(body.size() / 4 * 3);
  std::size_t size = 0;
  // Strict: whole groups, padding as it must be, no bits left over.
  auto* const to = reinterpret_cast<unsigned char*>(out.data());
  if (sodium_base642bin(to, out.size(), body.data(), body.size(), nullptr, &size, nullptr, variant) != 0) return Error::frame_malformed;
  out.resize(size);
  return out;
}

}  // namespace penstock::transport::dde
