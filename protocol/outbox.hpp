// Sealed frames that the carrier has not taken yet. They leave in order, as many at once as the carrier takes.
#pragma once

#include <memory>
#include <vector>

#include "protocol/buffer_pool.hpp"
#include "protocol/record.hpp"
#include "transports/carrier.hpp"

namespace penstock::protocol {

/// When this much waits, a write costs little beside what it writes. Sealing on without one would only push the bytes out of
/// the cache, and let the peer wait who could open the first record while we seal the next.
inline constexpr std::size_t write_at = max_record_payload;

class Outbox {
 public:
  /// `bound`: bytes that may wait here, beyond the frame under way.
  explicit Outbox(std::size_t bound) noexcept : bound_(bound) {}

  /// False also while the carrier has not passed on what it was given.
  [[nodiscard]] bool empty() const noexcept { return begin_ == end_ && !taking_; }
  [[nodiscard]] std::size_t size() const noexcept { return end_ - begin_; }
  /// May a frame with this payload be sealed now without exceeding the bound? An empty outbox takes any.
  [[nodiscard]] bool has_room(std::size_t payload) const noexcept;

  /// Seals a record behind what waits; where nothing waits and the carrier has memory of its own, straight into that, and it has
  /// left. `handles` are duplicated, so the caller may close its own at once.
  /// What Sealer::seal says; resource_exhausted when a handle cannot be duplicated (nothing was sealed).
  [[nodiscard]] result<void> seal(transport::Carrier& carrier, Sealer& sealer, Outgoing record,
                                  std::span<const native_handle> handles, std::uint64_t now);
  /// Hands to the carrier what it takes: would_block (Wait::no), or what Carrier::send says. Empty afterwards on success.
  [[nodiscard]] result<void> flush(transport::Carrier& carrier, transport::Wait wait);
  void clear() noexcept;

 private:
  struct Attached {
    std::size_t offset;  ///< of the frame they travel with
    HandleList handles;
  };
  void make_room(std::size_t frame);
  [[nodiscard]] std::size_t first_frame() const noexcept;

  PooledBuffer small_;               ///< the usual case: a few frames, from the pool
  std::unique_ptr<std::byte[]> large_;  ///< only while more waits than a pooled buffer holds
  std::byte* data_ = nullptr;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0, end_ = 0;
  std::size_t bound_;
  bool taking_ = false;  ///< the carrier has bytes that the kernel may not have yet
  std::vector<Attached> attached_;
};

}  // namespace penstock::protocol
