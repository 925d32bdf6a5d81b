// Counts what the code under test allocates, so that a benchmark can refuse to time a hot path that does.
#pragma once

#include <benchmark/benchmark.h>

#include <cstddef>

namespace penstock::bench {

/// Calls of operator new in this process so far.
std::size_t allocations() noexcept;

/// Ends the benchmark with an error when something was allocated since `before`.
inline void expect_none_since(benchmark::State& state, std::size_t before) {
  const auto made = allocations() - before;
  state.counters["allocations"] = static_cast<double>(made);
  if (made != 0) state.SkipWithError("this path must not allocate, and did");
}

}  // namespace penstock::bench
