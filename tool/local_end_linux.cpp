// Sources: epoll_ctl(2) EPERM, fcntl(2) F_SETFL, write(2).
#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <optional>

#include "tool/local_end.hpp"

namespace penstock::tool {

using asio::posix::stream_descriptor;

namespace {

// Asked of epoll itself: Asio takes a regular file or /dev/null, and then never completes a wait for it.
bool can_be_waited_for(native_handle raw) {
  const Handle poll(::epoll_create1(EPOLL_CLOEXEC));
  epoll_event event{};
  return poll && ::epoll_ctl(poll.get(), EPOLL_CTL_ADD, raw, &event) == 0;
}

Handle take_over(Stream stream) {
  Handle own(::fcntl(native(stream), F_DUPFD_CLOEXEC, 3));
  if (stream == Stream::input) return own;
  const Handle nothing(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  if (nothing) ::dup2(nothing.get(), native(stream));
  return own;
}

}  // namespace

struct LocalEnd::Impl {
  Impl(asio::any_io_executor loop, Handle own)
      : executor(std::move(loop)), handle(std::move(own)), flags(::fcntl(handle.get(), F_GETFL)) {
    if (!can_be_waited_for(handle.get())) return;
    stream_descriptor descriptor(executor);
    boost::system::error_code error;
    descriptor.assign(handle.get(), error);
    if (error) return;
    watched.emplace(std::move(descriptor));
    if (flags >= 0) ::fcntl(handle.get(), F_SETFL, flags | O_NONBLOCK);
  }

  void close() noexcept {
    if (watched) static_cast<void>(watched->release());  // ends the waits
    watched.reset();
    if (handle && flags >= 0) ::fcntl(handle.get(), F_SETFL, flags);
    handle.reset();
  }

  asio::awaitable<result<void>> ready(stream_descriptor::wait_type what) {
    if (!watched) {
      co_await asio::post(executor, asio::use_awaitable);  // others get their turn
    } else {
      const auto [error] = co_await watched->async_wait(what, asio::as_tuple(asio::use_awaitable));
      if (error) co_return Error::cancelled;
    }
    co_return handle ? result<void>() : Error::cancelled;
  }

  asio::any_io_executor executor;
  Handle handle;
  std::optional<stream_descriptor> watched;
  int flags = 0;
};

LocalEnd::LocalEnd(asio::any_io_executor executor, Handle pipe)
    : impl_(std::make_unique<Impl>(std::move(executor), std::move(pipe))) {}

LocalEnd::LocalEnd(asio::any_io_executor executor, Stream stream)
    : impl_(std::make_unique<Impl>(std::move(executor), take_over(stream))) {}

LocalEnd::~LocalEnd() {
  close();
}

void LocalEnd::close() noexcept {
  impl_->close();
}

bool LocalEnd::is_open() const noexcept {
  return impl_->handle.valid();
}

asio::awaitable<result<std::size_t>> LocalEnd::read(bytes_span buffer) {
  for (;;) {
    if (auto waited = co_await impl_->ready(stream_descriptor::wait_read); !waited) co_return waited.error();
    const auto got = ::read(impl_->handle.get(), buffer.data(), buffer.size());
    if (got >= 0) co_return static_cast<std::size_t>(got);
    if (errno == EAGAIN || errno == EINTR) continue;
    // A terminal whose other side has gone says EIO, and that is its end.
    if (errno == EIO && ::isatty(impl_->handle.get()) == 1) co_return std::size_t{0};
    co_return Error::io_error;
  }
}

asio::awaitable<result<void>> LocalEnd::write(bytes_view bytes) {
  while (!bytes.empty()) {
    if (!is_open()) co_return Error::closed;
    const auto written = ::write(impl_->handle.get(), bytes.data(), bytes.size());
    if (written >= 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(written));
      continue;
    }
    if (errno == EINTR) continue;
    if (errno == EPIPE) co_return Error::closed;
    if (errno == ENOSPC || errno == EDQUOT || errno == EFBIG) co_return Error::resource_exhausted;
    if (errno != EAGAIN) co_return Error::io_error;
    if (auto waited = co_await impl_->ready(stream_descriptor::wait_write); !waited) co_return waited.error();
  }
  co_return result<void>();
}

}  // namespace penstock::tool
