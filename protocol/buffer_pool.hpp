// Buffers that a channel holds only while bytes are in them, so that a thousand idle channels hold none.
#pragma once

#include <memory>

#include "protocol/header.hpp"

namespace penstock::protocol {

/// Capacity of a pooled buffer: two whole frames, so that a read can finish one and begin the next.
inline constexpr std::size_t pooled_buffer_size = 2 * max_frame_size;

/// A buffer on loan. Gives itself back when it goes. Opened messages stood in it: what was used is wiped first.
class PooledBuffer {
 public:
  PooledBuffer() = default;
  PooledBuffer(PooledBuffer&& other) noexcept;
  PooledBuffer& operator=(PooledBuffer&& other) noexcept;
  PooledBuffer(const PooledBuffer&) = delete;
  PooledBuffer& operator=(const PooledBuffer&) = delete;
  ~PooledBuffer() { release(); }

  /// Takes one from this thread's small cache or the process-wide pool; allocates when both are empty. Thread-safe.
  void acquire();
  /// Wipes the first `plaintext()` bytes and gives it back.
  void release() noexcept;
  [[nodiscard]] bool held() const noexcept { return data_ != nullptr; }
  [[nodiscard]] std::byte* data() const noexcept { return data_.get(); }
  /// Notes that plaintext has stood in the first `size` bytes.
  void note_plaintext(std::size_t size) noexcept { plaintext_ = size > plaintext_ ? size : plaintext_; }

 private:
  std::unique_ptr<std::byte[]> data_;
  std::size_t plaintext_ = 0;
};

}  // namespace penstock::protocol
