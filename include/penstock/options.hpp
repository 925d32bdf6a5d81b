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

/// What carries the records once both ends are proven. The handshake always runs over the pipe (or the inherited connection), and what
/// the connecting end asks for here is part of what both must agree on: there is no falling back to the other.
///
/// `shared_memory`: records go through two rings in memory that each end writes one of and can only read the other of; the pipe
/// stays for handles and wake-ups. No system call for a message while the other end is awake. Costs memory (Limits::ring_bytes for each end)
/// and one mapping more of each channel. Linux 5.1 and later; on Windows between processes that may pass each other handles.
///
/// `dde`: everything runs over Dynamic Data Exchange, handshake and all, and no pipe is there. Windows alone, within one desktop session, for
/// joining what speaks nothing else. Who is at the other end is only claimed there: Trust::challenge, or Trust::static_key with a rule of
/// min_strength claimed. No handles, and no promise of order beyond one message. Connecting blocks the calling thread, async_connect() too, while the windows of the desktop
/// are asked and the listener's answers: 12 seconds at most, or the deadline. docs/DDE.md says what it is for, and that it is no boundary within a session.
enum class DataPlane : std::uint8_t { pipe, shared_memory, dde };

/// What every channel is made with, whichever side makes it.
struct ChannelOptions {
  Limits limits;
  RekeyPolicy rekey;
  WaitProfile wait = WaitProfile::blocking;
  /// The longest poll before a sleep, for WaitProfile::latency, and over shared memory in the middle of a message of several records,
  /// whose other end is at work on the rest. It adapts between none and this; 0 never polls.
  std::chrono::nanoseconds poll_limit{20'000};
};

struct ConnectOptions {
  /// Who may be the server. Checked before one byte is sent (ATK-01).
  Policy policy;
  /// Names exactly one pattern; the listener takes it or the connection ends. There is no second try with less (ATK-25).
  Trust trust = Trust::os_identity;
  Suite suite = Suite::automatic;
  DataPlane data_plane = DataPlane::pipe;
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
  bool allow_pipe = true;                    ///< the data planes accepted from an initiator: carrier_refused else
  bool allow_shared_memory = false;
  bool allow_dde = false;                    ///< also answers for this name over DDE. Windows; unsupported elsewhere
  std::shared_ptr<const StaticKeys> keys;    ///< needed when a rule asks for Trust::static_key
  std::shared_ptr<AuditSink> audit;          ///< may be null. Set: what it cannot record is refused (ATK-28)
  ListenerLimits limits;
  ChannelOptions channel;
  bool allow_own_process = false;
};

}  // namespace penstock
