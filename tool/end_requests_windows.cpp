#include <windows.h>

#include <boost/asio/windows/object_handle.hpp>

#include "tool/console_events_windows.hpp"
#include "tool/end_requests.hpp"

namespace penstock::tool {

struct EndRequests::Impl {
  explicit Impl(const asio::any_io_executor& executor) : requests(executor) {
    HANDLE copy = nullptr;
    const auto self = ::GetCurrentProcess();
    if (::DuplicateHandle(self, end_request_event().get(), self, &copy, 0, FALSE, DUPLICATE_SAME_ACCESS) != 0)
      requests.assign(copy);
  }
  asio::windows::object_handle requests;
};

EndRequests::EndRequests(const asio::any_io_executor& executor) : impl_(std::make_unique<Impl>(executor)) {}

EndRequests::~EndRequests() = default;

void EndRequests::async_wait(std::function<void()> then) {
  impl_->requests.async_wait([then = std::move(then)](boost::system::error_code error) {
    if (!error) then();
  });
}

void EndRequests::cancel() {
  boost::system::error_code ignored;
  impl_->requests.cancel(ignored);
}

}  // namespace penstock::tool
