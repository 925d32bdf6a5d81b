// A peer that is not there, from words: `penstock policy explain FILE uid=1000 executable=/usr/bin/app`.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "penstock/policy.hpp"

namespace penstock::protocol {

/// What the words said. subject() views *this, which must not move while it is in use.
struct DescribedPeer {
  PeerIdentity identity;
  Trust trust = Trust::os_identity;
  std::optional<PublicKey> key;
  std::optional<std::string> executable_sha256;

  [[nodiscard]] Subject subject() const {
    return {identity, trust, key ? &*key : nullptr, executable_sha256 ? &*executable_sha256 : nullptr};
  }
};

/// Each word is KEY=VALUE, each key at most once:
///   user=NAME or uid=N (one of them is required)   group=NAME or gid=N (default: 0xFFFFFFFF, no group)
///   groups=N,N,…                                   supplementary
///   executable=PATH                                the file that stands there now
///   sha256=HEX  fs_verity=HEX                      of that program, as `sha256sum` and `fsverity measure` print them
///   label=TEXT  login_session=N  cgroup=PATH
///   strength=pinned|connected|claimed              default pinned
///   process_key=N                                  default 1; 0 = a kernel that has no such number
///   trust=os-identity|static-key|launch-secret     default static-key with a key, else os-identity
///   key=HEX                                        64 hex digits
/// The identity has no process behind it: it can be explained, and never admitted to anything.
/// invalid_argument, with a sentence that names the word.
[[nodiscard]] result<DescribedPeer> describe_peer(std::span<const std::string> words);

}  // namespace penstock::protocol
