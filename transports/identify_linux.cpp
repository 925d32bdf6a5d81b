// What is made of the kernel's answers. Every branch that is not a proof is a refusal.
#include <fmt/format.h>

#include <algorithm>

#include "transports/os_peer_linux.hpp"

namespace penstock::transport {
namespace {

constexpr std::uint32_t nobody_named = 0xFFFFFFFF;  // (uid_t)-1: the socket never had a peer

result<void> check_credentials(const Credentials& peer, const UserNamespace& space) {
  if (peer.uid == nobody_named || peer.gid == nobody_named) {
    return Failure(Error::peer_unidentified,
                   "The kernel names no user for the peer: it is not connected, or has gone.");
  }
  if (peer.pid < 0) {
    return Failure(Error::peer_unidentified,
                   fmt::format("The kernel names the process {} for the peer, which is none.", peer.pid));
  }
  // ATK-10: whoever has no number here is shown as the overflow user, all of them alike.
  const bool overflow = peer.uid == space.overflow_uid || peer.gid == space.overflow_gid;
  if (!space.maps_everyone && overflow) {
    return Failure(
        Error::peer_ambiguous,
        fmt::format("The peer (user {}, group {}) has no number in this user namespace, so it could be anyone: map "
                    "its user and group into it, or run both ends in one namespace.",
                    peer.uid, peer.gid));
  }
  return {};
}

Failure gone(const Credentials& peer) {
  return Failure(Error::peer_gone, fmt::format("The peer's process {} has ended: let it connect again.", peer.pid));
}

}  // namespace

result<PeerIdentity> identify(OsPeer& peer) {
  const auto credentials = peer.credentials();
  if (!credentials) return credentials.error();
  const auto space = peer.user_namespace();
  if (auto usable = check_credentials(*credentials, space); !usable) return usable.error();

  PeerIdentity identity;
  identity.pid = credentials->pid;
  identity.uid = credentials->uid;
  identity.gid = credentials->gid;
  auto groups = peer.groups();
  if (!groups) return groups.error();
  identity.groups = std::move(*groups);
  if (!space.maps_everyone) std::erase(identity.groups, space.overflow_gid);
  std::ranges::sort(identity.groups);
  identity.label = peer.label();

  auto process = peer.process();
  if (!process && process.error() != Error::unsupported) return process.error();
  const auto key = process ? peer.process_key(*process) : 0;
  if (key == 0) {
    // No handle, or one whose number a later process may have again: then nothing in /proc is known to be the peer's.
    if (credentials->pid == 0) {
      return Failure(
          Error::peer_unidentified,
          "The peer is in another process namespace and this kernel has no handle on it: use Linux 6.9 or newer.");
    }
    identity.strength = Strength::connected;
    return identity;
  }
  if (!peer.alive(*process)) return gone(*credentials);
  // ATK-05: then a frame's sender proves nothing about the process, and neither does a handle on it.
  if (!peer.senders_vouched(*process)) {
    if (!peer.alive(*process)) return gone(*credentials);
    identity.strength = Strength::connected;
    return identity;
  }
  auto facts = peer.facts(*process);
  // ATK-04: only if it is alive now was the number its own while /proc was read.
  if (!peer.alive(*process)) return gone(*credentials);

  identity.strength = Strength::pinned;
  identity.process_key = key;
  identity.process = std::move(*process);
  identity.executable = std::move(facts.executable);
  identity.login_session = facts.login_session;
  identity.login_uid = facts.login_uid;
  identity.cgroup = std::move(facts.cgroup);
  return identity;
}

}  // namespace penstock::transport
