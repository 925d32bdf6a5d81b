#include "tool/end_requests.hpp"

#include <boost/asio/signal_set.hpp>
#include <csignal>

namespace penstock::tool {

struct EndRequests::Impl {
  explicit Impl(const asio::any_io_executor& executor) : signals(executor, SIGTERM, SIGINT) {}
  asio::signal_set signals;
};

EndRequests::EndRequests(const asio::any_io_executor& executor) : impl_(std::make_unique<Impl>(executor)) {}

EndRequests::~EndRequests() {
  // Who asks once more while this process is on its way out must not end it by the signal: its exit status would not be its own. Held
  // back in between, since without the set's handlers the signals are deadly again.
  sigset_t held;
  sigset_t before;
  ::sigemptyset(&held);
  for (const int number : {SIGTERM, SIGINT}) ::sigaddset(&held, number);
  ::pthread_sigmask(SIG_BLOCK, &held, &before);
  impl_.reset();
  for (const int number : {SIGTERM, SIGINT}) static_cast<void>(std::signal(number, SIG_IGN));
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void EndRequests::async_wait(std::function<void()> then) {
  impl_->signals.async_wait([then = std::move(then)](boost::system::error_code error, int) {
    if (!error) then();
  });
}

void EndRequests::cancel() {
  impl_->signals.cancel();
}

}  // namespace penstock::tool
