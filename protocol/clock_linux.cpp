#include <ctime>

#include "protocol/record.hpp"

namespace penstock::protocol {

std::uint64_t monotonic_time() noexcept {
  timespec time{};
  // The coarse clock is a read of the vDSO page. It lags at most one tick (1 to 10 ms), far below Limits::max_ahead.
  // It cannot fail with these arguments; if it did, time 0 would make every record stale: closed, not open.
  if (::clock_gettime(CLOCK_MONOTONIC_COARSE, &time) != 0) return 0;
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(time.tv_nsec);
}

}  // namespace penstock::protocol
