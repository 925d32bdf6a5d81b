#include "transports/shared_memory_carrier.hpp"

#include <algorithm>
#include <cstring>
#include <new>

#include "transports/traits.hpp"

namespace penstock::transport {
namespace {

// Who polls makes no system call, and would not see that the other end has died: so every so often it listens.
constexpr std::uint32_t polls_between_listening = 256;

bytes_span ring_of(const Mapping& segment) noexcept {
  return {segment.data() + ring_offset, segment.size() - ring_offset};
}

CarrierTraits traits_over(const CarrierTraits& control) noexcept {
  auto traits = shared_memory_traits;
  traits.passes_handles = control.passes_handles;
  return traits;
}

}  // namespace

SharedMemoryCarrier::SharedMemoryCarrier(std::unique_ptr<Carrier> control, Mapping own, Mapping peer, crypto::SecretSlot life)
    : traits_(traits_over(control->traits())),
      control_(std::move(control)),
      own_memory_(std::move(own)),
      peer_memory_(std::move(peer)),
      // The kernel zeroed it, so every number starts at 0 at both ends.
      own_header_(new (own_memory_.data()) SegmentHeader{}),
      peer_header_(std::launder(reinterpret_cast<const SegmentHeader*>(peer_memory_.data()))),
      writer_(*own_header_, ring_of(own_memory_), *peer_header_, own_memory_.repeated()),
      reader_(*own_header_, *peer_header_, ring_of(peer_memory_), peer_memory_.repeated()),
      life_(std::move(life)) {}

result<std::unique_ptr<Carrier>> SharedMemoryCarrier::make(std::unique_ptr<Carrier> control, Mapping own, Mapping peer) {
  auto life = crypto::SecretSlot::allocate(1);
  if (!life) return life.error();
  return std::unique_ptr<Carrier>(new SharedMemoryCarrier(std::move(control), std::move(own), std::move(peer), std::move(*life)));
}

SharedMemoryCarrier::~SharedMemoryCarrier() { close(); }

result<void> SharedMemoryCarrier::sender_checks(bool on) {
  // The rings have no senders: whoever could write them was proven, and every record says so again.
  return on ? result<void>(Error::unsupported) : result<void>();
}

// A peer takes attachments in the order of their bytes, so those before its position are gone.
result<bool> SharedMemoryCarrier::may_attach() {
  if (sent_attachments_.size() < max_attachments_ahead) return true;
  const auto taken = writer_.taken();
  if (!taken) return taken.error();
  std::erase_if(sent_attachments_, [&](std::uint64_t position) { return position < *taken; });
  return sent_attachments_.size() < max_attachments_ahead;
}

// They leave before the byte that they belong to is published: who sees that byte will find them. would_block: later.
result<void> SharedMemoryCarrier::attach_handles(std::span<const native_handle> handles) {
  const auto room = writer_.has_room();
  if (!room) return room.error();
  const auto allowed = may_attach();
  if (!allowed) return allowed.error();
  if (!*room || !*allowed) return Error::would_block;

  std::array<std::byte, attachment_size> message;
  const std::uint64_t position = writer_.position();
  message[0] = std::byte{1};
  message[1] = static_cast<std::byte>(handles.size());
  std::memcpy(message.data() + 2, &position, sizeof position);
  // Whom this wakes needs no bell for the byte that follows: it lies down anew, with a new wish, or finds it there.
  const std::uint32_t wish = peer_header_->wants_data.load();
  // Without waiting: a peer that never reads its bells must not hold this thread.
  const auto sent = control_->send(message, handles, Wait::no);
  if (!sent) {
    control_full_ = sent.error() == Error::would_block;
    return sent.error();
  }
  // So few bytes are never cut by a socket or a pipe that takes any.
  if (*sent != message.size()) return Error::io_error;
  data_bell_ = wish;
  sent_attachments_.push_back(position);
  own_header_->attachments.fetch_add(1);
  return {};
}

result<std::size_t> SharedMemoryCarrier::try_send(bytes_view bytes, std::span<const native_handle> handles) {
  if (const auto error = usable(); error != Error::none) return error;
  if (ended_) return Error::truncated;
  if (!handles.empty()) {
    if (auto attached = attach_handles(handles); !attached) return attached.error();
  }
  const auto written = writer_.write(bytes);
  if (!written) return written.error();
  if (*written == 0) return Error::would_block;
  ring_bell(peer_header_->wants_data, data_bell_);
  return *written;
}

result<std::size_t> SharedMemoryCarrier::send(bytes_view bytes, std::span<const native_handle> handles, Wait wait) {
  if (bytes.empty() || handles.size() > max_handles_per_message) return Error::invalid_argument;
  for (;;) {
    const auto sent = try_send(bytes, handles);
    if (sent || sent.error() != Error::would_block || wait == Wait::no) return sent;
    if (auto waited = this->wait(Readiness::writable, std::nullopt); !waited) return waited.error();
  }
}

bytes_span SharedMemoryCarrier::reserve(std::size_t size) noexcept {
  if (usable() != Error::none || ended_) return {};
  return writer_.reserve(size);
}

void SharedMemoryCarrier::commit(std::size_t size) noexcept {
  writer_.commit(size);
  ring_bell(peer_header_->wants_data, data_bell_);
}

// How many bytes may be taken in one go: up to the next byte that has handles, which are handed over with it.
result<std::size_t> SharedMemoryCarrier::next_piece(std::size_t wanted, HandleList& handles) {
  if (attachments_.empty()) return wanted;
  const auto position = reader_.position();
  if (attachments_.front().position < position) return Error::handles_mismatch;
  if (attachments_.front().position == position) {
    auto& came = attachments_.front().handles;
    if (came.size() > max_handles_per_message - handles.size()) return Error::handles_limit;
    for (auto& handle : came) handles.push(std::move(handle));
    attachments_.erase(attachments_.begin());
    if (attachments_.empty()) return wanted;
    if (attachments_.front().position <= position) return Error::handles_mismatch;
  }
  return static_cast<std::size_t>(std::min<std::uint64_t>(wanted, attachments_.front().position - position));
}

result<std::size_t> SharedMemoryCarrier::try_receive(bytes_span buffer, HandleList& handles) {
  if (const auto error = usable(); error != Error::none) return error;
  const auto ready = this->ready(Readiness::readable);
  if (!ready) return ready.error();
  if (!*ready) return Error::would_block;
  const auto piece = next_piece(buffer.size(), handles);
  if (!piece) return piece.error();
  const auto read = reader_.read(buffer.first(*piece));
  if (!read) return read.error();
  if (*read == 0) return Error::truncated;  // ready, and nothing there: the other end has gone
  if (auto told = tell_taken(); !told) return told.error();
  return *read;
}

// Half of the ring at once: to wake the writer for every record would cost it more than the record.
result<void> SharedMemoryCarrier::tell_taken() noexcept {
  polls_ = 0;
  if (!is_wish(peer_header_->wants_room.load(), room_bell_)) return {};
  const auto room = reader_.writer_has_room();
  if (!room) return room.error();
  if (*room) ring_bell(peer_header_->wants_room, room_bell_);
  return {};
}

// Bytes that handles come with, and whatever is wrong, are receive()'s.
bytes_view SharedMemoryCarrier::readable() noexcept {
  if (usable() != Error::none || !attachments_.empty()) return {};
  const auto ready = reader_.peek();
  return ready && peer_header_->attachments.load() == attachments_seen_ ? *ready : bytes_view();
}

result<void> SharedMemoryCarrier::take(std::size_t size) noexcept {
  reader_.take(size);
  return tell_taken();
}

result<Received> SharedMemoryCarrier::receive(bytes_span buffer, HandleList& handles, Wait wait) {
  if (buffer.empty()) return Error::invalid_argument;
  for (;;) {
    const auto read = try_receive(buffer, handles);
    if (read) return Received{*read, std::nullopt};
    if (read.error() != Error::would_block) return read.error();
    if (wait == Wait::yes) {
      if (auto waited = this->wait(Readiness::readable, std::nullopt); !waited) return waited.error();
      continue;
    }
    if (++polls_ < polls_between_listening) return Error::would_block;
    if (auto heard = hear(Wait::no); !heard) return heard.error();
    if (!ended_) return Error::would_block;
  }
}

void SharedMemoryCarrier::close() noexcept {
  if (!std::exchange(open_, false)) return;
  // Waits that are outstanding end with the control carrier's.
  if (waiting_) waiting_->carrier = nullptr;
  waiting_.reset();
  attachments_.clear();
  arrived_.clear();
  control_->close();
  own_memory_.reset();
  peer_memory_.reset();
  life_.reset();
}

}  // namespace penstock::transport
