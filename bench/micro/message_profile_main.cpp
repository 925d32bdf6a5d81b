// penstock_message_profile MESSAGES BYTES: so many messages from one channel to another over shared memory, in one process and by one
// thread, so that callgrind counts what a message costs and nothing else: no sleep, no poll, no other core. scripts/profile runs it.
#include <cstdio>
#include <cstdlib>

#include "fuzz/honest_session.hpp"
#include "protocol/channel_core.hpp"
#include "transports/memory_segment.hpp"
#include "transports/shared_memory_carrier.hpp"

namespace penstock::bench {
namespace {

using protocol::ChannelCore;

constexpr std::size_t ring = std::size_t{256} << 10;

std::unique_ptr<transport::Carrier> make_carrier(std::unique_ptr<transport::Carrier> control, transport::OwnSegment& own,
                                                 const transport::OwnSegment& peer) {
  auto theirs = transport::map_peer_segment(peer.for_peer, transport::ring_offset + ring, ring);
  fuzz::require(theirs.has_value(), "map_peer_segment");
  auto made = transport::SharedMemoryCarrier::make(std::move(control), std::move(own.memory), std::move(*theirs));
  fuzz::require(made.has_value(), "carrier");
  return std::move(*made);
}

void pass(ChannelCore& from, ChannelCore& to, bytes_view body, bytes_span place) {
  protocol::OutgoingMessage message;
  message.header.type = protocol::FrameType::message;
  message.body = body;
  fuzz::require(from.check(message) && from.seal(message) && from.flush(transport::Wait::no), "send");
  protocol::ReceiveTarget target;
  target.buffer = place;
  to.set_target(&target);
  fuzz::require(to.step(transport::Wait::no).has_value() && target.done, "receive");
}

int run(std::uint64_t messages, std::size_t size) {
  auto control = std::make_unique<fuzz::MemoryCarrier>();
  const bool aes = crypto::available(crypto::Cipher::aes256_gcm);
  auto sessions = fuzz::honest_sessions(true, *control, aes ? Suite::aesgcm_sha256 : Suite::chachapoly_blake2b);
  auto ours = transport::make_segment(transport::ring_offset + ring, ring);
  auto theirs = transport::make_segment(transport::ring_offset + ring, ring);
  fuzz::require(ours && theirs, "make_segment");
  // Each maps the other's before its own memory moves away.
  auto second = transport::map_peer_segment(ours->for_peer, transport::ring_offset + ring, ring);
  fuzz::require(second.has_value(), "map_peer_segment");
  ChannelCore sender(make_carrier(std::move(control), *ours, *theirs), std::move(sessions.ours), fuzz::settings());
  auto carrier = transport::SharedMemoryCarrier::make(std::make_unique<fuzz::MemoryCarrier>(), std::move(theirs->memory), std::move(*second));
  fuzz::require(carrier.has_value(), "carrier");
  ChannelCore receiver(std::move(*carrier), std::move(sessions.theirs), fuzz::settings());
  const std::vector<std::byte> body(size, std::byte{7});
  std::vector<std::byte> place(size);
  for (std::uint64_t i = 0; i < messages; ++i) pass(sender, receiver, body, place);
  std::printf("%llu messages of %zu bytes, %s\n", static_cast<unsigned long long>(messages), size, aes ? "AES-256-GCM" : "ChaCha20-Poly1305");
  return place == body ? 0 : 1;
}

}  // namespace
}  // namespace penstock::bench

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: penstock_message_profile MESSAGES BYTES\n");
    return 2;
  }
  return penstock::bench::run(std::strtoull(argv[1], nullptr, 10), static_cast<std::size_t>(std::strtoull(argv[2], nullptr, 10)));
}
