// How a program ended, in words that mean the same on every platform.
#pragma once

#include <cstdint>

namespace penstock::tool {

struct Ended {
  std::uint8_t number = 0;  ///< its exit status, or the signal
  bool killed = false;      ///< by a signal; Windows: by us, or by what is a signal elsewhere (spawn_windows.cpp has the table)
};

/// Numbers of signals that ended a program, as every Linux and the channel's last word have them.
inline constexpr std::uint8_t signal_abort = 6, signal_arithmetic = 8, signal_kill = 9, signal_fault = 11, signal_pipe = 13,
                              signal_terminate = 15;

/// 0–255, or 128 + the signal: what shells make of it.
[[nodiscard]] constexpr int exit_status(const Ended& ended) noexcept {
  return ended.killed ? 128 + ended.number : ended.number;
}

}  // namespace penstock::tool
