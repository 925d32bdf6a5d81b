// The closed table: what each Error ends, wipes and records, and what the other end sees of it. docs/ERRORS.md is
// written from it. A refusal that is in no row does not compile.
#pragma once

#include <cstdint>
#include <optional>

#include "penstock/audit.hpp"
#include "penstock/error.hpp"

namespace penstock::protocol {

/// What ends. Ordered by how far it reaches.
enum class Effect : std::uint8_t {
  none,            ///< nothing went wrong, or nothing happened yet
  fail_operation,  ///< one operation; everything else goes on
  close_channel,   ///< the channel, for good
  refuse_peer,     ///< the connection, before it was a channel
  refuse_start,    ///< a listener or connector does not start
};

/// What the process at the other end can observe.
enum class PeerSees : std::uint8_t {
  nothing,          ///< not one byte
  connection_ends,  ///< the connection ends, with no word why
  close_record,     ///< an authenticated close, then the end
  refusal,          ///< an authenticated "refused" in place of the reply
};

/// Exit codes of the command `penstock`. Stable. 1 is no error's: commands answer "no" with it.
enum class ExitCode : std::uint8_t {
  ok = 0,
  usage = 2,               ///< the command was called wrongly
  cannot_start = 3,        ///< this side is not set up so that it could be safe
  peer_refused = 4,        ///< we refuse the process at the other end
  not_found = 5,           ///< nobody listens there
  no_keys = 6,             ///< the handshake failed, or the other end refused it
  channel_broken = 7,      ///< an open channel carried what it must not, or was cut
  deadline = 8,            ///< time ran out
  resource = 9,            ///< the system ran out of something, or reported an error
  internal = 10,           ///< Penstock's own mistake
  operation_refused = 11,  ///< this one operation was refused or given up
};

/// One row. It holds where the error is found in what came from the other end, in the kernel's word on it, or in the
/// state of this side. With `also_local` the same error is also the answer to a call of the application's own that asks
/// for too much: then that one call fails and nothing else changes.
struct ClosedRow {
  Error error = Error::none;
  Effect effect = Effect::none;
  bool wipes_keys = false;         ///< every key of the connection, before the caller learns of it
  std::optional<AuditKind> event;  ///< exactly one of it, or none
  ExitCode exit_code = ExitCode::ok;
  PeerSees peer_sees = PeerSees::nothing;
  bool also_local = false;
  const char* note = "";
};

/// The row of `error`; that of Error::internal for a number that is no enumerator.
[[nodiscard]] ClosedRow closed_row(Error error) noexcept;

[[nodiscard]] const char* to_string(Effect effect) noexcept;
[[nodiscard]] const char* to_string(PeerSees sees) noexcept;
/// One line for people: "we refuse the process at the other end".
[[nodiscard]] const char* to_string(ExitCode code) noexcept;

/// What `penstock` ends with when `error` is why.
[[nodiscard]] inline int exit_status(Error error) noexcept {
  return static_cast<int>(closed_row(error).exit_code);
}

}  // namespace penstock::protocol
