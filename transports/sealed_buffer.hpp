// What the channel knows of a sealed buffer that its users do not.
#pragma once

#include "penstock/sealed_buffer.hpp"

namespace penstock {

/// Which object it is, as both ends see it, and how a received one is believed.
struct BufferAccess {
  /// Linux: the memfd's inode number, the same in every process. Windows has none: 0.
  [[nodiscard]] static result<std::uint64_t> identity(const SealedBuffer& buffer);
  /// Takes what a peer sent, if it is sealed, `size` bytes long and the object that the record named. buffer_unsealed.
  [[nodiscard]] static result<SealedBuffer> adopt(Handle memory, std::uint64_t size, std::uint64_t identity);
};

namespace transport {

inline constexpr std::uint64_t largest_buffer = std::uint64_t{1} << 40;

// What a platform does for sealed_buffer.cpp.

/// Memory of so many zeros, without a name.
[[nodiscard]] result<Handle> make_memory(std::uint64_t size);
[[nodiscard]] result<std::byte*> map_memory(const Handle& memory, std::uint64_t size, bool writable);
void unmap_memory(std::byte* at, std::uint64_t size) noexcept;
/// From here on nobody can write it through what is returned. Nothing of it is mapped by us.
[[nodiscard]] result<Handle> seal_memory(Handle memory);

}  // namespace transport
}  // namespace penstock
