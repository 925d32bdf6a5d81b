#include <algorithm>
#include <new>
#include <utility>

#include "protocol/nanoseconds.hpp"
#include "protocol/record.hpp"

namespace penstock::protocol {

Opener::Opener(crypto::AeadKey key, bool ordered, const Limits& limits) noexcept
    : key_(std::move(key)),
      reordering_(ordered ? nullptr : new (std::nothrow) Reordering),
      max_age_(saturated_nanoseconds(limits.max_age)),
      max_ahead_(saturated_nanoseconds(limits.max_ahead)) {
  if (!ordered && reordering_ == nullptr) reset();  // no window, no channel
}

result<Opened> Opener::open(bytes_view frame, std::byte* out, std::uint64_t now) {
  if (!key_.valid()) return Error::closed;
  // Cut inside its header or its tag; of the latter the header is asked first, as of any other.
  if (frame.size() < header_size) return Error::frame_malformed;
  if (frame.size() < record_overhead) {
    const auto header = decode(frame.first<header_size>());
    return header ? Error::frame_malformed : header.error().code();
  }
  const std::size_t size = frame.size() - record_overhead;
  return open({frame.first<header_size>(), frame.subspan(header_size, size), frame.last<crypto::tag_size>()}, out, now);
}

result<Opened> Opener::open(const SealedRecord& record, std::byte* out, std::uint64_t now) {
  if (!key_.valid()) return Error::closed;

  // Header: everything that needs no key.
  const auto header = decode(record.header);
  if (!header) return header.error();
  if (!sealed(header->type)) return Error::frame_malformed;  // a handshake message inside a session

  // Length: the header speaks of exactly these bytes (ATK-26: truncated or extended).
  const std::size_t size = record.ciphertext.size();
  if (header->length != size + crypto::tag_size) return Error::frame_malformed;

  // Tag, under the key that the header names. A trial key lives in this call until everything is proven.
  const auto slot = slot_of(*header);
  if (!slot) return Error::epoch_wrong;
  crypto::AeadKey next;
  if (*slot == Slot::next) {
    auto made = next_key((header->flags & flag_fresh) != 0);
    if (!made) return made.error();
    next = std::move(*made);
  }
  const crypto::AeadKey& key = *slot == Slot::current ? key_ : *slot == Slot::next ? next : reordering_->previous;
  const auto opened = record.shared ? key.open_shared(header->sequence, record.header, record.ciphertext, record.tag, out)
                                    : key.open(header->sequence, record.header, record.ciphertext, record.tag, out);
  if (!opened) return opened.error();

  // It is authentic. Is it what must come now?
  if (const Error error = refuse(*header, *slot, now); error != Error::none) {
    crypto::wipe({out, size});
    return error;
  }
  commit(*header, *slot, std::move(next));
  return Opened{*header, {out, size}};
}

std::optional<Opener::Slot> Opener::slot_of(const Header& header) const noexcept {
  const bool fresh = (header.flags & flag_fresh) != 0;
  if (header.epoch == epoch_) return fresh == epoch_fresh_ ? std::optional(Slot::current) : std::nullopt;
  // Subtractions of unsigned numbers, each in the direction that its comparison has made safe (ATK-19).
  if (header.epoch > epoch_) {
    if (header.epoch - epoch_ != 1) return std::nullopt;
    return !fresh || refresh_secret_.valid() ? std::optional(Slot::next) : std::nullopt;
  }
  if (reordering_ == nullptr || !reordering_->previous.valid() || epoch_ - header.epoch != 1) return std::nullopt;
  return fresh == reordering_->previous_fresh ? std::optional(Slot::previous) : std::nullopt;
}

result<crypto::AeadKey> Opener::next_key(bool fresh) const {
  if (!fresh) return key_.rekeyed();
  if (!refresh_secret_.alive()) return Error::forked;
  return key_.rekeyed_with(refresh_secret_.bytes());
}

Error Opener::refuse(const Header& header, Slot slot, std::uint64_t now) const noexcept {
  if (const Error error = refuse_sequence(header.sequence, slot); error != Error::none) return error;

  // Both ends read one clock. Differences are taken where they cannot wrap.
  if (now > header.time && now - header.time > max_age_) return Error::record_stale;
  if (header.time > now && header.time - now > max_ahead_) return Error::record_stale;

  if (slot != Slot::current) return Error::none;
  // The peer's own hard stop, kept for it: an end that never changes its key is not one of ours.
  const std::uint64_t size = header.length - crypto::tag_size;
  if (epoch_records_ >= max_epoch_records || size > max_epoch_bytes - epoch_bytes_) return Error::counter_exhausted;
  return Error::none;
}

Error Opener::refuse_sequence(std::uint64_t sequence, Slot slot) const noexcept {
  if (reordering_ == nullptr) {
    if (sequence == next_) return Error::none;
    return sequence < next_ ? Error::record_replayed : Error::sequence_wrong;
  }
  if (!reordering_->window.fresh(sequence)) return Error::record_replayed;
  if (reordering_->window.loses(sequence)) return Error::sequence_wrong;  // ATK-26: a record that was dropped
  // Epochs follow each other in sequence numbers too: whoever learns an old key cannot write into what came after it.
  const Reordering& seen = *reordering_;
  const bool placed = slot == Slot::current ? sequence >= seen.previous_end
                      : slot == Slot::next  ? sequence >= next_
                                            : sequence >= seen.previous_begin && sequence < seen.epoch_first;
  return placed ? Error::none : Error::sequence_wrong;
}

void Opener::commit(const Header& header, Slot slot, crypto::AeadKey&& next) noexcept {
  if (reordering_ != nullptr) commit_reordered(header.sequence, slot);
  if (slot == Slot::next) {
    const bool fresh = (header.flags & flag_fresh) != 0;
    key_ = std::move(next);
    ++epoch_;
    epoch_fresh_ = fresh;
    epoch_records_ = epoch_bytes_ = 0;
    if (fresh) refresh_secret_.reset();
  }
  next_ = std::max(next_, header.sequence + 1);  // no wrap: decode() bounds it by max_records
  if (slot == Slot::previous) return;
  ++epoch_records_;
  epoch_bytes_ += header.length - crypto::tag_size;
}

void Opener::commit_reordered(std::uint64_t sequence, Slot slot) noexcept {
  auto& state = *reordering_;
  state.window.mark(sequence);
  switch (slot) {
    case Slot::current:
      state.epoch_first = std::min(state.epoch_first, sequence);
      break;
    case Slot::previous:
      state.previous_end = std::max(state.previous_end, sequence + 1);
      break;
    case Slot::next:
      state.previous = std::move(key_);
      state.previous_fresh = epoch_fresh_;
      state.previous_begin = std::exchange(state.previous_end, next_);
      state.epoch_first = sequence;
      break;
  }
  // Once this epoch fills the window no record of the one before can be new: its key goes.
  const std::uint64_t end = std::max(next_, sequence + 1);
  if (state.previous.valid() && end - state.epoch_first >= replay_window_size) state.previous.reset();
}

result<void> Opener::expect_refresh(bytes_view shared) {
  if (!key_.valid()) return Error::closed;
  if (shared.size() != crypto::key_size) return Error::invalid_argument;
  // A peer that starts a second exchange before it used the first would have us guess which secret it means.
  if (refresh_secret_.valid()) return Error::epoch_wrong;
  auto kept = crypto::Secret<32>::copy_of(shared.first<32>());
  if (!kept) return kept.error();
  refresh_secret_ = std::move(*kept);
  return {};
}

void Opener::reset() noexcept {
  key_.reset();
  refresh_secret_.reset();
  if (reordering_ != nullptr) reordering_->previous.reset();
}

Opener::Snapshot Opener::snapshot() const noexcept {
  Snapshot shot;
  shot.next = next_;
  shot.epoch_records = epoch_records_;
  shot.epoch_bytes = epoch_bytes_;
  shot.epoch = epoch_;
  shot.epoch_fresh = epoch_fresh_;
  shot.refresh_pending = refresh_secret_.valid();
  if (reordering_ == nullptr) return shot;
  shot.previous_kept = reordering_->previous.valid();
  shot.previous_fresh = reordering_->previous_fresh;
  shot.epoch_first = reordering_->epoch_first;
  shot.previous_begin = reordering_->previous_begin;
  shot.previous_end = reordering_->previous_end;
  shot.window = reordering_->window;
  return shot;
}

}  // namespace penstock::protocol
