// The handshake's prologue: everything both ends must agree on without having said it to each other.
// A relay between two genuine processes makes the two prologues differ, so that no key is ever agreed (ATK-17).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "penstock/endpoint.hpp"
#include "protocol/suite.hpp"
#include "transports/carrier.hpp"

namespace penstock::protocol {

/// The four bytes in front of the first Noise message: what the initiator chose. There is no list to negotiate.
struct Preamble {
  Trust trust{};
  Suite suite{};
  std::uint8_t carrier = 0;
  Binding binding{};
};
inline constexpr std::size_t preamble_size = 4;

void encode(const Preamble& preamble, std::span<std::byte, preamble_size> out) noexcept;
/// pattern_refused, suite_refused, handshake_malformed for values that do not exist.
[[nodiscard]] result<Preamble> decode_preamble(std::span<const std::byte, preamble_size> bytes) noexcept;

/// What an endpoint contributes. An inherited channel has no name: `name` is empty and `scope` none.
struct EndpointBinding {
  std::optional<Scope> scope;
  std::string name;
};

/// The prologue's bytes (docs/PROTOCOL.md, "Prologue"). peer_too_weak when `preamble.binding` is process and one of the two has
/// no process key.
[[nodiscard]] result<std::vector<std::byte>> make_prologue(const Preamble& preamble, const EndpointBinding& endpoint,
                                                           const PeerIdentity& initiator, const PeerIdentity& responder);

}  // namespace penstock::protocol
