// Bytes of test vectors.
#pragma once

#include <algorithm>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "penstock/bytes.hpp"

namespace penstock::test {

using Bytes = std::vector<std::byte>;

/// Throws std::invalid_argument for what is no hex: a broken vector must not pass as an empty one.
inline Bytes unhex(std::string_view text) {
  if (text.size() % 2 != 0) throw std::invalid_argument("odd number of hex digits");
  Bytes bytes;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    std::size_t used = 0;
    const int value = std::stoi(std::string(text.substr(i, 2)), &used, 16);
    if (used != 2) throw std::invalid_argument("not a hex digit");
    bytes.push_back(static_cast<std::byte>(value));
  }
  return bytes;
}

inline std::string hex(bytes_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const auto byte : bytes) {
    text += digits[std::to_integer<unsigned>(byte) >> 4];
    text += digits[std::to_integer<unsigned>(byte) & 15];
  }
  return text;
}

template <std::size_t N>
byte_array<N> unhex_array(std::string_view text) {
  const auto bytes = unhex(text);
  if (bytes.size() != N) throw std::invalid_argument("wrong length");
  byte_array<N> array;
  std::ranges::copy(bytes, array.begin());
  return array;
}

/// `size` bytes that differ from their neighbours and, for another seed, from each other.
inline Bytes counting(std::size_t size, unsigned seed = 1) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>((i * 7 + seed * 31 + 11) & 0xff);
  return bytes;
}

}  // namespace penstock::test
