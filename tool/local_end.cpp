// Sources: epoll_ctl(2) EPERM, fcntl(2) F_SETFL, write(2).
#include "tool/local_end.hpp"

#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>

namespace penstock::tool {

using asio::posix::stream_descriptor;

namespace {

// Asked of epoll itself: Asio takes a regular file or /dev/null, and then never completes a wait for it.
bool can_be_waited_for(native_handle raw) {
  const Handle poll(::epoll_create1(EPOLL_CLOEXEC));
  epoll_event event{};
  return poll && ::epoll_ctl(poll.get(), EPOLL_CTL_ADD, raw, &event) == 0;
}

}  // namespace

LocalEnd::LocalEnd(asio::any_io_executor executor, Handle handle)
    : executor_(std::move(executor)), handle_(std::move(handle)), flags_(::fcntl(handle_.get(), F_GETFL)) {
  if (!can_be_waited_for(handle_.get())) return;
  stream_descriptor descriptor(executor_);
  boost::system::error_code error;
  descriptor.assign(handle_.get(), error);
  if (error) return;
  watched_.emplace(std::move(descriptor));
  if (flags_ >= 0) ::fcntl(handle_.get(), F_SETFL, flags_ | O_NONBLOCK);
}

void LocalEnd::close() noexcept {
  if (watched_) static_cast<void>(watched_->release());  // ends the waits
  watched_.reset();
  if (handle_ && flags_ >= 0) ::fcntl(handle_.get(), F_SETFL, flags_);
  handle_.reset();
}

asio::awaitable<result<void>> LocalEnd::ready(stream_descriptor::wait_type what) {
  if (!watched_) {
    co_await asio::post(executor_, asio::use_awaitable);  // others get their turn
  } else {
    const auto [error] = co_await watched_->async_wait(what, asio::as_tuple(asio::use_awaitable));
    if (error) co_return Error::cancelled;
  }
  co_return is_open() ? result<void>() : Error::cancelled;
}

asio::awaitable<result<std::size_t>> LocalEnd::read(bytes_span buffer) {
  for (;;) {
    if (auto waited = co_await ready(stream_descriptor::wait_read); !waited) co_return waited.error();
    const auto got = ::read(handle_.get(), buffer.data(), buffer.size());
    if (got >= 0) co_return static_cast<std::size_t>(got);
    if (errno == EAGAIN || errno == EINTR) continue;
    // A terminal whose other side has gone says EIO, and that is its end.
    if (errno == EIO && ::isatty(handle_.get()) == 1) co_return std::size_t{0};
    co_return Error::io_error;
  }
}

asio::awaitable<result<void>> LocalEnd::write(bytes_view bytes) {
  while (!bytes.empty()) {
    if (!is_open()) co_return Error::closed;
    const auto written = ::write(handle_.get(), bytes.data(), bytes.size());
    if (written >= 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(written));
      continue;
    }
    if (errno == EINTR) continue;
    if (errno == EPIPE) co_return Error::closed;
    if (errno == ENOSPC || errno == EDQUOT || errno == EFBIG) co_return Error::resource_exhausted;
    if (errno != EAGAIN) co_return Error::io_error;
    if (auto waited = co_await ready(stream_descriptor::wait_write); !waited) co_return waited.error();
  }
  co_return result<void>();
}

}  // namespace penstock::tool
