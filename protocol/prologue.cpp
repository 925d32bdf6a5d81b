#include "protocol/prologue.hpp"

#include "protocol/header.hpp"
#include "protocol/policy_system.hpp"
#include "protocol/wire.hpp"

namespace penstock::protocol {
namespace {

constexpr std::string_view prologue_label = "Penstock/1";
constexpr std::byte no_scope{0xFF};

// Wire numbers, apart from the C++ enumerators so that these may be reordered without a new protocol.
constexpr std::uint8_t wire_pattern(Trust trust) noexcept {
  switch (trust) {
    case Trust::os_identity: return 1;
    case Trust::static_key: return 2;
    case Trust::launch_secret: return 3;
    case Trust::challenge: return 4;
  }
  return 0;
}

constexpr std::uint8_t wire_binding(Binding binding) noexcept { return binding == Binding::process ? 1 : 2; }

std::byte wire_scope(const std::optional<Scope>& scope) noexcept {
  return scope ? static_cast<std::byte>(*scope) : no_scope;
}

// Under a challenge the process is claimed until this very prologue's keys prove it.
result<std::uint64_t> bound_number(const Preamble& preamble, const PeerIdentity& identity) {
  if (preamble.binding == Binding::user) return user_number(identity.uid);
  const bool process = identity.strength == Strength::pinned || preamble.trust == Trust::challenge;
  if (!process || identity.process_key == 0) return Error::peer_too_weak;
  return identity.process_key;
}

}  // namespace

void encode(const Preamble& preamble, std::span<std::byte, preamble_size> out) noexcept {
  out[0] = std::byte{wire_pattern(preamble.trust)};
  out[1] = static_cast<std::byte>(preamble.suite);
  out[2] = std::byte{preamble.carrier};
  out[3] = std::byte{wire_binding(preamble.binding)};
}

result<Preamble> decode_preamble(std::span<const std::byte, preamble_size> bytes) noexcept {
  Preamble preamble;
  switch (std::to_integer<std::uint8_t>(bytes[0])) {
    case 1: preamble.trust = Trust::os_identity; break;
    case 2: preamble.trust = Trust::static_key; break;
    case 3: preamble.trust = Trust::launch_secret; break;
    case 4: preamble.trust = Trust::challenge; break;
    default: return Error::pattern_refused;
  }
  switch (std::to_integer<std::uint8_t>(bytes[1])) {
    case 1: preamble.suite = Suite::aesgcm_sha256; break;
    case 2: preamble.suite = Suite::chachapoly_blake2b; break;
    default: return Error::suite_refused;
  }
  preamble.carrier = std::to_integer<std::uint8_t>(bytes[2]);
  switch (std::to_integer<std::uint8_t>(bytes[3])) {
    case 1: preamble.binding = Binding::process; break;
    case 2: preamble.binding = Binding::user; break;
    default: return Error::handshake_malformed;
  }
  return preamble;
}

result<std::vector<std::byte>> make_prologue(const Preamble& preamble, const EndpointBinding& endpoint,
                                             const PeerIdentity& initiator, const PeerIdentity& responder) {
  const auto initiator_number = bound_number(preamble, initiator);
  if (!initiator_number) return initiator_number.error();
  const auto responder_number = bound_number(preamble, responder);
  if (!responder_number) return responder_number.error();

  const auto label = as_bytes(prologue_label);
  const auto name = as_bytes(endpoint.name);
  std::vector<std::byte> out(label.size() + 1 + preamble_size + 2 + name.size() + 16);
  auto* at = std::copy(label.begin(), label.end(), out.data());
  *at++ = std::byte{protocol_version};
  encode(preamble, std::span<std::byte, preamble_size>(at, preamble_size));
  at += preamble_size;
  *at++ = wire_scope(endpoint.scope);
  *at++ = static_cast<std::byte>(name.size());
  at = std::copy(name.begin(), name.end(), at);
  put(at, *initiator_number);
  put(at + 8, *responder_number);
  return out;
}

}  // namespace penstock::protocol
