// Bytes that arrived and are not yet believed, cut into frames.
#pragma once

#include "protocol/buffer_pool.hpp"
#include "transports/carrier.hpp"

namespace penstock::protocol {

class Inbox {
 public:
  /// The next whole frame, or an empty view when more bytes are needed. Only the header's own claims were checked.
  /// frame_malformed, version_unsupported, frame_too_large. The view lives until consume, fill or release_if_empty.
  [[nodiscard]] result<bytes_span> next_frame() const;
  /// The frame that next_frame gave is done with. `opened_in_place`: plaintext stands in it now, and is wiped later.
  void consume(std::size_t size, bool opened_in_place) noexcept;
  /// One receive. would_block (Wait::no), or what Carrier::receive says.
  [[nodiscard]] result<void> fill(transport::Carrier& carrier, transport::Wait wait);

  [[nodiscard]] bool empty() const noexcept { return begin_ == end_; }
  /// Handles that arrived and that no frame has claimed yet.
  [[nodiscard]] HandleList& arrived() noexcept { return arrived_; }
  void release_if_empty() noexcept;
  void clear() noexcept;

 private:
  PooledBuffer buffer_;
  std::size_t begin_ = 0, end_ = 0;
  HandleList arrived_;
};

}  // namespace penstock::protocol
