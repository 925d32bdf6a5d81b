#include "protocol/outbox.hpp"

#include <algorithm>
#include <cstring>

#include "transports/duplicate.hpp"

namespace penstock::protocol {

namespace {

// A cipher writes 16 bytes at a time, and each line of memory that the other end has read is fetched back from its core for that. A
// large record is made faster in our own cache, and copied from there by whole lines (docs/PERFORMANCE.md).
constexpr std::size_t largest_sealed_in_place = 4096;

}  // namespace

bool Outbox::has_room(std::size_t payload) const noexcept {
  return empty() || size() + record_overhead + payload <= bound_;
}

// Keeps small backlogs in the pooled buffer and grows to the bound only when the peer is slow.
void Outbox::make_room(std::size_t frame) {
  if (data_ == nullptr) {
    small_.acquire();
    data_ = small_.data();
    capacity_ = pooled_buffer_size;
  }
  if (capacity_ - end_ >= frame) return;
  if (begin_ != 0 && capacity_ - size() >= frame) {
    std::memmove(data_, data_ + begin_, size());
  } else {
    const std::size_t capacity = std::max(2 * capacity_, size() + frame);
    auto grown = std::make_unique_for_overwrite<std::byte[]>(capacity);
    std::memcpy(grown.get(), data_ + begin_, size());
    large_ = std::move(grown);
    data_ = large_.get();
    capacity_ = capacity;
  }
  for (auto& attached : attached_) attached.offset -= begin_;
  end_ -= begin_;
  begin_ = 0;
}

result<void> Outbox::seal(transport::Carrier& carrier, Sealer& sealer, Outgoing record, std::span<const native_handle> handles,
                          std::uint64_t now) {
  const std::size_t frame = record_overhead + record.prefix.size() + record.body.size();
  // A prefix is put in front of the body before both are sealed: that plaintext is not to stand in memory that is shared.
  const bool next = empty();
  if (next && handles.empty() && record.prefix.empty() && frame <= largest_sealed_in_place) {
    if (const auto room = carrier.reserve(frame); !room.empty()) {
      const auto sealed = sealer.seal(record, room, now);
      if (!sealed) return sealed.error();
      carrier.commit(*sealed);
      return {};
    }
  }
  Attached attached;
  for (const auto raw : handles) {
    auto copy = transport::duplicate(raw);
    if (!copy) return copy.error();
    attached.handles.push(std::move(*copy));
  }
  record.handles = static_cast<std::uint8_t>(handles.size());
  make_room(frame);
  attached.offset = end_;
  const auto sealed = sealer.seal(record, {data_ + end_, capacity_ - end_}, now);
  if (!sealed) return sealed.error();
  end_ += *sealed;
  if (!handles.empty()) attached_.push_back(std::move(attached));
  // Memory takes at once what could not be sealed into it; why it might not, the next flush will say.
  if (next && !carrier.reserve(1).empty()) (void)flush(carrier, transport::Wait::no);
  return {};
}

// A frame with handles starts its own send: they belong to its first byte, and the receiver counts them against it (ATK-12).
result<void> Outbox::flush(transport::Carrier& carrier, transport::Wait wait) {
  while (begin_ != end_) {
    std::size_t stop = end_;
    std::array<native_handle, max_handles_per_message> raw{};
    std::size_t count = 0;
    if (!attached_.empty() && attached_.front().offset == begin_) {
      for (auto& handle : attached_.front().handles) raw[count++] = handle.get();
      if (attached_.size() > 1) stop = attached_[1].offset;
    } else if (!attached_.empty()) {
      stop = attached_.front().offset;
    }
    // Frames may overtake each other there, so each is sent by itself.
    if (!carrier.traits().ordered) stop = begin_ + first_frame();
    const auto sent = carrier.send({data_ + begin_, stop - begin_}, std::span(raw).first(count), wait);
    if (!sent) return sent.error();
    begin_ += *sent;
    taking_ = true;
    if (count != 0) attached_.erase(attached_.begin());
  }
  if (auto taken = carrier.finish_sends(wait); !taken) return taken.error();
  clear();
  return {};
}

// It was sealed here, so its header says the truth.
std::size_t Outbox::first_frame() const noexcept {
  const auto header = decode(std::span<const std::byte, header_size>(data_ + begin_, header_size));
  return header ? header_size + header->length : end_ - begin_;
}

void Outbox::clear() noexcept {
  begin_ = end_ = 0;
  taking_ = false;
  attached_.clear();
  if (data_ == nullptr) return;
  data_ = nullptr;
  capacity_ = 0;
  small_.release();
  // A backlog is over: its memory goes back.
  large_.reset();
}

}  // namespace penstock::protocol
