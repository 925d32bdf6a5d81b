// A peer that was admitted honestly and then misbehaves: it holds valid keys and a raw carrier.
#pragma once

#include <gtest/gtest.h>

#include "protocol/handshake_driver.hpp"
#include "transports/dde/dde.hpp"
#include "transports/pipe.hpp"
#include "transports/ring.hpp"

namespace penstock::test {

class HostilePeer {
 public:
  /// Connects to `endpoint` and runs the honest handshake to its end.
  static std::optional<HostilePeer> connect(const Endpoint& endpoint, const Policy& policy,
                                            DataPlane plane = DataPlane::pipe, Suite suite = Suite::aesgcm_sha256) {
    auto peer = shake_hands(endpoint, policy, plane, suite);
    if (!peer || plane != DataPlane::shared_memory) return peer;
    return peer->share_memory() ? std::move(peer) : std::nullopt;
  }
  /// As connect() over shared memory, up to where the segments are exchanged: the carrier is the control carrier still.
  static std::optional<HostilePeer> before_segments(const Endpoint& endpoint, const Policy& policy) {
    auto peer = shake_hands(endpoint, policy, DataPlane::shared_memory, Suite::aesgcm_sha256);
    return peer && peer->carrier->sender_checks(false) ? std::move(peer) : std::nullopt;
  }

  /// Seals anything as this peer's next record.
  std::vector<std::byte> seal(protocol::FrameType type, bytes_view body, std::uint8_t flags = 0, std::uint8_t handles = 0) {
    std::vector<std::byte> frame(protocol::record_overhead + body.size());
    protocol::Outgoing record;
    record.type = type;
    record.flags = flags;
    record.handles = handles;
    record.body = body;
    const auto size = session->sealer.seal(record, frame, protocol::monotonic_time());
    EXPECT_TRUE(size) << size.error().sentence();
    return frame;
  }

  bool write(bytes_view bytes, std::span<const native_handle> handles = {}) {
    while (!bytes.empty()) {
      const auto sent = carrier->send(bytes, handles, transport::Wait::yes);
      if (!sent) return false;
      bytes = bytes.subspan(*sent);
      handles = {};
    }
    return true;
  }

  /// The next whole frame, or nothing when the other end has gone.
  std::vector<std::byte> read_frame(std::optional<transport::MessageSender>& sender) {
    std::vector<std::byte> frame(protocol::header_size);
    if (!read_exactly(frame, sender)) return {};
    const auto header = protocol::decode(std::span<const std::byte>(frame).first<protocol::header_size>());
    if (!header) return {};
    std::vector<std::byte> rest(header->length);
    if (!read_exactly(rest, sender)) return {};
    frame.insert(frame.end(), rest.begin(), rest.end());
    return frame;
  }

  /// Waits for the other end to close. True when it did, whatever it sent before.
  bool sees_the_end() {
    std::array<std::byte, 4096> buffer;
    HandleList handles;
    while (true) {
      const auto got = carrier->receive(buffer, handles, transport::Wait::yes);
      handles.clear();
      if (!got) return got.error() == Error::truncated;
    }
  }

  static transport::Deadline soon() { return std::chrono::steady_clock::now() + std::chrono::seconds(20); }

  std::unique_ptr<transport::Carrier> carrier;
  std::optional<protocol::Session> session;

 private:
  static std::optional<HostilePeer> shake_hands(const Endpoint& endpoint, const Policy& policy, DataPlane plane, Suite suite) {
    auto inputs = std::make_shared<Policy>(policy);
    const auto anybody = [](const PeerIdentity&) { return result<void>(); };
    transport::DdeOptions dde;
    dde.allow_own_process = true;
    auto carrier = plane == DataPlane::dde ? transport::connect_dde(endpoint, anybody, soon(), dde)
                                           : transport::connect_pipe(endpoint, policy.users(), anybody, soon(), {true});
    if (!carrier) return std::nullopt;
    HostilePeer peer;
    peer.carrier = std::move(*carrier);
    peer.policy = inputs;
    protocol::HandshakeContext context;
    context.initiator = true;
    context.policy = inputs.get();
    context.carrier = peer.carrier.get();
    const protocol::ChannelSettings settings;
    context.channel = &settings;
    context.endpoint = {endpoint.scope(), endpoint.name()};
    context.trust = plane == DataPlane::dde ? Trust::challenge : Trust::os_identity;
    context.suite = suite;
    context.data_plane = plane;
    auto handshake = protocol::Handshake::make(context);
    if (!handshake) return std::nullopt;
    protocol::HandshakeOutput out;
    if (!handshake->start(out)) return std::nullopt;
    while (true) {
      if (out.size != 0 && !peer.write(out.view())) return std::nullopt;
      out.size = 0;
      if (handshake->finished()) break;
      std::optional<transport::MessageSender> sender;
      const auto frame = peer.read_frame(sender);
      if (frame.empty() || !handshake->on_frame(frame, sender, out)) return std::nullopt;
    }
    auto session = handshake->take_session();
    if (!session) return std::nullopt;
    peer.session.emplace(std::move(*session));
    return peer;
  }

  bool share_memory() {
    if (!carrier->sender_checks(false)) return false;
    auto segments = protocol::SegmentExchange::make(*session, transport::smallest_ring);
    if (!segments) return false;
    for (;;) {
      const auto need = (*segments)->advance(*carrier, *session);
      if (!need) return false;
      if (*need == protocol::HandshakeNeed::nothing) break;
      const auto readiness = *need == protocol::HandshakeNeed::readable ? transport::Readiness::readable : transport::Readiness::writable;
      if (!carrier->wait(readiness, soon())) return false;
    }
    auto shared = (*segments)->take(std::move(carrier));
    if (!shared) return false;
    carrier = std::move(*shared);
    return true;
  }

  bool read_exactly(std::span<std::byte> into, std::optional<transport::MessageSender>& sender) {
    while (!into.empty()) {
      HandleList handles;
      const auto got = carrier->receive(into, handles, transport::Wait::yes);
      if (!got) return false;
      sender = got->sender;
      into = into.subspan(got->size);
    }
    return true;
  }

  std::shared_ptr<Policy> policy;
};

}  // namespace penstock::test
