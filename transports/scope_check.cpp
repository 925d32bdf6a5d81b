#include "transports/scope_check.hpp"

#include <fmt/format.h>

namespace penstock::transport {

result<void> check_not_self(const PeerIdentity& peer, const PeerIdentity& self) {
  const bool by_key = peer.process_key != 0 && peer.process_key == self.process_key;
  const bool by_number = peer.process_key == 0 && peer.pid == self.pid;
  if (!by_key && !by_number) return {};
  return connected_to_itself();
}

Failure connected_to_itself() {
  return Failure(
      Error::peer_unidentified,
      "This process is connected to itself, which proves nothing about a peer: connect from another process, or set "
      "allow_own_process where one program means to talk with itself.");
}

result<void> check_scope(Scope scope, const PeerIdentity& peer, const PeerIdentity& self) {
  if (scope == Scope::machine) return {};
  if (peer.uid != self.uid) {
    return Failure(
        Error::peer_out_of_scope,
        fmt::format("The peer is user {} and this process user {}: the scope {} is for one user's processes; use the "
                    "scope machine, with a policy, where users should meet.",
                    to_text(peer.uid), to_text(self.uid), to_string(scope)));
  }
  if (scope == Scope::user) return {};
  // An unknown session is nobody's: two of them are not the same one.
  const bool known = peer.login_session.has_value() && self.login_session.has_value();
  if (scope == Scope::session && known && *peer.login_session == *self.login_session) return {};
  return Failure(
      Error::peer_out_of_scope,
      fmt::format(
          "The peer is in login session {} and this process in {}: use the scope user where sessions should meet.",
          peer.login_session ? std::to_string(*peer.login_session) : "unknown",
          self.login_session ? std::to_string(*self.login_session) : "unknown"));
}

}  // namespace penstock::transport
