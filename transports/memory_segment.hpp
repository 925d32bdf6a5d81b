// Memory that one process writes and another may only read: a memfd on Linux, an unnamed section on Windows. It has no name, and is
// gone when both ends have unmapped it.
#pragma once

#include <cstdint>

#include "penstock/bytes.hpp"
#include "penstock/handle.hpp"
#include "penstock/result.hpp"

namespace penstock::transport {

/// A mapping that goes with this object. In a forked child nothing is mapped there, and it must not be touched (ATK-20).
class Mapping {
 public:
  Mapping() = default;
  /// `repeated`: so many more bytes are mapped behind these, as repeated() says.
  Mapping(std::byte* data, std::size_t size, std::size_t repeated = 0) noexcept;
  Mapping(Mapping&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        repeated_(std::exchange(other.repeated_, 0)),
        owner_(other.owner_) {}
  Mapping& operator=(Mapping&& other) noexcept {
    if (this == &other) return *this;
    reset();
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
    repeated_ = std::exchange(other.repeated_, 0);
    owner_ = other.owner_;
    return *this;
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping() { reset(); }

  [[nodiscard]] std::byte* data() const noexcept { return data_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  /// How many of its last bytes are there once more behind its end, the same memory: a ring that is has no seam. 0 where the
  /// platform cannot (Windows before MapViewOfFile3).
  [[nodiscard]] std::size_t repeated() const noexcept { return repeated_; }
  [[nodiscard]] bool valid() const noexcept { return data_ != nullptr; }
  /// Unmaps it, if there is one. In a forked child it only forgets: the place may hold something else there.
  void reset() noexcept;

 private:
  std::byte* data_ = nullptr;
  std::size_t size_ = 0, repeated_ = 0;
  std::int64_t owner_ = 0;  // the process that mapped it
};

/// Our own segment, zeroed and mapped for writing, and the handle for the peer, through which nobody can write: not even we.
struct OwnSegment {
  Mapping memory;
  Handle for_peer;
};

/// `size` is a multiple of 4,096, as are the `ring` bytes at its end, which are mapped twice where that can be done. resource_exhausted, unsupported (Linux before 5.1: no F_SEAL_FUTURE_WRITE).
[[nodiscard]] result<OwnSegment> make_segment(std::size_t size, std::size_t ring = 0);

/// Maps what a peer has sent, for reading. Linux: only a memfd whose size is `size`, that can neither shrink nor grow (ATK-14: no
/// SIGBUS), that nobody can map for writing any more, and whose seals are themselves sealed. Windows: only committed memory of the
/// paging file, at least so large. segment_invalid, resource_exhausted.
[[nodiscard]] result<Mapping> map_peer_segment(const Handle& segment, std::size_t size, std::size_t ring = 0);

}  // namespace penstock::transport
