// One descriptor of ours at the local side of a bridge, to be read or written without blocking the event loop.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <optional>

#include "penstock/bytes.hpp"
#include "penstock/handle.hpp"
#include "penstock/result.hpp"

namespace penstock::tool {

namespace asio = boost::asio;

/// Pipes, sockets and terminals are waited for; regular files, for which epoll has no readiness, are read and written
/// at once. O_NONBLOCK is shared with whoever else holds the same open file (our shell, say), so it is put back.
class LocalEnd {
 public:
  LocalEnd(asio::any_io_executor executor, Handle handle);
  ~LocalEnd() { close(); }
  LocalEnd(const LocalEnd&) = delete;
  LocalEnd& operator=(const LocalEnd&) = delete;

  /// Bytes read; 0 is the end. io_error, cancelled.
  [[nodiscard]] asio::awaitable<result<std::size_t>> read(bytes_span buffer);
  /// All of them. closed (the reader has gone), resource_exhausted (a full disk), io_error, cancelled.
  [[nodiscard]] asio::awaitable<result<void>> write(bytes_view bytes);
  /// Ends what waits, with cancelled. Idempotent.
  void close() noexcept;
  [[nodiscard]] bool is_open() const noexcept { return handle_.valid(); }

 private:
  [[nodiscard]] asio::awaitable<result<void>> ready(asio::posix::stream_descriptor::wait_type what);

  asio::any_io_executor executor_;
  Handle handle_;
  std::optional<asio::posix::stream_descriptor> watched_;
  int flags_ = 0;
};

}  // namespace penstock::tool
