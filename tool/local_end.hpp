// One end of ours at the local side of a bridge, to be read or written without blocking the event loop.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <memory>

#include "penstock/bytes.hpp"
#include "penstock/handle.hpp"
#include "penstock/result.hpp"
#include "tool/standard_streams.hpp"

namespace penstock::tool {

namespace asio = boost::asio;

/// What the platform can wait for is waited for; the rest is read and written at once (Linux: a regular file, for which epoll
/// has no readiness) or by a thread of its own (Windows: standard streams, which know no overlapped operations).
class LocalEnd {
 public:
  /// Our end of a pipe to a program (program_system.hpp).
  LocalEnd(asio::any_io_executor executor, Handle pipe);
  /// Standard input or output, taken over: only this end of it is left, so that whoever reads our output sees its end when
  /// the peer says so, and not when we exit. O_NONBLOCK, which is shared with whoever else holds the same open file (our
  /// shell, say), is put back.
  LocalEnd(asio::any_io_executor executor, Stream stream);
  ~LocalEnd();
  LocalEnd(const LocalEnd&) = delete;
  LocalEnd& operator=(const LocalEnd&) = delete;

  /// Bytes read; 0 is the end. io_error, cancelled.
  [[nodiscard]] asio::awaitable<result<std::size_t>> read(bytes_span buffer);
  /// All of them. closed (the reader has gone), resource_exhausted (a full disk), io_error, cancelled.
  [[nodiscard]] asio::awaitable<result<void>> write(bytes_view bytes);
  /// Ends what waits, with cancelled. Idempotent.
  void close() noexcept;
  [[nodiscard]] bool is_open() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace penstock::tool
