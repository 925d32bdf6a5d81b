// One end of a pipe in overlapped mode, made to look ready or not: what Windows completes later is hidden here.
#pragma once

#include <boost/asio/windows/stream_handle.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "transports/carrier.hpp"

namespace penstock::transport {

/// Reading waits by a read of no bytes, which completes when there are some and takes none, so that giving up a wait never loses
/// data. Writing copies into a buffer of this object's, which the kernel takes when the pipe has room. While attached, waits
/// complete through the executor's completion port, else through events. No hidden threads.
///
/// Shared, because the kernel may still write into an operation when its owner has gone.
class PipeIo : public std::enable_shared_from_this<PipeIo> {
 public:
  explicit PipeIo(Handle pipe) noexcept;
  ~PipeIo();
  PipeIo(const PipeIo&) = delete;
  PipeIo& operator=(const PipeIo&) = delete;

  /// Borrowed; no_handle once closed.
  [[nodiscard]] native_handle native() const noexcept;
  [[nodiscard]] bool open() const noexcept { return native() != no_handle; }

  /// What is there now, at least one byte: would_block, truncated, resource_exhausted, io_error.
  [[nodiscard]] result<std::size_t> read(bytes_span buffer);
  /// The same, and waits for it: one call where read() and wait() are five. Not while attached.
  [[nodiscard]] result<std::size_t> read_waiting(bytes_span buffer);
  /// Takes both parts, whole. would_block while the kernel has not taken the last ones.
  [[nodiscard]] result<void> write(bytes_view head, bytes_view body);
  /// Has the kernel taken everything? would_block, or how the last write ended.
  [[nodiscard]] result<void> written();

  /// Sleeps until ready or the deadline (deadline_exceeded). Not while attached.
  [[nodiscard]] result<void> wait(Readiness readiness, Deadline deadline);

  [[nodiscard]] result<void> attach(const boost::asio::any_io_executor& executor);
  /// An end whose last write the kernel has not taken is closed instead: nobody would learn how it ended.
  void detach();
  [[nodiscard]] bool attached() const noexcept { return stream_ != nullptr; }
  void async_wait(Readiness readiness, WaitHandler handler);
  /// For a wait that is over before it begins: completes as async_wait does, and can be cancelled until then.
  void complete_soon(Readiness readiness, WaitHandler handler);
  void cancel_waits() noexcept;

  /// Listening end: starts to wait for a client. True when there is one already. resource_exhausted, io_error.
  [[nodiscard]] result<bool> start_connect(std::function<void()> on_connected);

  /// Ends everything that is under way; handlers get operation_aborted.
  void close() noexcept;

 private:
  struct Operation;
  void begin_zero_read();
  [[nodiscard]] WaitHandler& waiting_for(Readiness readiness) noexcept {
    return readiness == Readiness::writable ? on_writable_ : on_readable_;
  }
  void on_read(boost::system::error_code ec);
  void on_written(std::uint64_t number, boost::system::error_code ec);
  [[nodiscard]] result<void> begin_write();
  [[nodiscard]] result<std::size_t> read_now(bytes_span buffer, Wait wait);
  [[nodiscard]] result<void> wait_for(std::span<void* const> events, Deadline deadline) const;

  Handle handle_;                                                   // while not attached
  std::unique_ptr<boost::asio::windows::stream_handle> stream_;     // owns the handle while attached: closed with its context
  boost::asio::any_io_executor executor_;                           // stays after detach(): later waits still complete through it
  std::vector<std::byte> out_;                                      // what the kernel is taking
  bool reading_ = false;                                            // a read of no bytes is under way
  bool writing_ = false;
  std::uint64_t write_number_ = 0;                                  // a write taken at once completes again later: not the next one
  Error write_error_ = Error::none;
  WaitHandler on_readable_;
  WaitHandler on_writable_;
  std::unique_ptr<Operation> blocking_read_;                        // of wait()
  std::unique_ptr<Operation> blocking_write_;
};

}  // namespace penstock::transport
