// A scope is verified on both sides, whatever the directory's mode already keeps out (ATK-23).
#pragma once

#include "penstock/endpoint.hpp"
#include "penstock/identity.hpp"

namespace penstock::transport {

/// ATK-04: this very process at the other end is not a peer, unless it was asked for.
[[nodiscard]] result<void> check_not_self(const PeerIdentity& peer, const PeerIdentity& self);
/// How it is said.
[[nodiscard]] Failure connected_to_itself();

/// peer_out_of_scope with a sentence, unless `scope` lets the two meet.
[[nodiscard]] result<void> check_scope(Scope scope, const PeerIdentity& peer, const PeerIdentity& self);

}  // namespace penstock::transport
