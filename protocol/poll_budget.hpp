// How long the latency profile polls before it sleeps: up to a limit while polling pays, towards nothing while it does not.
#pragma once

#include <algorithm>
#include <chrono>

namespace penstock::protocol {

class PollBudget {
 public:
  using clock = std::chrono::steady_clock;
  explicit PollBudget(std::chrono::nanoseconds ceiling) noexcept : ceiling_(ceiling), budget_(ceiling) {}

  [[nodiscard]] std::chrono::nanoseconds budget() const noexcept { return budget_; }
  /// Something came while polling.
  void hit() noexcept { budget_ = ceiling_; }
  /// Nothing came: a sleep begins now.
  void miss(clock::time_point now) noexcept {
    budget_ = budget_ < std::chrono::nanoseconds(1'000) ? std::chrono::nanoseconds(0) : budget_ / 2;
    slept_at_ = now;
  }
  /// Something came after a sleep: a short one says that polling would have caught it.
  void woken(clock::time_point now) noexcept {
    if (slept_at_ != clock::time_point() && now - slept_at_ < 3 * ceiling_) budget_ = ceiling_;
    slept_at_ = {};
  }
  [[nodiscard]] bool slept() const noexcept { return slept_at_ != clock::time_point(); }

 private:
  std::chrono::nanoseconds ceiling_;
  std::chrono::nanoseconds budget_;
  clock::time_point slept_at_{};
};

}  // namespace penstock::protocol
