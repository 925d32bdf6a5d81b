// The byte views used in every interface.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace penstock {

using bytes_view = std::span<const std::byte>;
using bytes_span = std::span<std::byte>;

template <std::size_t N>
using byte_array = std::array<std::byte, N>;

/// The bytes of `text`, no terminator. Valid as long as what `text` views.
[[nodiscard]] inline bytes_view as_bytes(std::string_view text) noexcept {
  return std::as_bytes(std::span(text.data(), text.size()));
}

/// The other way round. Makes no claim about the encoding.
[[nodiscard]] inline std::string_view as_text(bytes_view bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace penstock
