// Readiness through Asio's reactor. Sources: Boost.Asio 1.81 posix::stream_descriptor, fcntl(2).
#include <fcntl.h>
#include <unistd.h>

#include <boost/asio/post.hpp>
#include <vector>

#include "transports/socket_carrier.hpp"

namespace penstock::transport {
namespace {

using boost::asio::posix::stream_descriptor;

}  // namespace

result<void> Watch::attach(const boost::asio::any_io_executor& executor, native_handle raw) {
  if (descriptor_) return Error::invalid_argument;
  executor_ = executor;
  boost::system::error_code ec;
  stream_descriptor descriptor(executor);
  descriptor.assign(raw, ec);
  if (ec)
    return Failure(Error::resource_exhausted,
                   "The executor cannot watch one more descriptor: raise fs.epoll.max_user_watches.");
  descriptor_ = std::make_unique<stream_descriptor>(std::move(descriptor));
  return {};
}

void Watch::async_wait(Readiness readiness, WaitHandler handler) {
  if (descriptor_) {
    const auto what = readiness == Readiness::readable ? stream_descriptor::wait_read : stream_descriptor::wait_write;
    descriptor_->async_wait(what, std::move(handler));
    return;
  }
  boost::asio::post(executor_,
                    [done = std::move(handler)]() mutable { std::move(done)(boost::asio::error::operation_aborted); });
}

void Watch::cancel() noexcept {
  boost::system::error_code ignored;
  if (descriptor_) descriptor_->cancel(ignored);
}

void Watch::release() noexcept {
  if (!descriptor_) return;
  const native_handle raw = descriptor_->release();
  descriptor_.reset();
  // Asio made it non-blocking to wait on it; Wait::yes needs it as it was.
  const int flags = ::fcntl(raw, F_GETFL);
  if (flags >= 0) ::fcntl(raw, F_SETFL, flags & ~O_NONBLOCK);
}

void Watch::forget() noexcept {
  if (!descriptor_) return;
  // Its destructor would take the descriptor out of the epoll set that the parent waits on, so it never runs.
  static auto& kept = *new std::vector<std::unique_ptr<stream_descriptor>>;
  kept.push_back(std::move(descriptor_));
}

}  // namespace penstock::transport
