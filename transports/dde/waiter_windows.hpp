// A wait of the executor's that another thread may end: only the executor's own threads touch the handler.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <optional>

#include "transports/carrier.hpp"

namespace penstock::transport::dde {

/// Protected by its owner's mutex. While a handler waits, the executor has work.
class Waiter {
 public:
  void set(WaitHandler handler, const boost::asio::any_io_executor& executor) {
    handler_ = std::move(handler);
    work_.emplace(executor);
  }
  [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(handler_); }
  /// Called or completed by who takes it, outside of the mutex.
  [[nodiscard]] WaitHandler take() {
    work_.reset();
    return std::exchange(handler_, {});
  }

 private:
  WaitHandler handler_;
  std::optional<boost::asio::executor_work_guard<boost::asio::any_io_executor>> work_;
};

}  // namespace penstock::transport::dde
