#include "transports/pipe_carrier_windows.hpp"

#include <algorithm>
#include <cstring>

#include "transports/identify_windows.hpp"
#include "transports/pass_handles_windows.hpp"
#include "transports/traits.hpp"

namespace penstock::transport {
namespace {

const CarrierTraits& traits_of(bool inherited, bool handles) noexcept {
  static constexpr CarrierTraits pipe_bare{pipe_traits.id, pipe_traits.name, pipe_traits.ordered, false};
  static constexpr CarrierTraits inherited_bare{inherited_traits.id, inherited_traits.name, inherited_traits.ordered, false};
  if (inherited) return handles ? inherited_traits : inherited_bare;
  return handles ? pipe_traits : pipe_bare;
}

}  // namespace

PipeCarrier::PipeCarrier(const CarrierTraits& traits, std::shared_ptr<PipeIo> io, PipeEnd end, PipeEnds ends, Handle into_peer)
    : traits_(traits), io_(std::move(io)), end_(end), ends_(std::move(ends)), into_peer_(std::move(into_peer)) {}

std::unique_ptr<Carrier> PipeCarrier::make(std::shared_ptr<PipeIo> io, PipeEnd end, PipeEnds ends) {
  auto into = Handle();
  // By number, but it must be the very process that is held (ATK-04).
  if (ends.peer.strength == Strength::pinned) into = os().open_for_handles(static_cast<std::uint32_t>(ends.peer.pid));
  if (into) {
    const auto created = os().creation_time(into.get());
    const bool same = created && process_key_of(static_cast<std::uint32_t>(ends.peer.pid), *created) == ends.peer.process_key;
    if (!same) into.reset();
  }
  const bool inherited = end == PipeEnd::inherited || end == PipeEnd::adopted;
  const auto& traits = traits_of(inherited, into.valid());
  return std::unique_ptr<Carrier>(new PipeCarrier(traits, std::move(io), end, std::move(ends), std::move(into)));
}

result<void> PipeCarrier::sender_checks(bool on) {
  if (!io_->open()) return Error::closed;
  checking_ = on;
  return {};
}

result<std::size_t> PipeCarrier::send(bytes_view bytes, std::span<const native_handle> handles, Wait wait) {
  if (bytes.empty() || handles.size() > max_handles_per_message) return Error::invalid_argument;
  // Before any handle is put into the peer: its table is not to be filled again and again.
  if (auto free = finish_sends(wait); !free) return free.error();
  std::array<std::uint64_t, max_handles_per_message> values{};
  const auto put = handles.empty() ? result<std::size_t>(0) : put_handles(into_peer_, handles, values);
  if (!put) return put.error();
  const auto attached = std::span<const std::uint64_t>(values).first(*put);
  const auto body = bytes.first(std::min(bytes.size(), largest_segment));
  std::array<std::byte, segment_head_size> head;
  const auto head_size = encode_segment_head(body.size(), attached, head);
  if (auto begun = io_->write(std::span<const std::byte>(head).first(head_size), body); !begun) {
    take_back_handles(into_peer_, attached);
    return begun.error();
  }
  // It is on its way, handles and all. How it ends, the next call tells.
  if (wait == Wait::yes) (void)finish_sends(wait);
  return body.size();
}

result<void> PipeCarrier::finish_sends(Wait wait) {
  for (;;) {
    auto taken = io_->written();
    if (taken || taken.error() != Error::would_block || wait == Wait::no) return taken;
    if (auto waited = io_->wait(Readiness::writable, std::nullopt); !waited) return waited;
  }
}

result<std::size_t> PipeCarrier::read(bytes_span buffer, Wait wait) {
  return wait == Wait::yes ? io_->read_waiting(buffer) : io_->read(buffer);
}

result<void> PipeCarrier::take_handles(HandleList& handles) {
  const auto values = reader_.take_handles();
  if (values.empty()) return {};
  // Nothing of a handshake has handles, and until it is over nothing is known but a number (ATK-12).
  if (checking_) return Error::handles_mismatch;
  // Nobody but who could put handles into us anyway has a say about our table.
  if (!may_put_handles(ends_.peer, *ends_.self)) return Error::handles_mismatch;
  auto adopted = adopt_handles(values);
  if (!adopted) return adopted.error();
  if (adopted->size() > max_handles_per_message - handles.size()) return Error::handles_limit;
  for (auto& handle : *adopted) handles.push(std::move(handle));
  return {};
}

result<MessageSender> PipeCarrier::sender() const {
  switch (end_) {
    case PipeEnd::server:
      return client_sender(io_->native(), ends_.peer);
    case PipeEnd::inherited:
      return inherited_sender(io_->native(), ends_.peer);
    default:
      return server_sender(io_->native(), ends_.peer);
  }
}

result<Received> PipeCarrier::try_receive(bytes_span buffer, HandleList& handles, Wait wait) {
  while (reader_.missing() != 0) {
    if (staged() == 0) {
      const auto got = read(staging_, wait);
      if (!got) return got.error();
      staged_begin_ = 0;
      staged_end_ = *got;
    }
    const auto part = std::span<const std::byte>(staging_).subspan(staged_begin_, std::min(staged(), reader_.missing()));
    if (auto fed = reader_.feed(part); !fed) return fed.error();
    staged_begin_ += part.size();
    if (reader_.missing() != 0) continue;
    if (auto taken = take_handles(handles); !taken) return taken.error();
  }
  const auto wanted = std::min(buffer.size(), reader_.payload());
  Received received;
  if (staged() != 0) {
    received.size = std::min(wanted, staged());
    std::memcpy(buffer.data(), staging_.data() + staged_begin_, received.size);
    staged_begin_ += received.size;
  } else {
    const auto got = read(buffer.first(wanted), wait);
    if (!got) return got.error();
    received.size = *got;
  }
  reader_.take(received.size);
  if (!checking_) return received;
  const auto who = sender();
  if (!who) return who.error();
  received.sender = *who;
  return received;
}

result<Received> PipeCarrier::receive(bytes_span buffer, HandleList& handles, Wait wait) {
  if (!io_->open()) return Error::closed;
  if (buffer.empty()) return Error::invalid_argument;
  for (;;) {
    auto received = try_receive(buffer, handles, wait);
    // A write of no bytes wakes a reader too.
    if (received || received.error() != Error::would_block || wait == Wait::no) return received;
  }
}

result<void> PipeCarrier::wait(Readiness readiness, Deadline deadline) {
  if (readiness != Readiness::writable && staged() != 0) return {};
  return io_->wait(readiness, deadline);
}

void PipeCarrier::async_wait(Readiness readiness, WaitHandler handler) {
  if (io_->attached() && readiness == Readiness::readable && staged() != 0) return io_->complete_soon(readiness, std::move(handler));
  io_->async_wait(readiness, std::move(handler));
}

void PipeCarrier::close() noexcept { io_->close(); }

}  // namespace penstock::transport
