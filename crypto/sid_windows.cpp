// Sources: [MS-DTYP] 2.4.2 (SID), 2.4.2.1 (its text).
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "penstock/native.hpp"

namespace penstock {
namespace {

constexpr std::size_t head = 8;  // revision, count, six bytes of authority, big-endian
constexpr std::size_t most_numbers = 15;
constexpr std::uint64_t largest_authority = (std::uint64_t{1} << 48) - 1;

template <class Number>
bool read_number(std::string_view text, Number& out, int base = 10) noexcept {
  const auto* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, out, base);
  return error == std::errc() && stop == end;
}

std::uint32_t number_at(std::span<const std::byte> bytes, std::size_t index) noexcept {
  std::uint32_t number = 0;
  for (std::size_t i = 4; i-- > 0;) number = number << 8 | std::to_integer<std::uint32_t>(bytes[head + 4 * index + i]);
  return number;
}

}  // namespace

std::optional<Sid> Sid::from_bytes(std::span<const std::byte> bytes) noexcept {
  if (bytes.size() < head || bytes.size() > max_size || bytes[0] != std::byte{1}) return std::nullopt;
  const auto count = std::to_integer<std::size_t>(bytes[1]);
  if (count > most_numbers || bytes.size() != head + 4 * count) return std::nullopt;
  Sid sid;
  std::ranges::copy(bytes, sid.bytes_.begin());
  sid.size_ = static_cast<std::uint8_t>(bytes.size());
  return sid;
}

std::optional<Sid> Sid::parse(std::string_view text) noexcept {
  constexpr std::string_view start = "S-1-";
  if (!text.starts_with(start)) return std::nullopt;
  text.remove_prefix(start.size());
  std::array<std::byte, max_size> bytes{};
  std::size_t count = 0;
  for (bool first = true; !text.empty() || first; first = false) {
    const auto dash = std::min(text.find('-'), text.size());
    const auto part = text.substr(0, dash);
    if (part.empty() || (dash + 1 == text.size())) return std::nullopt;
    text.remove_prefix(std::min(dash + 1, text.size()));
    if (first) {
      std::uint64_t authority = 0;
      const bool hex = part.starts_with("0x");
      if (!read_number(hex ? part.substr(2) : part, authority, hex ? 16 : 10)) return std::nullopt;
      if (authority > largest_authority || hex != (authority >> 32 != 0)) return std::nullopt;
      for (std::size_t i = 0; i < 6; ++i) bytes[2 + i] = static_cast<std::byte>(authority >> (8 * (5 - i)));
      continue;
    }
    std::uint32_t number = 0;
    if (count == most_numbers || !read_number(part, number)) return std::nullopt;
    for (std::size_t i = 0; i < 4; ++i) bytes[head + 4 * count + i] = static_cast<std::byte>(number >> (8 * i));
    ++count;
  }
  bytes[0] = std::byte{1};
  bytes[1] = static_cast<std::byte>(count);
  return from_bytes(std::span<const std::byte>(bytes).first(head + 4 * count));
}

std::uint32_t Sid::last() const noexcept {
  const auto count = size_ < head ? 0 : (size_ - head) / 4;
  return count == 0 ? 0 : number_at(bytes(), count - 1);
}

std::string to_text(const Sid& sid) {
  if (!sid.valid()) return "nobody";
  const auto bytes = sid.bytes();
  std::uint64_t authority = 0;
  for (std::size_t i = 2; i < head; ++i) authority = authority << 8 | std::to_integer<std::uint64_t>(bytes[i]);
  auto text = authority >> 32 != 0 ? fmt::format("S-1-0x{:012X}", authority) : fmt::format("S-1-{}", authority);
  for (std::size_t i = 0; i < (bytes.size() - head) / 4; ++i) text += fmt::format("-{}", number_at(bytes, i));
  return text;
}

}  // namespace penstock
