// Which numbers are handles of a process's table, and which only stand for something.
#pragma once

#include <cstdint>

#include "penstock/handle.hpp"

namespace penstock::transport {

/// False for null and for pseudo-handles: INVALID_HANDLE_VALUE and GetCurrentProcess() are −1, GetCurrentThread() −2, tokens −4 to
/// −6. Handles of the table are multiples of four that fit 32 bits ("Interprocess Communication Between 32-bit and 64-bit Applications").
[[nodiscard]] inline bool is_real_handle(native_handle raw) noexcept {
  const auto number = reinterpret_cast<std::uintptr_t>(raw);
  return number != 0 && number <= 0x7FFFFFFF && number % 4 == 0;
}

}  // namespace penstock::transport
