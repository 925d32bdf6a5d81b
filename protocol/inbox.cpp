#include "protocol/inbox.hpp"

#include <algorithm>
#include <cstring>

namespace penstock::protocol {
namespace {

// Of a frame this large only the rest is asked for: the next one then starts at an empty buffer and is never moved.
constexpr std::size_t exact_read_from = 4096;

}  // namespace

result<std::optional<Frame>> Inbox::next_frame(transport::Carrier& carrier) {
  const std::size_t held = end_ - begin_;
  if (held == 0 && arrived_.empty()) return next_shared(carrier);
  if (held < header_size) return std::optional<Frame>();
  const std::span<std::byte> bytes(buffer_.data() + begin_, held);
  const auto header = decode(bytes.first<header_size>());
  if (!header) return header.error();
  const std::size_t size = header_size + header->length;
  if (held < size) return std::optional<Frame>();
  if (size < record_overhead) return Error::frame_malformed;  // a handshake's: no record at all
  const auto whole = bytes.first(size);
  return std::optional(Frame{size, {whole.first<header_size>(), whole.subspan(header_size, size - record_overhead), whole.last<crypto::tag_size>()}});
}

// What does not stand there whole is received, and waited for, like the bytes of any carrier.
result<std::optional<Frame>> Inbox::next_shared(transport::Carrier& carrier) {
  const auto there = carrier.readable();
  if (there.size() < record_overhead) return std::optional<Frame>();
  std::memcpy(header_.data(), there.data(), header_size);
  const auto header = decode(header_);
  if (!header) return header.error();
  const std::size_t size = header_size + header->length;
  if (there.size() < size) return std::optional<Frame>();
  if (size < record_overhead) return Error::frame_malformed;
  std::memcpy(tag_.data(), there.data() + size - crypto::tag_size, crypto::tag_size);
  return std::optional(Frame{size, {header_, there.subspan(header_size, size - record_overhead), tag_, true}});
}

// Where the sealed bytes stand, or at the start of the empty buffer.
std::byte* Inbox::place() {
  if (empty()) buffer_.acquire();
  return buffer_.data() + (empty() ? 0 : begin_ + header_size);
}

result<void> Inbox::consume(transport::Carrier& carrier, const Frame& frame, bool opened_in_place) noexcept {
  if (opened_in_place) buffer_.note_plaintext((empty() ? 0 : begin_ + header_size) + frame.record.ciphertext.size());
  if (frame.record.shared) return carrier.take(frame.size);
  begin_ += frame.size;
  if (begin_ == end_) begin_ = end_ = 0;
  return {};
}

// Where frames can be opened as they stand, only what is not whole is copied here.
result<bool> Inbox::stands_whole(transport::Carrier& carrier, transport::Wait wait) {
  if (!carrier.traits().in_memory || !empty() || !arrived_.empty()) return false;
  auto whole = next_shared(carrier);
  if (whole && !*whole && wait == transport::Wait::yes) {
    if (auto waited = carrier.wait(transport::Readiness::readable, std::nullopt); !waited) return waited.error();
    whole = next_shared(carrier);
  }
  if (!whole) return whole.error();
  return whole->has_value();
}

result<void> Inbox::fill(transport::Carrier& carrier, transport::Wait wait) {
  const auto whole = stands_whole(carrier, wait);
  if (!whole) return whole.error();
  if (*whole) return {};
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
