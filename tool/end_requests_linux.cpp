#include "tool/end_requests.hpp"

#include <boost/asio/signal_set.hpp>
#include <csignal>

namespace penstock::tool {

struct EndRequests::Impl {
  explicit Impl(const asio::any_io_executor& executor) : signals(executor, SIGTERM, SIGINT) {}
  asio::signal_set signals;
};

EndRequests::EndRequests(const asio::any_io_executor& executor) : impl_(std::make_unique<Impl>(executor)) {}

EndRequests::~EndRequests() = default;

void EndRequests::async_wait(std::function<void()> then) {
  impl_->signals.async_wait([then = std::move(then)](boost::system::error_code error, int) {
    if (!error) then();
  });
}

void EndRequests::cancel() {
  impl_->signals.cancel();
}

}  // namespace penstock::tool
