// A configured duration as an unsigned number of nanoseconds, without any arithmetic that can overflow.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>

namespace penstock::protocol {

/// Negative is 0; more than 584 years is as long as can be counted.
template <class Rep, class Period>
[[nodiscard]] constexpr std::uint64_t saturated_nanoseconds(std::chrono::duration<Rep, Period> time) noexcept {
  constexpr std::uint64_t unit = std::chrono::nanoseconds(std::chrono::duration<Rep, Period>(1)).count();
  if (time.count() <= 0) return 0;
  const auto count = static_cast<std::uint64_t>(time.count());
  constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
  return count > most / unit ? most : count * unit;
}

}  // namespace penstock::protocol
