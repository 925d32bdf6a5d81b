// What a listener and a connector are told. Both insist on a policy: there is no default peer.
#pragma once

#include <memory>

#include "penstock/audit.hpp"
#include "penstock/keys.hpp"
#include "penstock/limits.hpp"
#include "penstock/policy.hpp"

namespace penstock {

/// The cipher suite. `automatic`: AES-256-GCM where this processor has AES (both ends share it), else ChaCha20-Poly1305.
enum class Suite : std::uint8_t { automatic = 0, aesgcm_sha256 = 1, chachapoly_blake2b = 2 };

/// What every channel is made with, whichever side makes it.
struct ChannelOptions {
  Limits limits;
  RekeyPolicy rekey;
  WaitProfile wait = WaitProfile::blocking;
};

struct ConnectOptions {
  /// Who may be the server. Checked before one byte is sent (ATK-01).
  Policy policy;
  /// Names exactly one pattern; the listener takes it or the connection ends. There is no second try with less (ATK-25).
  Trust trust = Trust::os_identity;
  Suite suite = Suite::automatic;
  std::shared_ptr<const StaticKeys> keys;    ///< Trust::static_key
  std::shared_ptr<AuditSink> audit;          ///< may be null
  std::chrono::milliseconds deadline{5'000}; ///< from the call to the channel
  ChannelOptions channel;
  bool allow_own_process = false;            ///< let a process talk with itself; else peer_unidentified (ATK-04)
};

struct ListenOptions {
  /// Who may connect. Its rules say which kinds of trust are accepted.
  Policy policy;
  bool allow_chachapoly = true;              ///< the suites accepted from an initiator
  bool allow_aesgcm = true;
  std::shared_ptr<const StaticKeys> keys;    ///< needed when a rule asks for Trust::static_key
  std::shared_ptr<AuditSink> audit;          ///< may be null. Set: what it cannot record is refused (ATK-28)
  ListenerLimits limits;
  ChannelOptions channel;
  bool allow_own_process = false;
};

}  // namespace penstock
