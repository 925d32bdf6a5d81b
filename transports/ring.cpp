#include "transports/ring.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace penstock::transport {

bool valid_ring_size(std::uint64_t size) noexcept {
  return size >= smallest_ring && size <= largest_ring && std::has_single_bit(size);
}

result<void> RingWriter::look() noexcept {
  const std::uint64_t taken = peer_->taken.load();
  // One comparison catches both lies: ahead of us wraps to a huge number, and going back exceeds what was outstanding (ATK-13).
  if (written_ - taken > written_ - taken_) return Error::frame_malformed;
  taken_ = taken;
  return {};
}

// Asks the peer only when what is known does not do: its number is in a cache line that it writes.
result<std::size_t> RingWriter::room(std::size_t wanted) noexcept {
  const std::size_t known = capacity_ - static_cast<std::size_t>(written_ - taken_);
  if (known >= wanted) return known;
  if (auto looked = look(); !looked) return looked.error();
  return capacity_ - static_cast<std::size_t>(written_ - taken_);
}

result<std::uint64_t> RingWriter::taken() noexcept {
  if (auto looked = look(); !looked) return looked.error();
  return taken_;
}

result<std::size_t> RingWriter::write(bytes_view bytes) noexcept {
  const auto free = room(std::min(bytes.size(), capacity_));
  if (!free) return free.error();
  const std::size_t size = std::min(bytes.size(), *free);
  if (size == 0) return std::size_t{0};
  const std::size_t at = start();
  const std::size_t first = std::min(size, mapped_ - at);
  std::memcpy(ring_ + at, bytes.data(), first);
  if (size != first) std::memcpy(ring_, bytes.data() + first, size - first);
  commit(size);
  return size;
}

bytes_span RingWriter::reserve(std::size_t size) noexcept {
  if (!may_reserve(size)) return {};
  const auto free = room(size);
  // What the peer lies about, write() will say: here there is just no room.
  if (!free || *free < size) return {};
  return {ring_ + start(), size};
}

void RingWriter::commit(std::size_t size) noexcept {
  written_ += size;
  own_->written.store(written_);
}

result<bool> RingWriter::has_room() noexcept {
  const auto free = room(capacity_ / 2);
  if (!free) return free.error();
  return *free >= capacity_ / 2;
}

result<void> RingReader::look() noexcept {
  const std::uint64_t written = peer_->written.load();
  // As above: too far ahead, or back behind what was there already.
  if (written - taken_ > capacity_ || written - taken_ < written_ - taken_) return Error::frame_malformed;
  written_ = written;
  return {};
}

result<std::size_t> RingReader::available() noexcept {
  if (written_ == taken_) {
    if (auto looked = look(); !looked) return looked.error();
  }
  return static_cast<std::size_t>(written_ - taken_);
}

result<std::size_t> RingReader::read(bytes_span buffer) noexcept {
  const auto ready = available();
  if (!ready) return ready.error();
  const std::size_t size = std::min(buffer.size(), *ready);
  if (size == 0) return std::size_t{0};
  const std::size_t at = static_cast<std::size_t>(taken_) & (capacity_ - 1);
  const std::size_t first = std::min(size, mapped_ - at);
  std::memcpy(buffer.data(), ring_ + at, first);
  if (size != first) std::memcpy(buffer.data() + first, ring_, size - first);
  take(size);
  return size;
}

result<bytes_view> RingReader::peek() noexcept {
  const auto ready = available();
  if (!ready) return ready.error();
  const std::size_t at = static_cast<std::size_t>(taken_) & (capacity_ - 1);
  return bytes_view(ring_ + at, std::min(*ready, mapped_ - at));
}

void RingReader::take(std::size_t size) noexcept {
  taken_ += size;
  own_->taken.store(taken_);
}

result<bool> RingReader::writer_has_room() noexcept {
  if (auto looked = look(); !looked) return looked.error();
  return capacity_ - static_cast<std::size_t>(written_ - taken_) >= capacity_ / 2;
}

}  // namespace penstock::transport
