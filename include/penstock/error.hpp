// Every way in which Penstock says no. One enumerator, one row in the closed table
// (protocol/closed_table.hpp): what it ends, what it wipes, what it records.
#pragma once

#include <boost/system/error_code.hpp>
#include <type_traits>

namespace penstock {

/// Reasons, grouped by what they end. Numbers are stable: they appear in audit events and exit codes.
enum class Error {
  none = 0,

  // 1–19: the local side is not set up so that it could be safe. Nothing starts.
  invalid_argument = 1,
  name_invalid = 2,        ///< endpoint name: empty, too long, or outside [A-Za-z0-9._-]
  name_in_use = 3,         ///< a live listener holds this name (ATK-01)
  directory_unsafe = 4,    ///< a path component is a link, or others may write it (ATK-11)
  socket_unsafe = 5,       ///< what stands at the name is not a socket of an expected owner
  not_found = 6,           ///< nobody listens there
  permission_denied = 7,   ///< the operating system refused us
  policy_unreadable = 8,
  policy_unsafe = 9,       ///< others may write the policy file or its directory (ATK-28)
  policy_invalid = 10,
  key_unreadable = 11,
  key_unsafe = 12,         ///< others may read or write the key file
  key_invalid = 13,
  audit_unavailable = 14,  ///< the audit sink cannot record: no new peer is admitted (ATK-28)
  memory_unlocked = 15,    ///< secret memory could not be locked (RLIMIT_MEMLOCK)
  suite_unavailable = 16,  ///< AES-256-GCM asked for, but the processor has no AES
  unsupported = 17,        ///< this platform or kernel cannot prove what was asked for
  launch_invalid = 18,     ///< not started by a Penstock launcher, or its handles are not what was promised

  // 20–39: the operating system did not prove the peer to be one that policy admits.
  peer_unidentified = 20,  ///< the kernel named no process or user
  peer_gone = 21,          ///< the process behind the connection has ended (ATK-06)
  peer_too_weak = 22,      ///< identity strength below what policy asks
  peer_changed = 23,       ///< a handshake message came from another process than the connection (ATK-05)
  peer_ambiguous = 24,     ///< an unmapped (overflow) user of another namespace (ATK-10)
  peer_refused = 25,       ///< no policy rule matches
  peer_out_of_scope = 26,  ///< another login session or user than the scope allows (ATK-23)
  peer_anonymous = 27,     ///< Windows: the client connected so that the server may not learn who it is (ATK-03)

  // 40–59: no keys were agreed.
  handshake_timeout = 40,
  handshake_malformed = 41,
  version_unsupported = 42,
  pattern_refused = 43,    ///< the initiator named a pattern this side does not accept (ATK-25)
  suite_refused = 44,
  handshake_failed = 45,   ///< a handshake tag is wrong: other keys, other prologue, or a relay (ATK-17)
  limit_half_open = 46,    ///< too many unfinished handshakes (ATK-24)
  limit_identity = 47,     ///< this identity has all the channels it may have
  carrier_refused = 48,    ///< the initiator named a carrier for records that this side does not accept (ATK-25)
  segment_invalid = 49,    ///< the peer's shared memory is not what was announced, or could still change its size (ATK-14)

  // 60–79: a record was not what the one open channel must carry next. The channel closes.
  frame_malformed = 60,
  frame_too_large = 61,
  record_forged = 62,      ///< the tag does not verify
  sequence_wrong = 63,     ///< authentic, but not the next one on an ordered carrier; on another, one that follows a loss, or no part of the message under way
  record_replayed = 64,    ///< authentic, but seen before or older than the window
  record_stale = 65,       ///< sent too long ago, or in the future
  epoch_wrong = 66,        ///< authentic header fields name a key epoch that cannot be
  counter_exhausted = 67,  ///< the hard stop before a counter could wrap
  forked = 68,             ///< this process is a fork of the one that owns the keys (ATK-20)

  // 80–99: messages.
  message_malformed = 80,
  message_too_large = 81,
  buffer_too_small = 82,   ///< the caller's buffer; the message is still there for a larger one
  operation_refused = 83,  ///< policy admits the peer, but not this operation
  handles_mismatch = 84,   ///< declared and attached descriptors differ (ATK-12)
  handles_limit = 85,
  call_unknown = 86,       ///< a reply to a call that was never made (ATK-27)
  deadline_exceeded = 87,
  cancelled = 88,
  queue_full = 89,
  would_block = 90,
  buffer_unsealed = 91,    ///< a sealed buffer whose memory could still change, or is not the announced one (ATK-13)

  // 100–: the end of a channel.
  closed = 100,            ///< closed by this side
  closed_by_peer = 101,    ///< an authenticated close record arrived
  truncated = 102,         ///< the carrier ended without an authenticated close, or what was sent before it is not all there (ATK-26)
  io_error = 103,
  resource_exhausted = 104,  ///< out of descriptors, memory or disk
  internal = 105,
};

/// The category "penstock" of boost::system::error_code. Thread-safe, never destroyed.
[[nodiscard]] const boost::system::error_category& error_category() noexcept;

/// The identifier of `error` as it stands in audit events ("peer_refused"). Never null.
[[nodiscard]] const char* error_name(Error error) noexcept;

/// One sentence: what is wrong and what to do about it. Never null.
[[nodiscard]] const char* error_sentence(Error error) noexcept;

[[nodiscard]] inline boost::system::error_code make_error_code(Error error) noexcept {
  return {static_cast<int>(error), error_category()};
}

}  // namespace penstock

template <>
struct boost::system::is_error_code_enum<penstock::Error> : std::true_type {};
