// The clock that records are stamped with: it moves, never back, and is the same for every thread.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "protocol/record.hpp"

namespace penstock::protocol {
namespace {

TEST(Clock, IsThereAndNeverGoesBack) {
  auto last = monotonic_time();
  ASSERT_NE(last, 0u);
  for (int i = 0; i < 100'000; ++i) {
    const auto now = monotonic_time();
    ASSERT_GE(now, last);
    last = now;
  }
}

// Another unit would be wrong by a factor of a hundred at least; how busy the machine is does not matter to either bound.
TEST(Clock, CountsNanoseconds) {
  // Wine's clock stands still as long as its server gets no turn: from a moment on that it has just told.
  const auto old = monotonic_time();
  while (monotonic_time() == old) {
  }
  const auto steady_before = std::chrono::steady_clock::now();
  const auto before = monotonic_time();
  std::uint64_t passed = 0;
  while (passed < 100'000'000) passed = monotonic_time() - before;
  const std::chrono::duration<double> steady = std::chrono::steady_clock::now() - steady_before;
  const auto seconds = static_cast<double>(passed) / 1e9;
  EXPECT_LE(seconds, 50 * steady.count());
  EXPECT_GE(50 * seconds, steady.count());
}

// What one thread has seen another sees no earlier, but for the tick that the coarse clock lags.
TEST(Clock, ThreadsAgree) {
  std::atomic<std::uint64_t> latest{0};
  std::atomic<bool> wrong{false};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&] {
      for (int i = 0; i < 20'000; ++i) {
        const auto seen = latest.load();
        const auto now = monotonic_time();
        if (now + 20'000'000 < seen) wrong = true;
        latest.store(now);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_FALSE(wrong);
}

}  // namespace
}  // namespace penstock::protocol
