// Memory that travels with DDE messages. Sources: GlobalAlloc, "Dynamic Data Exchange Management Functions", WM_DDE_DATA ("Remarks").
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "penstock/bytes.hpp"
#include "penstock/result.hpp"

namespace penstock::transport::dde {

/// Owns one piece (GMEM_MOVEABLE | GMEM_DDESHARE), freed once.
class GlobalMemory {
 public:
  GlobalMemory() = default;
  /// Holds the parts, one after the other. resource_exhausted.
  [[nodiscard]] static result<GlobalMemory> of(bytes_view head, bytes_view body);
  GlobalMemory(GlobalMemory&& other) noexcept : raw_(std::exchange(other.raw_, nullptr)) {}
  GlobalMemory& operator=(GlobalMemory&& other) noexcept {
    if (this == &other) return *this;
    reset();
    raw_ = std::exchange(other.raw_, nullptr);
    return *this;
  }
  GlobalMemory(const GlobalMemory&) = delete;
  GlobalMemory& operator=(const GlobalMemory&) = delete;
  ~GlobalMemory() { reset(); }

  [[nodiscard]] void* get() const noexcept { return raw_; }
  [[nodiscard]] bool valid() const noexcept { return raw_ != nullptr; }
  void reset() noexcept;
  /// Whoever gets the message frees it.
  [[nodiscard]] void* release() noexcept;

 private:
  explicit GlobalMemory(void* raw) noexcept : raw_(raw) {}
  void* raw_ = nullptr;
};

/// Everything in it, copied out once; whoever shares it may change it meanwhile, and only the copy is looked at. None when it is no
/// memory, empty, or has more than `most` bytes: then not a byte is read.
[[nodiscard]] std::optional<std::vector<std::byte>> copy_out(void* raw, std::size_t most);

/// Frees what a message brought.
void free_received(void* raw) noexcept;

/// Did this process make it, and has to free it still? Within one process a message names the sender's own piece.
[[nodiscard]] bool is_held_here(void* raw) noexcept;

/// Pieces that this process made and has to free still: for tests.
[[nodiscard]] std::size_t global_memory_held() noexcept;

}  // namespace penstock::transport::dde
