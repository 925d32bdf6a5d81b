// A fuzz input read from front to back, so that seeds can be written by hand. Past its end everything is zero.
#pragma once

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "penstock/bytes.hpp"

namespace penstock::fuzz {

class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) noexcept : left_(reinterpret_cast<const std::byte*>(data), size) {}

  [[nodiscard]] bool empty() const noexcept { return left_.empty(); }
  /// A little-endian number.
  template <class T>
  [[nodiscard]] T number() noexcept {
    T value = 0;
    const bytes_view bytes = take(sizeof(T));
    for (std::size_t i = bytes.size(); i-- > 0;) value = static_cast<T>((value << 8) | std::to_integer<T>(bytes[i]));
    return value;
  }
  [[nodiscard]] std::uint8_t byte() noexcept { return number<std::uint8_t>(); }
  /// Up to `size` bytes.
  [[nodiscard]] bytes_view take(std::size_t size) noexcept {
    const bytes_view taken = left_.first(std::min(size, left_.size()));
    left_ = left_.subspan(taken.size());
    return taken;
  }

 private:
  bytes_view left_;
};

/// Ends the run, and so reports the input, when what must always hold does not.
inline void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "fuzz: %s\n", what);
  std::abort();
}

}  // namespace penstock::fuzz
