// Sources: ReadFile, WriteFile ("Pipes"), CancelSynchronousIo, boost::asio::windows::stream_handle.
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/windows/stream_handle.hpp>
#include <boost/asio/write.hpp>

#include "tool/blocking_worker_windows.hpp"
#include "tool/local_end.hpp"

namespace penstock::tool {
namespace {

constexpr std::size_t largest_piece = 65536;

/// The reader of what is written has gone.
bool is_reader_gone(DWORD number) noexcept {
  return number == ERROR_BROKEN_PIPE || number == ERROR_NO_DATA || number == ERROR_PIPE_NOT_CONNECTED;
}

Error write_error(DWORD number) noexcept {
  if (number == ERROR_OPERATION_ABORTED) return Error::cancelled;
  if (is_reader_gone(number)) return Error::closed;
  const bool full = number == ERROR_DISK_FULL || number == ERROR_HANDLE_DISK_FULL;
  return full ? Error::resource_exhausted : Error::io_error;
}

result<std::size_t> read_outcome(DWORD number, std::size_t got) noexcept {
  if (number == 0) return got;
  if (number == ERROR_OPERATION_ABORTED) return Error::cancelled;
  const bool end = number == ERROR_BROKEN_PIPE || number == ERROR_HANDLE_EOF || number == ERROR_PIPE_NOT_CONNECTED;
  return end ? result<std::size_t>(std::size_t{0}) : Error::io_error;
}

DWORD number_of(const boost::system::error_code& error) noexcept {
  if (error == asio::error::eof) return ERROR_HANDLE_EOF;
  return static_cast<DWORD>(error.value());
}

/// What a job of the worker uses: its own, since an end that is closed does not wait for it.
struct Transfer {
  std::shared_ptr<const Handle> handle;
  std::vector<std::byte> bytes;
  DWORD done = 0;
  DWORD number = 0;

  void read() noexcept {
    if (::ReadFile(handle->get(), bytes.data(), static_cast<DWORD>(bytes.size()), &done, nullptr) == 0)
      number = ::GetLastError();
  }
  void write() noexcept {
    while (done < bytes.size()) {
      DWORD now = 0;
      if (::WriteFile(handle->get(), bytes.data() + done, static_cast<DWORD>(bytes.size()) - done, &now, nullptr) == 0) {
        number = ::GetLastError();
        return;
      }
      done += now;
    }
  }
};

Handle take_over(Stream stream) {
  HANDLE raw = nullptr;
  const auto process = ::GetCurrentProcess();
  if (::DuplicateHandle(process, native(stream), process, &raw, 0, FALSE, DUPLICATE_SAME_ACCESS) == 0) return {};
  if (stream == Stream::input) return Handle(raw);
  const auto nothing = ::CreateFileW(L"NUL", GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, nullptr, OPEN_EXISTING, 0, nullptr);
  // One handle may be both: what is to be said to people still needs it then.
  const Handle before(native(Stream::error) == native(stream) ? no_handle : native(stream));
  if (nothing != INVALID_HANDLE_VALUE) ::SetStdHandle(STD_OUTPUT_HANDLE, nothing);
  return Handle(raw);
}

}  // namespace

struct LocalEnd::Impl {
  explicit Impl(asio::any_io_executor executor) : pipe(executor), worker(executor) {}

  void close() noexcept {
    boost::system::error_code ignored;
    pipe.close(ignored);
    worker.abandon();
    standard.reset();
  }

  asio::awaitable<result<std::size_t>> read_standard(bytes_span buffer) {
    auto transfer = std::make_shared<Transfer>();
    transfer->handle = standard;
    transfer->bytes.resize(std::min(buffer.size(), largest_piece));
    worker.start([transfer] { transfer->read(); });
    if (!co_await worker.finished()) co_return Error::cancelled;
    std::copy_n(transfer->bytes.begin(), transfer->done, buffer.begin());
    co_return read_outcome(transfer->number, transfer->done);
  }

  asio::awaitable<result<void>> write_standard(bytes_view bytes) {
    auto transfer = std::make_shared<Transfer>();
    transfer->handle = standard;
    transfer->bytes.assign(bytes.begin(), bytes.end());
    worker.start([transfer] { transfer->write(); });
    if (!co_await worker.finished()) co_return Error::cancelled;
    co_return transfer->number == 0 ? result<void>() : write_error(transfer->number);
  }

  asio::windows::stream_handle pipe;
  std::shared_ptr<const Handle> standard;
  BlockingWorker worker;
};

LocalEnd::LocalEnd(asio::any_io_executor executor, Handle pipe) : impl_(std::make_unique<Impl>(std::move(executor))) {
  boost::system::error_code error;
  impl_->pipe.assign(pipe.get(), error);
  if (!error) static_cast<void>(pipe.release());
}

LocalEnd::LocalEnd(asio::any_io_executor executor, Stream stream) : impl_(std::make_unique<Impl>(std::move(executor))) {
  impl_->standard = std::make_shared<const Handle>(take_over(stream));
}

LocalEnd::~LocalEnd() {
  close();
}

void LocalEnd::close() noexcept {
  impl_->close();
}

bool LocalEnd::is_open() const noexcept {
  return impl_->pipe.is_open() || impl_->standard != nullptr;
}

asio::awaitable<result<std::size_t>> LocalEnd::read(bytes_span buffer) {
  if (impl_->standard) co_return co_await impl_->read_standard(buffer);
  if (!impl_->pipe.is_open()) co_return Error::cancelled;
  const auto [error, got] =
      co_await impl_->pipe.async_read_some(asio::buffer(buffer.data(), buffer.size()), asio::as_tuple(asio::use_awaitable));
  co_return read_outcome(error ? number_of(error) : 0, got);
}

asio::awaitable<result<void>> LocalEnd::write(bytes_view bytes) {
  if (bytes.empty()) co_return result<void>();
  if (impl_->standard) co_return co_await impl_->write_standard(bytes);
  if (!impl_->pipe.is_open()) co_return Error::closed;
  const auto [error, written] =
      co_await asio::async_write(impl_->pipe, asio::buffer(bytes.data(), bytes.size()), asio::as_tuple(asio::use_awaitable));
  co_return error ? result<void>(write_error(number_of(error))) : result<void>();
}

}  // namespace penstock::tool
