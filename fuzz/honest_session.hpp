// The two ends of a channel after an honest handshake in memory: ours to be tried, the peer's keys for whoever plays it.
#pragma once

#include "fuzz/memory_carrier.hpp"
#include "protocol/handshake.hpp"

namespace penstock::fuzz {

/// Of one message that our end takes.
inline constexpr std::size_t max_message = 4096;

inline const Policy& policy() {
  static const Policy made = [] {
    Rule rule;
    rule.name = "fuzz";
    rule.users = {this_process().uid};
    rule.trust = Trust::os_identity;
    rule.operations = {"a", "message", "buffer"};
    return *Policy::of({rule});
  }();
  return made;
}

inline const std::shared_ptr<const protocol::ChannelSettings>& settings() {
  static const auto made = [] {
    auto small = std::make_shared<protocol::ChannelSettings>();
    small->endpoint_text = "fuzz";
    auto& limits = small->options.limits;
    limits.max_message = max_message;
    limits.inbound_messages = 4;
    limits.inbound_bytes = 8192;
    limits.outbound_bytes = 8192;
    limits.pending_requests = 4;
    limits.pending_calls = 4;
    return std::shared_ptr<const protocol::ChannelSettings>(std::move(small));
  }();
  return made;
}

struct HonestSessions {
  protocol::Session ours, theirs;
};

inline HonestSessions honest_sessions(bool initiator, transport::Carrier& carrier, Suite suite = Suite::chachapoly_blake2b) {
  MemoryCarrier other;
  const auto context = [suite](bool first, transport::Carrier& over) {
    protocol::HandshakeContext made;
    made.initiator = first;
    made.policy = &policy();
    made.carrier = &over;
    made.endpoint = {Scope::user, "fuzz"};
    made.channel = settings().get();
    made.trust = Trust::os_identity;
    made.suite = suite;
    return made;
  };
  const auto& self = this_process();
  const std::optional sender(transport::MessageSender{self.pid, self.uid, self.gid, self.process_key});
  const auto deliver = [&](protocol::HandshakeOutput& from, protocol::Handshake& to, protocol::HandshakeOutput& answer) {
    auto bytes = from.view();
    while (!bytes.empty()) {
      const auto size = protocol::handshake_frame_size(bytes.first<protocol::header_size>());
      require(size.has_value() && to.on_frame(bytes.first(*size), sender, answer), "honest handshake");
      bytes = bytes.subspan(*size);
    }
    from.size = 0;
  };
  auto ours = protocol::Handshake::make(context(initiator, carrier));
  auto theirs = protocol::Handshake::make(context(!initiator, other));
  require(ours && theirs, "make");
  protocol::HandshakeOutput from_initiator;
  protocol::HandshakeOutput from_responder;
  auto& first = initiator ? *ours : *theirs;
  auto& second = initiator ? *theirs : *ours;
  require(first.start(from_initiator).has_value(), "start");
  while (!first.finished() || !second.finished()) {
    deliver(from_initiator, second, from_responder);
    deliver(from_responder, first, from_initiator);
  }
  auto own = ours->take_session();
  auto peer = theirs->take_session();
  require(own && peer, "sessions");
  return {std::move(*own), std::move(*peer)};
}

}  // namespace penstock::fuzz
