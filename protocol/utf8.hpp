// UTF-8 as RFC 3629 has it, for text that others chose.
#pragma once

#include <cstdint>
#include <string_view>

namespace penstock::protocol {

/// One code point, and how many bytes it took.
struct CodePoint {
  char32_t value = 0;
  std::size_t size = 0;  ///< 1 to 4; 0 when the text does not begin with a well-formed sequence
};

/// Refuses overlong forms, surrogates, numbers above U+10FFFF and sequences that are cut off. `text` is not empty.
[[nodiscard]] constexpr CodePoint first_code_point(std::string_view text) noexcept {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < size) return {};
  char32_t value = lead & (0x7Fu >> size);
  for (std::size_t at = 1; at < size; ++at) {
    if ((byte(at) & 0xC0u) != 0x80) return {};
    value = (value << 6) | (byte(at) & 0x3Fu);
  }
  const char32_t least = size == 2 ? 0x80 : size == 3 ? 0x800 : 0x10000;
  const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
  return value < least || value > 0x10FFFF || surrogate ? CodePoint{} : CodePoint{value, size};
}

/// Characters that act instead of being seen: controls of both ranges (ESC and CSI steer terminals), line and paragraph
/// separators, and the marks that turn the direction of what follows.
[[nodiscard]] constexpr bool acts_on_display(char32_t c) noexcept {
  return c < 0x20 || (c >= 0x7F && c <= 0x9F) || c == 0x2028 || c == 0x2029 || (c >= 0x202A && c <= 0x202E) ||
         (c >= 0x2066 && c <= 0x2069) || c == 0x200E || c == 0x200F || c == 0x061C || c == 0xFEFF;
}

}  // namespace penstock::protocol
