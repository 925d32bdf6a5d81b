// Sources: ReadFile, WriteFile, PeekNamedPipe, GetOverlappedResultEx ("low-order bit of hEvent"), Boost.Asio 1.81
// windows::overlapped_ptr.
#include "transports/pipe_io_windows.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/windows/overlapped_ptr.hpp>

#include <windows.h>

#include <array>

#include "crypto/windows_text.hpp"

namespace penstock::transport {
namespace {

using boost::asio::windows::overlapped_ptr;
using boost::asio::windows::stream_handle;

Error transfer_error(DWORD number) noexcept {
  switch (number) {
    case ERROR_BROKEN_PIPE:
    case ERROR_PIPE_NOT_CONNECTED:
    case ERROR_NO_DATA:
    case ERROR_BAD_PIPE:
    case ERROR_HANDLE_EOF:
      return Error::truncated;
    case ERROR_INVALID_HANDLE:
      return Error::closed;
    default:
      return is_windows_exhaustion(number) ? Error::resource_exhausted : Error::io_error;
  }
}

DWORD milliseconds_until(const Deadline& deadline) {
  if (!deadline) return INFINITE;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline - std::chrono::steady_clock::now()).count();
  if (left <= 0) return 0;
  return static_cast<DWORD>(std::min<std::int64_t>(left, 0x7FFFFFFF));
}

}  // namespace

/// An operation that signals an event. The low-order bit keeps it out of a completion port that the pipe once had.
struct PipeIo::Operation {
  OVERLAPPED overlapped{};
  Handle event;
  bool pending = false;

  static std::unique_ptr<Operation> make() {
    auto made = std::make_unique<Operation>();
    made->event = Handle(::CreateEventW(nullptr, TRUE, FALSE, nullptr));
    return made->event ? std::move(made) : nullptr;
  }
  OVERLAPPED* begin() noexcept {
    overlapped = {};
    overlapped.hEvent = reinterpret_cast<HANDLE>(reinterpret_cast<std::uintptr_t>(event.get()) | 1);
    return &overlapped;
  }
  [[nodiscard]] bool done() const noexcept { return ::WaitForSingleObject(event.get(), 0) == WAIT_OBJECT_0; }
};

PipeIo::PipeIo(Handle pipe) noexcept : handle_(std::move(pipe)) {}
PipeIo::~PipeIo() { close(); }

native_handle PipeIo::native() const noexcept { return stream_ ? stream_->native_handle() : handle_.get(); }

result<std::size_t> PipeIo::read(bytes_span buffer) {
  if (!open()) return Error::closed;
  if (buffer.empty()) return Error::invalid_argument;
  DWORD there = 0;
  if (::PeekNamedPipe(native(), nullptr, 0, nullptr, &there, nullptr) == 0) return transfer_error(::GetLastError());
  if (there == 0) return Error::would_block;
  if (!blocking_read_) blocking_read_ = Operation::make();
  if (!blocking_read_) return Error::resource_exhausted;
  // A wait that is still under way has seen these bytes and is over.
  if (blocking_read_->pending) {
    DWORD none = 0;
    (void)::GetOverlappedResult(native(), &blocking_read_->overlapped, &none, TRUE);
    blocking_read_->pending = false;
  }
  return read_now(buffer.first(std::min<std::size_t>(buffer.size(), there)), Wait::no);
}

result<std::size_t> PipeIo::read_now(bytes_span buffer, Wait wait) {
  auto* const overlapped = blocking_read_->begin();
  const auto size = static_cast<DWORD>(std::min<std::size_t>(buffer.size(), 0x7FFFFFFF));
  DWORD got = 0;
  if (::ReadFile(native(), buffer.data(), size, nullptr, overlapped) == 0) {
    if (const auto error = ::GetLastError(); error != ERROR_IO_PENDING) return transfer_error(error);
    // What was to be seen may be gone again: a writer that takes back a write that waited for room takes its bytes out of the pipe.
    // Nobody may hold us so (ATK-24).
    if (wait == Wait::no) ::CancelIoEx(native(), overlapped);
  }
  if (::GetOverlappedResult(native(), overlapped, &got, TRUE) == 0) {
    const auto error = ::GetLastError();
    return error == ERROR_OPERATION_ABORTED && wait == Wait::no ? Error::would_block : transfer_error(error);
  }
  if (got == 0) return Error::would_block;
  return got;
}

result<std::size_t> PipeIo::read_waiting(bytes_span buffer) {
  if (!open()) return Error::closed;
  if (!blocking_read_) blocking_read_ = Operation::make();
  if (!blocking_read_) return Error::resource_exhausted;
  // A wait that timed out is in the kernel's queue before us.
  if (blocking_read_->pending) {
    if (auto waited = wait(Readiness::readable, std::nullopt); !waited) return waited.error();
  }
  return read_now(buffer, Wait::yes);
}

result<void> PipeIo::written() {
  if (!open()) return Error::closed;
  if (blocking_write_ && blocking_write_->pending) {
    if (!blocking_write_->done()) return Error::would_block;
    blocking_write_->pending = false;
    writing_ = false;
    DWORD size = 0;
    if (::GetOverlappedResult(native(), &blocking_write_->overlapped, &size, FALSE) == 0)
      write_error_ = transfer_error(::GetLastError());
  }
  if (writing_) return Error::would_block;
  if (write_error_ != Error::none) return write_error_;
  return {};
}

result<void> PipeIo::write(bytes_view head, bytes_view body) {
  if (auto free = written(); !free) return free;
  out_.assign(head.begin(), head.end());
  out_.insert(out_.end(), body.begin(), body.end());
  return begin_write();
}

result<void> PipeIo::begin_write() {
  const auto size = static_cast<DWORD>(out_.size());
  if (stream_) {
    const auto number = ++write_number_;
    overlapped_ptr operation(executor_, [self = shared_from_this(), number](boost::system::error_code ec, std::size_t) {
      self->on_written(number, ec);
    });
    writing_ = true;
    const auto ok = ::WriteFile(native(), out_.data(), size, nullptr, operation.get());
    const auto error = ::GetLastError();
    if (ok != 0 || error == ERROR_IO_PENDING) {
      operation.release();
      // Taken at once: the completion that is still to come only says so.
      if (ok != 0) writing_ = false;
      return {};
    }
    writing_ = false;
    // Never started: its memory goes back without a completion.
    write_error_ = transfer_error(error);
    return write_error_;
  }
  if (!blocking_write_) blocking_write_ = Operation::make();
  if (!blocking_write_) return Error::resource_exhausted;
  auto* const overlapped = blocking_write_->begin();
  if (::WriteFile(native(), out_.data(), size, nullptr, overlapped) != 0) return {};
  if (const auto error = ::GetLastError(); error != ERROR_IO_PENDING) {
    write_error_ = transfer_error(error);
    return write_error_;
  }
  blocking_write_->pending = writing_ = true;
  return {};
}

void PipeIo::on_written(std::uint64_t number, boost::system::error_code ec) {
  if (!writing_ || number != write_number_) return;
  writing_ = false;
  if (ec) write_error_ = transfer_error(static_cast<DWORD>(ec.value()));
  if (on_writable_) std::exchange(on_writable_, {})({});
}

result<void> PipeIo::wait_for(std::span<void* const> events, Deadline deadline) const {
  const auto count = static_cast<DWORD>(events.size());
  const auto which = ::WaitForMultipleObjects(count, events.data(), FALSE, milliseconds_until(deadline));
  if (which == WAIT_TIMEOUT) return Error::deadline_exceeded;
  return which < WAIT_OBJECT_0 + count ? result<void>() : Error::io_error;
}

result<void> PipeIo::wait(Readiness readiness, Deadline deadline) {
  if (!open()) return Error::closed;
  std::array<void*, 2> events{};
  std::size_t count = 0;
  if (readiness != Readiness::readable) {
    if (const auto free = written(); free || free.error() != Error::would_block) return {};
    events[count++] = blocking_write_->event.get();
  }
  if (readiness != Readiness::writable) {
    if (!blocking_read_) blocking_read_ = Operation::make();
    if (!blocking_read_) return Error::resource_exhausted;
    if (!blocking_read_->pending) {
      char nothing = 0;
      if (::ReadFile(native(), &nothing, 0, nullptr, blocking_read_->begin()) != 0) return {};
      if (::GetLastError() != ERROR_IO_PENDING) return {};  // the other end has gone: reading will say so
      blocking_read_->pending = true;
    }
    events[count++] = blocking_read_->event.get();
  }
  auto waited = wait_for(std::span(events).first(count), deadline);
  if (blocking_read_ && blocking_read_->pending && blocking_read_->done()) blocking_read_->pending = false;
  return waited;
}

result<void> PipeIo::attach(const boost::asio::any_io_executor& executor) {
  if (!open()) return Error::closed;
  if (stream_) return executor == executor_ ? result<void>() : Error::invalid_argument;
  auto stream = std::make_unique<stream_handle>(executor);
  boost::system::error_code ec;
  stream->assign(handle_.get(), ec);
  if (ec) return Failure(Error::resource_exhausted, "The executor cannot take one more pipe: " + ec.message());
  (void)handle_.release();
  executor_ = executor;
  stream_ = std::move(stream);
  return {};
}

void PipeIo::detach() {
  if (!stream_) return;
  cancel_waits();
  if (writing_) return close();
  // Asio cannot give a handle up (before Windows 8.1 none could leave its port), so a second one takes its place.
  HANDLE copy = nullptr;
  const auto self = ::GetCurrentProcess();
  const bool copied = ::DuplicateHandle(self, native(), self, &copy, 0, FALSE, DUPLICATE_SAME_ACCESS) != 0;
  // A read of no bytes may be under way. It takes nothing, and its completion finds nobody waiting.
  ::CancelIoEx(native(), nullptr);
  stream_.reset();
  if (copied) handle_ = Handle(copy);
}

void PipeIo::begin_zero_read() {
  if (reading_) return;
  overlapped_ptr operation(executor_, [self = shared_from_this()](boost::system::error_code ec, std::size_t) {
    self->on_read(ec);
  });
  static char nothing = 0;
  reading_ = true;
  const auto ok = ::ReadFile(native(), &nothing, 0, nullptr, operation.get());
  const auto error = ::GetLastError();
  if (ok != 0 || error == ERROR_IO_PENDING) {
    operation.release();
    return;
  }
  // The other end has gone: that counts as ready, and reading will say so.
  operation.complete(boost::system::error_code(), 0);
}

void PipeIo::on_read(boost::system::error_code) {
  reading_ = false;
  if (on_readable_) std::exchange(on_readable_, {})({});
}

void PipeIo::async_wait(Readiness readiness, WaitHandler handler) {
  if (!stream_) {
    boost::asio::post(executor_, [done = std::move(handler)]() mutable {
      std::move(done)(boost::asio::error::operation_aborted);
    });
    return;
  }
  if (readiness == Readiness::readable) {
    on_readable_ = std::move(handler);
    return begin_zero_read();
  }
  if (!writing_) return complete_soon(readiness, std::move(handler));
  on_writable_ = std::move(handler);
}

void PipeIo::complete_soon(Readiness readiness, WaitHandler handler) {
  waiting_for(readiness) = std::move(handler);
  boost::asio::post(executor_, [self = shared_from_this(), readiness] {
    if (self->waiting_for(readiness)) std::exchange(self->waiting_for(readiness), {})({});
  });
}

void PipeIo::cancel_waits() noexcept {
  for (auto* waiting : {&on_readable_, &on_writable_}) {
    if (*waiting) std::exchange(*waiting, {}).complete(executor_, boost::asio::error::operation_aborted);
  }
}

result<bool> PipeIo::start_connect(std::function<void()> on_connected) {
  overlapped_ptr operation(executor_, [self = shared_from_this(), done = std::move(on_connected)](
                                          boost::system::error_code ec, std::size_t) {
    if (!ec && self->open()) done();
  });
  const auto ok = ::ConnectNamedPipe(native(), operation.get());
  const auto error = ::GetLastError();
  if (ok != 0 || error == ERROR_IO_PENDING) {
    operation.release();
    return false;
  }
  // It ends in the executor, not here: dropped here, it might be the last of its work, which stops an io_context before it runs.
  operation.complete(boost::asio::error::operation_aborted, 0);
  // A client was faster; or came and has gone, which reading will tell.
  if (error == ERROR_PIPE_CONNECTED || error == ERROR_NO_DATA) return true;
  return transfer_error(error);
}

void PipeIo::close() noexcept {
  if (!open()) return;
  if (stream_) {
    cancel_waits();
    ::CancelIoEx(native(), nullptr);
    stream_.reset();
    return;
  }
  ::CancelIoEx(handle_.get(), nullptr);
  for (auto* operation : {blocking_read_.get(), blocking_write_.get()}) {
    if (operation == nullptr || !operation->pending) continue;
    DWORD size = 0;
    // The kernel writes into it until it says that it is done.
    (void)::GetOverlappedResult(handle_.get(), &operation->overlapped, &size, TRUE);
    operation->pending = false;
  }
  handle_.reset();
}

}  // namespace penstock::transport
