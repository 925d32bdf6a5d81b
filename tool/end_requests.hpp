// "Please end": Linux SIGTERM and SIGINT; Windows Ctrl-C, Ctrl-Break, and the console, the session or the machine closing.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>

namespace penstock::tool {

namespace asio = boost::asio;

/// From its construction on, and when it has gone too, such a request no longer ends this process by itself. One object at a time, and the
/// last: nothing is started afterwards, which would inherit that they are ignored.
class EndRequests {
 public:
  explicit EndRequests(const asio::any_io_executor& executor);
  ~EndRequests();
  EndRequests(const EndRequests&) = delete;
  EndRequests& operator=(const EndRequests&) = delete;

  /// Calls `then` for the next one, which may have come already.
  void async_wait(std::function<void()> then);
  /// Ends the wait without a call.
  void cancel();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace penstock::tool
