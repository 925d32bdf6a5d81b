#include "protocol/proof.hpp"

namespace penstock::protocol {

result<PeerVerified> PeerVerified::verify(const Policy& policy, const Subject& subject, Binding binding) {
  auto admission = policy.admit(subject, binding);
  if (!admission) return admission.error();
  // A peer that is only `connected`, or claimed beside a key, has no process to ask after; policy has just accepted that.
  if (subject.identity.strength == Strength::pinned || subject.trust == Trust::challenge) {
    if (auto same = subject.identity.check_same_program(); !same) return same.error();
    if (auto alive = subject.identity.check_alive(); !alive) return alive.error();
  }
  return PeerVerified(std::move(*admission));
}

}  // namespace penstock::protocol
