#include "transports/segments.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

namespace penstock::transport {

static_assert(std::endian::native == std::endian::little, "segments are little-endian");

std::size_t encode_segment_head(std::size_t length, std::span<const std::uint64_t> handles,
                                std::span<std::byte, segment_head_size> out) noexcept {
  const auto size = static_cast<std::uint32_t>(length);
  std::ranges::fill(out.first<segment_header_size>(), std::byte{0});
  std::memcpy(out.data(), &size, sizeof size);
  out[4] = static_cast<std::byte>(handles.size());
  if (!handles.empty()) std::memcpy(out.data() + segment_header_size, handles.data(), handles.size_bytes());
  return segment_header_size + handles.size_bytes();
}

result<void> SegmentReader::feed(bytes_view bytes) noexcept {
  std::memcpy(head_.data() + held_, bytes.data(), bytes.size());
  held_ += bytes.size();
  if (held_ == segment_header_size) {
    std::uint32_t length = 0;
    std::memcpy(&length, head_.data(), sizeof length);
    const auto count = std::to_integer<std::size_t>(head_[4]);
    const bool zeros = head_[5] == std::byte{0} && head_[6] == std::byte{0} && head_[7] == std::byte{0};
    if (!zeros || length == 0 || length > largest_segment) return Error::frame_malformed;
    if (count > max_handles_per_message) return Error::handles_limit;
    payload_ = length;
    wanted_ = segment_header_size + 8 * count;
  }
  if (held_ != wanted_) return {};
  handle_count_ = (wanted_ - segment_header_size) / 8;
  std::memcpy(handles_.data(), head_.data() + segment_header_size, 8 * handle_count_);
  return {};
}

void SegmentReader::take(std::size_t size) noexcept {
  payload_ -= size;
  if (payload_ != 0) return;
  held_ = 0;
  wanted_ = segment_header_size;
}

std::span<const std::uint64_t> SegmentReader::take_handles() noexcept {
  return {handles_.data(), std::exchange(handle_count_, 0)};
}

}  // namespace penstock::transport
