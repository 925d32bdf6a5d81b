// A rate with a burst, on a clock that the caller reads: the same moments give the same answers.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace penstock::tool {

/// Full when it is made. Not thread-safe.
class TokenBucket {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// `per_second` and `burst`: 1 to 1,000,000.
  TokenBucket(std::uint32_t per_second, std::uint32_t burst, Time now)
      : each_((1'000'000'000 + per_second - 1) / per_second), most_(each_ * burst), saved_(most_), last_(now) {}

  /// All of `count` tokens or none. A clock that goes back gives nothing, and takes nothing.
  [[nodiscard]] bool take(std::size_t count, Time now) {
    const auto passed = std::chrono::duration_cast<std::chrono::nanoseconds>(now - last_).count();
    if (passed > 0) {
      saved_ += std::min<std::int64_t>(passed, most_ - saved_);
      last_ = now;
    }
    if (count > static_cast<std::size_t>(saved_ / each_)) return false;
    saved_ -= each_ * static_cast<std::int64_t>(count);
    return true;
  }

 private:
  std::int64_t each_, most_, saved_;  // nanoseconds
  Time last_;
};

}  // namespace penstock::tool
