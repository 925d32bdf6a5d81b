// Coroutines of one thread that wait for each other: a condition variable on a timer.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <optional>

namespace penstock::tool {

namespace asio = boost::asio;

class Condition {
 public:
  explicit Condition(const asio::any_io_executor& executor) : timer_(executor) {}

  /// Something changed: whoever waits looks again. At most one coroutine waits at a time.
  void changed() { timer_.cancel(); }

  /// Until `holds()`, or so long. What it last answered.
  template <class Holds>
  asio::awaitable<bool> until(Holds holds, std::optional<std::chrono::milliseconds> longest = {}) {
    using Clock = std::chrono::steady_clock;
    const auto end = longest ? Clock::now() + *longest : Clock::time_point::max();
    while (!holds() && Clock::now() < end) {
      timer_.expires_at(end);
      co_await timer_.async_wait(asio::as_tuple(asio::use_awaitable));
    }
    co_return holds();
  }

 private:
  asio::steady_timer timer_;
};

}  // namespace penstock::tool
