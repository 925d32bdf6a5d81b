// Little-endian integers in byte buffers, with the bounds checked by the caller.
#pragma once

#include <bit>
#include <concepts>
#include <cstring>

#include "penstock/bytes.hpp"

namespace penstock::protocol {

static_assert(std::endian::native == std::endian::little, "a big-endian port swaps here, and nowhere else");

template <std::unsigned_integral T>
void put(std::byte* at, T value) noexcept {
  std::memcpy(at, &value, sizeof value);
}

template <std::unsigned_integral T>
[[nodiscard]] T get(const std::byte* at) noexcept {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

}  // namespace penstock::protocol
