// Memory that is handed over as it is, however large: made once, then never changed by anybody, and mapped by who receives it.
#pragma once

#include <cstdint>
#include <utility>

#include "penstock/bytes.hpp"
#include "penstock/handle.hpp"
#include "penstock/result.hpp"

namespace penstock {

/// An object of shared memory that nobody can write, shrink or grow any more. Channel::send_buffer hands it over by its handle, so that
/// the cost does not depend on its size; a record of the channel says which object it is and how long, and the receiver checks both.
///
/// Linux: a memfd under F_SEAL_WRITE, F_SEAL_SHRINK, F_SEAL_GROW and F_SEAL_SEAL (fcntl(2), "File Sealing"), which the receiver reads
/// back from the kernel: what it maps cannot change under it, whatever the sender does. Windows has no such seal: the receiver gets a
/// section that *it* cannot write, but a hostile sender may have kept a view that can. There is_immutable() is false, and who must be sure copies first.
///
/// Move-only; not thread-safe, views are. A default one is no buffer.
class SealedBuffer {
 public:
  SealedBuffer() = default;
  SealedBuffer(SealedBuffer&& other) noexcept
      : memory_(std::move(other.memory_)), size_(std::exchange(other.size_, 0)), view_(std::exchange(other.view_, nullptr)) {}
  SealedBuffer& operator=(SealedBuffer&& other) noexcept {
    if (this == &other) return *this;
    reset();
    memory_ = std::move(other.memory_);
    size_ = std::exchange(other.size_, 0);
    view_ = std::exchange(other.view_, nullptr);
    return *this;
  }
  SealedBuffer(const SealedBuffer&) = delete;
  SealedBuffer& operator=(const SealedBuffer&) = delete;
  ~SealedBuffer() { reset(); }

  [[nodiscard]] bool valid() const noexcept { return memory_.valid(); }
  [[nodiscard]] explicit operator bool() const noexcept { return valid(); }
  /// Bytes.
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  /// The bytes, for reading; maps them the first time. Valid as long as *this. resource_exhausted,
  /// invalid_argument (no buffer).
  [[nodiscard]] result<bytes_view> view();
  /// For the system calls that Penstock does not know. Borrowed.
  [[nodiscard]] native_handle native() const noexcept { return memory_.get(); }
  /// Does this platform keep even a hostile sender from changing what was received?
  [[nodiscard]] static bool is_immutable() noexcept;
  /// Unmaps and closes it.
  void reset() noexcept;

 private:
  friend class BufferMaker;
  friend struct BufferAccess;
  Handle memory_;
  std::uint64_t size_ = 0;
  std::byte* view_ = nullptr;
};

/// Memory on its way to be a SealedBuffer. Move-only; not thread-safe.
class BufferMaker {
 public:
  /// Zeroed. `size`: 1 byte to 2^40. invalid_argument, resource_exhausted, unsupported.
  [[nodiscard]] static result<BufferMaker> make(std::uint64_t size);
  BufferMaker(BufferMaker&&) noexcept = default;
  BufferMaker& operator=(BufferMaker&&) noexcept = default;

  /// To be written. Until seal().
  [[nodiscard]] bytes_span bytes() const noexcept { return {buffer_.view_, static_cast<std::size_t>(buffer_.size_)}; }
  /// Nobody writes from here on; the span of bytes() is gone. This maker is spent. resource_exhausted (Linux: somebody else has it
  /// mapped for writing).
  [[nodiscard]] result<SealedBuffer> seal();

 private:
  BufferMaker() = default;
  SealedBuffer buffer_;
};

}  // namespace penstock
