// Bytes that arrived and are not yet believed, cut into frames.
#pragma once

#include "protocol/buffer_pool.hpp"
#include "protocol/record.hpp"
#include "transports/carrier.hpp"

namespace penstock::protocol {

/// A whole frame, still sealed, and `size` bytes long.
struct Frame {
  std::size_t size;
  SealedRecord record;
};

class Inbox {
 public:
  /// The next whole frame, if it is there: what was received before, or else what stands in the carrier's own memory. Only the
  /// header's own claims were checked. frame_malformed, version_unsupported, frame_too_large. Valid until consume, fill or
  /// release_if_empty.
  [[nodiscard]] result<std::optional<Frame>> next_frame(transport::Carrier& carrier);
  /// Where that frame's plaintext may stand if no better place is known, until consume.
  [[nodiscard]] std::byte* place();
  /// The frame that next_frame gave is done with. `opened_in_place`: its plaintext stands in place() now, and is wiped later.
  /// What Carrier::take says.
  [[nodiscard]] result<void> consume(transport::Carrier& carrier, const Frame& frame, bool opened_in_place) noexcept;
  /// One receive, unless a frame stands whole in the carrier's own memory. would_block (Wait::no), or what Carrier::receive says.
  [[nodiscard]] result<void> fill(transport::Carrier& carrier, transport::Wait wait);

  [[nodiscard]] bool empty() const noexcept { return begin_ == end_; }
  /// Handles that arrived and that no frame has claimed yet.
  [[nodiscard]] HandleList& arrived() noexcept { return arrived_; }
  void release_if_empty() noexcept;
  void clear() noexcept;

 private:
  [[nodiscard]] result<std::optional<Frame>> next_shared(transport::Carrier& carrier);
  [[nodiscard]] result<bool> stands_whole(transport::Carrier& carrier, transport::Wait wait);

  PooledBuffer buffer_;
  // Of a frame in shared memory: private copies, since what was checked must be what is used (ATK-13).
  std::array<std::byte, header_size> header_{};
  std::array<std::byte, crypto::tag_size> tag_{};
  std::size_t begin_ = 0, end_ = 0;
  HandleList arrived_;
};

}  // namespace penstock::protocol
