// Either role of a handshake against a peer that sends whatever the input says, framed or not. Without a key that the input
// cannot know, nothing it sends may ever finish a handshake or make a session.
#include "fuzz/memory_carrier.hpp"
#include "protocol/handshake.hpp"

namespace {

using namespace penstock;
using fuzz::require;

const Policy& policy() {
  static const Policy made = Policy::same_user();
  return made;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input in(data, size);
  const auto role = in.byte();
  fuzz::MemoryCarrier carrier;
  protocol::HandshakeContext context;
  context.initiator = (role & 1) != 0;
  context.policy = &policy();
  context.carrier = &carrier;
  const protocol::ChannelSettings settings;
  context.channel = &settings;
  context.endpoint = {Scope::user, "fuzz"};
  context.trust = Trust::os_identity;
  context.suite = (role & 2) != 0 ? Suite::chachapoly_blake2b : Suite::aesgcm_sha256;
  auto handshake = protocol::Handshake::make(context);
  require(handshake.has_value(), "make");
  protocol::HandshakeOutput out;
  if (context.initiator) require(handshake->start(out).has_value(), "start");

  bool failed = false;
  for (int turn = 0; turn < 4 && !in.empty(); ++turn) {
    // Framing that the input need not get right itself: the header is written for it unless it asks otherwise.
    std::array<std::byte, protocol::max_handshake_frame> frame{};
    const auto shape = in.byte();
    const std::size_t length = in.byte() % 97;
    const auto body = in.take(length);
    std::size_t total = protocol::header_size + body.size();
    if ((shape & 1) != 0) {
      total = std::min(body.size(), frame.size());
      std::copy_n(body.begin(), total, frame.begin());
      if (total < protocol::header_size) continue;
      const auto claimed = protocol::handshake_frame_size(std::span(frame).first<protocol::header_size>());
      if (!claimed || *claimed != total) continue;
    } else {
      protocol::Header header;
      header.type = (shape & 2) != 0 ? protocol::FrameType::confirm : protocol::FrameType::handshake;
      header.sequence = header.type == protocol::FrameType::handshake ? (shape >> 2) & 3 : 0;
      header.length = static_cast<std::uint32_t>(body.size());
      protocol::encode(header, std::span(frame).first<protocol::header_size>());
      std::copy(body.begin(), body.end(), frame.begin() + protocol::header_size);
      if (!protocol::handshake_frame_size(std::span(frame).first<protocol::header_size>())) continue;
    }
    transport::MessageSender sender{fuzz::this_process().pid, fuzz::this_process().uid, fuzz::this_process().gid,
                                    fuzz::this_process().process_key};
    if ((shape & 0x80) != 0) sender.process_key ^= 1;
    out.size = 0;
    const auto step = handshake->on_frame(std::span(frame).first(total), sender, out);
    if (failed) require(!step, "a failed handshake goes on");
    if ((shape & 0x80) != 0) require(!step, "another process's frame was taken (ATK-05)");
    if (!step) require(out.size == 0, "a refusal sends something");
    failed = failed || !step;
    require(!handshake->finished(), "finished without the keys");
    require(!handshake->take_session(), "a session without the keys");
  }
  return 0;
}
