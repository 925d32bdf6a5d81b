// Sources: QueryUnbiasedInterruptTime.
#include <windows.h>

#include <realtimeapiset.h>

#include "protocol/record.hpp"

namespace penstock::protocol {

std::uint64_t monotonic_time() noexcept {
  // One page that the kernel shows to every process: the same for both ends, never set back, and it stands still while
  // the machine sleeps, as CLOCK_MONOTONIC does. It moves with the timer interrupt (0.5 to 16 ms), far below
  // Limits::max_ahead. If it failed, time 0 would make every record stale: closed, not open.
  ULONGLONG hundreds = 0;
  if (!::QueryUnbiasedInterruptTime(&hundreds)) return 0;
  return std::uint64_t{hundreds} * 100;
}

}  // namespace penstock::protocol
