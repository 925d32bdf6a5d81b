#include "protocol/segment_exchange.hpp"

#include "protocol/wire.hpp"
#include "transports/shared_memory_carrier.hpp"

namespace penstock::protocol {

result<void> check_ring(std::size_t ring) {
  if (transport::valid_ring_size(ring)) return {};
  return Failure(Error::invalid_argument, "Limits::ring_bytes is to be a power of two, from 4 KiB to 64 MiB: choose such a size");
}

result<std::unique_ptr<SegmentExchange>> SegmentExchange::make(Session& session, std::size_t ring) {
  if (auto sound = check_ring(ring); !sound) return sound.error();
  auto segment = transport::make_segment(transport::ring_offset + ring, ring);
  if (!segment) return segment.error();
  std::unique_ptr<SegmentExchange> made(new SegmentExchange);
  made->own_ = std::move(*segment);

  std::array<std::byte, payload_size> payload;
  put(payload.data(), std::uint64_t{ring});
  Outgoing record;
  record.type = FrameType::segment;
  record.handles = 1;
  record.body = payload;
  const auto sealed = session.sealer.seal(record, made->out_, monotonic_time());
  if (!sealed) return sealed.error();
  return made;
}

result<void> SegmentExchange::open(Session& session) {
  std::array<std::byte, payload_size> payload;
  const auto opened = session.opener.open(in_, payload.data(), monotonic_time());
  if (!opened) return opened.error();
  if (opened->header.type != FrameType::segment) return Error::message_malformed;
  if (opened->header.handles != 1 || arrived_.size() != 1) return Error::handles_mismatch;
  const auto ring = get<std::uint64_t>(payload.data());
  if (!transport::valid_ring_size(ring)) return Error::segment_invalid;
  auto mapped = transport::map_peer_segment(arrived_[0], transport::ring_offset + ring, ring);
  if (!mapped) return mapped.error();
  peer_ = std::move(*mapped);
  arrived_.clear();
  return {};
}

result<HandshakeNeed> SegmentExchange::advance(transport::Carrier& control, Session& session) {
  while (sent_ < out_.size()) {
    const std::array handle{own_.for_peer.get()};
    const auto handles = sent_ == 0 ? std::span<const native_handle>(handle) : std::span<const native_handle>();
    const auto sent = control.send(std::span(out_).subspan(sent_), handles, transport::Wait::no);
    if (!sent && sent.error() == Error::would_block) return HandshakeNeed::writable;
    if (!sent) return sent.error();
    sent_ += *sent;
  }
  // Ours needs no handle any more: what is mapped stays.
  own_.for_peer.reset();
  while (!peer_.valid()) {
    const auto received = control.receive(std::span(in_).subspan(held_), arrived_, transport::Wait::no);
    if (!received && received.error() == Error::would_block) return HandshakeNeed::readable;
    if (!received) return received.error();
    held_ += received->size;
    if (held_ != in_.size()) continue;
    if (auto opened = open(session); !opened) return opened.error();
  }
  return HandshakeNeed::nothing;
}

result<std::unique_ptr<transport::Carrier>> SegmentExchange::take(std::unique_ptr<transport::Carrier> control) {
  if (!peer_.valid()) return Error::internal;
  return transport::SharedMemoryCarrier::make(std::move(control), std::move(own_.memory), std::move(peer_));
}

}  // namespace penstock::protocol
