// What each thread keeps ready for itself.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "crypto/noise.hpp"

namespace penstock::protocol {

struct ThreadState {
  /// One key pair, made while a peer computes. Taken out before use, so that none is used twice.
  std::optional<crypto::KeyPair> ephemeral;
  /// The two buffers that the thread's next message takes, without a lock.
  std::array<std::unique_ptr<std::byte[]>, 2> buffers;
  /// Memory of the last message that nobody had given memory for: empty, with capacity.
  std::vector<std::byte> spare_body;
};

/// The calling thread's own; goes when the thread ends.
[[nodiscard]] ThreadState& thread_state();

}  // namespace penstock::protocol
