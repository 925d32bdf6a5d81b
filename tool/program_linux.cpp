// Sources: pipe2(2), pidfd_open(2).
#include <fcntl.h>
#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "tool/program_system.hpp"

namespace penstock::tool {

result<StdioPipe> make_stdio_pipe(Direction direction) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    return Failure(Error::resource_exhausted, "no pipe could be made; close something first");
  Handle read(ends[0]);
  Handle write(ends[1]);
  if (direction == Direction::to_program) return StdioPipe{std::move(write), std::move(read)};
  return StdioPipe{std::move(read), std::move(write)};
}

struct ProcessWatch::Impl {
  asio::posix::stream_descriptor watched;
};

ProcessWatch::ProcessWatch(const asio::any_io_executor& executor, const Handle& process)
    : impl_(std::make_unique<Impl>(
          asio::posix::stream_descriptor(executor, ::fcntl(process.get(), F_DUPFD_CLOEXEC, 0)))) {}

ProcessWatch::~ProcessWatch() = default;

asio::awaitable<void> ProcessWatch::ended() {
  co_await impl_->watched.async_wait(asio::posix::stream_descriptor::wait_read, asio::as_tuple(asio::use_awaitable));
}

}  // namespace penstock::tool
