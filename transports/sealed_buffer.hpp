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

}  // namespace penstock
