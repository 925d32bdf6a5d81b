#include "protocol/inbox.hpp"

#include <algorithm>
#include <cstring>

namespace penstock::protocol {
namespace {

// Of a frame this large only the rest is asked for: the next one then starts at an empty buffer and is never moved.
constexpr std::size_t exact_read_from = 4096;

}  // namespace

result<bytes_span> Inbox::next_frame() const {
  const std::size_t held = end_ - begin_;
  if (held < header_size) return bytes_span();
  const std::span<std::byte> bytes(buffer_.data() + begin_, held);
  const auto header = decode(bytes.first<header_size>());
  if (!header) return header.error();
  const std::size_t size = header_size + header->length;
  if (held < size) return bytes_span();
  return bytes.first(size);
}

void Inbox::consume(std::size_t size, bool opened_in_place) noexcept {
  begin_ += size;
  if (opened_in_place) buffer_.note_plaintext(begin_);
  if (begin_ == end_) begin_ = end_ = 0;
}

result<void> Inbox::fill(transport::Carrier& carrier, transport::Wait wait) {
  buffer_.acquire();
  std::size_t want = pooled_buffer_size - end_;
  const std::size_t held = end_ - begin_;
  // Handles belong to the frame under way: reading past it could bring the next one's too (ATK-12).
  const bool exact = !arrived_.empty();
  if (held != 0 && held < header_size && exact) want = header_size - held;
  if (held >= header_size) {
    const auto header = decode(std::span<const std::byte, header_size>(buffer_.data() + begin_, header_size));
    if (!header) return header.error();
    const std::size_t size = header_size + header->length;
    if (exact || size >= exact_read_from) want = size - held;
  }
  if (want > pooled_buffer_size - end_ || want == 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, held);
    begin_ = 0;
    end_ = held;
    want = std::min(std::max<std::size_t>(want, 1), pooled_buffer_size - end_);
  }
  const auto received = carrier.receive({buffer_.data() + end_, want}, arrived_, wait);
  if (!received) return received.error();
  end_ += received->size;
  return {};
}

void Inbox::release_if_empty() noexcept {
  if (empty()) buffer_.release();
}

void Inbox::clear() noexcept {
  begin_ = end_ = 0;
  arrived_.clear();
  buffer_.release();
}

}  // namespace penstock::protocol
