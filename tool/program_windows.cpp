// Sources: CreateNamedPipeW, boost::asio::windows::object_handle.
#include <fmt/format.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/windows/object_handle.hpp>

#include "crypto/windows_text.hpp"
#include "tool/overlapped_pipe_windows.hpp"
#include "tool/program_system.hpp"

namespace penstock::tool {

result<StdioPipe> make_stdio_pipe(Direction direction) {
  auto pipe = make_overlapped_pipe(direction == Direction::from_program);
  if (pipe) return StdioPipe{std::move(pipe->ours), std::move(pipe->theirs)};
  return Failure(Error::resource_exhausted,
                 fmt::format("no pipe could be made ({}); close something first", pipe.error().sentence()));
}

struct ProcessWatch::Impl {
  asio::windows::object_handle watched;
};

ProcessWatch::ProcessWatch(const asio::any_io_executor& executor, const Handle& process)
    : impl_(std::make_unique<Impl>(asio::windows::object_handle(executor))) {
  HANDLE copy = nullptr;
  const auto self = ::GetCurrentProcess();
  if (::DuplicateHandle(self, process.get(), self, &copy, SYNCHRONIZE, FALSE, 0) != 0) impl_->watched.assign(copy);
}

ProcessWatch::~ProcessWatch() = default;

asio::awaitable<void> ProcessWatch::ended() {
  co_await impl_->watched.async_wait(asio::as_tuple(asio::use_awaitable));
}

}  // namespace penstock::tool
