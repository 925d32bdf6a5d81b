#include "protocol/closed_table.hpp"

namespace penstock::protocol {
namespace {

using E = Error;
using Exit = ExitCode;

// The kinds of row. Each fixes what must go together, so that no single row can forget to wipe or to record.
constexpr ClosedRow nothing(E error, Exit exit, const char* note = "") {
  return {error, Effect::none, false, {}, exit, PeerSees::nothing, true, note};
}
constexpr ClosedRow start(E error, Exit exit, const char* note = "") {
  return {error, Effect::refuse_start, false, AuditKind::listener_refused, exit, PeerSees::nothing, false, note};
}
// Found before there is a listener or a sink that could record it: the caller holds the sentence.
constexpr ClosedRow set_up(E error, Exit exit, const char* note = "") {
  return {error, Effect::refuse_start, false, {}, exit, PeerSees::nothing, false, note};
}
constexpr ClosedRow peer(E error, Exit exit, const char* note = "") {
  return {error, Effect::refuse_peer, true, AuditKind::peer_refused, exit, PeerSees::connection_ends, false, note};
}
constexpr ClosedRow channel(E error, Exit exit, const char* note = "") {
  return {error, Effect::close_channel, true, AuditKind::channel_closed, exit, PeerSees::connection_ends, false, note};
}
constexpr ClosedRow operation(E error, Exit exit, const char* note = "") {
  return {error, Effect::fail_operation, false, {}, exit, PeerSees::nothing, true, note};
}

constexpr ClosedRow refusal(E error, Exit exit, const char* note) {
  return {error, Effect::fail_operation, false, AuditKind::operation_refused, exit, PeerSees::refusal, false, note};
}
constexpr ClosedRow farewell(E error, Exit exit) {
  return {error, Effect::close_channel, true, AuditKind::channel_closed, exit, PeerSees::close_record, false, ""};
}
constexpr ClosedRow locally_too(ClosedRow row) {
  row.also_local = true;
  return row;
}

// clang-format off
// A switch without a default: an enumerator without a row, or with two, does not compile (-Wswitch -Werror).
constexpr ClosedRow row(E error) noexcept {
  switch (error) {
    case E::none: return nothing(error, Exit::ok);

    case E::invalid_argument: return locally_too(start(error, Exit::usage));
    case E::name_invalid: return set_up(error, Exit::usage);
    case E::name_in_use: return start(error, Exit::cannot_start, "The live listener is left alone.");
    case E::directory_unsafe: return start(error, Exit::cannot_start, "A connector sends no byte.");
    case E::socket_unsafe: return start(error, Exit::cannot_start, "A connector sends no byte. Nothing is unlinked.");
    case E::not_found: return set_up(error, Exit::not_found);
    case E::permission_denied: return start(error, Exit::cannot_start);
    case E::policy_unreadable: return set_up(error, Exit::cannot_start);
    case E::policy_unsafe: return set_up(error, Exit::cannot_start);
    case E::policy_invalid: return set_up(error, Exit::cannot_start);
    case E::key_unreadable: return set_up(error, Exit::cannot_start);
    case E::key_unsafe: return set_up(error, Exit::cannot_start);
    case E::key_invalid: return set_up(error, Exit::cannot_start);
    case E::audit_unavailable: return set_up(error, Exit::cannot_start, "The sink fails, so there is no event.");
    case E::memory_unlocked: return start(error, Exit::cannot_start);
    case E::suite_unavailable: return start(error, Exit::cannot_start);
    case E::unsupported: return locally_too(start(error, Exit::cannot_start));
    case E::launch_invalid: return set_up(error, Exit::cannot_start);

    case E::peer_unidentified: return peer(error, Exit::peer_refused);
    case E::peer_gone: return peer(error, Exit::peer_refused);
    case E::peer_too_weak: return peer(error, Exit::peer_refused);
    case E::peer_changed: return peer(error, Exit::peer_refused);
    case E::peer_ambiguous: return peer(error, Exit::peer_refused);
    case E::peer_refused: return peer(error, Exit::peer_refused);
    case E::peer_out_of_scope: return peer(error, Exit::peer_refused);
    case E::peer_anonymous: return peer(error, Exit::peer_refused);

    case E::handshake_timeout: return peer(error, Exit::deadline);
    case E::handshake_malformed: return peer(error, Exit::no_keys);
    case E::version_unsupported: return peer(error, Exit::no_keys);
    case E::pattern_refused: return peer(error, Exit::no_keys, "No second attempt with less.");
    case E::suite_refused: return peer(error, Exit::no_keys, "No second attempt with less.");
    case E::handshake_failed: return peer(error, Exit::no_keys);
    case E::limit_half_open: return peer(error, Exit::no_keys);
    case E::limit_identity: return peer(error, Exit::no_keys);
    case E::carrier_refused: return peer(error, Exit::no_keys, "No second attempt over another carrier.");
    case E::segment_invalid: return peer(error, Exit::no_keys, "What came is unmapped and closed.");

    case E::frame_malformed: return channel(error, Exit::channel_broken);
    case E::frame_too_large: return channel(error, Exit::channel_broken);
    case E::record_forged: return channel(error, Exit::channel_broken, "No state has moved when it is found.");
    case E::sequence_wrong: return channel(error, Exit::channel_broken);
    case E::record_replayed: return channel(error, Exit::channel_broken);
    case E::record_stale: return channel(error, Exit::channel_broken);
    case E::epoch_wrong: return channel(error, Exit::channel_broken);
    case E::counter_exhausted: return channel(error, Exit::resource);
    case E::forked: return channel(error, Exit::internal, "In the child alone; the parent's channel goes on.");

    case E::message_malformed: return locally_too(channel(error, Exit::channel_broken));
    case E::message_too_large: return locally_too(channel(error, Exit::operation_refused));
    case E::buffer_too_small: return operation(error, Exit::operation_refused, "The message waits for a larger one.");
    case E::operation_refused: return refusal(error, Exit::operation_refused, "A one-way message: the channel closes.");
    case E::handles_mismatch: return channel(error, Exit::channel_broken, "Handles that came are closed.");
    case E::handles_limit: return locally_too(channel(error, Exit::operation_refused, "Handles that came are closed."));
    case E::call_unknown: return channel(error, Exit::channel_broken);
    case E::deadline_exceeded: return operation(error, Exit::deadline, "The peer is told that a call was given up.");
    case E::cancelled: return operation(error, Exit::operation_refused, "The peer is told that a call was given up.");
    case E::queue_full: return operation(error, Exit::resource, "A peer that reads no answers loses the channel.");
    case E::would_block: return nothing(error, Exit::internal, "The command never ends with it: it waits.");
    case E::buffer_unsealed: return channel(error, Exit::channel_broken, "Handles that came are closed.");

    case E::closed: return farewell(error, Exit::ok);
    case E::closed_by_peer: return channel(error, Exit::ok);
    case E::truncated: return channel(error, Exit::channel_broken);
    case E::io_error: return channel(error, Exit::resource);
    case E::resource_exhausted: return locally_too(channel(error, Exit::resource));
    case E::internal: return channel(error, Exit::internal);
  }
  return channel(E::internal, Exit::internal);
}

// clang-format on

// The rules between columns, for every row at compile time.
constexpr bool consistent(const ClosedRow& row) {
  switch (row.effect) {
    case Effect::none:
      return !row.wipes_keys && !row.event && row.peer_sees == PeerSees::nothing;
    case Effect::fail_operation:
      return !row.wipes_keys;
    case Effect::close_channel:
      return row.wipes_keys && row.event == AuditKind::channel_closed;
    case Effect::refuse_peer:
      return row.wipes_keys && row.event == AuditKind::peer_refused;
    case Effect::refuse_start:
      return !row.wipes_keys && row.peer_sees == PeerSees::nothing;
  }
  return false;
}
constexpr bool all_consistent() {
  for (int number = 0; number <= static_cast<int>(E::internal); ++number) {
    if (!consistent(row(static_cast<E>(number)))) return false;
  }
  return true;
}
static_assert(all_consistent());

}  // namespace

ClosedRow closed_row(Error error) noexcept {
  return row(error);
}

const char* to_string(Effect effect) noexcept {
  switch (effect) {
    case Effect::none:
      return "nothing";
    case Effect::fail_operation:
      return "the operation fails";
    case Effect::close_channel:
      return "the channel closes";
    case Effect::refuse_peer:
      return "the peer is refused";
    case Effect::refuse_start:
      return "nothing starts";
  }
  return "unknown";
}

const char* to_string(PeerSees sees) noexcept {
  switch (sees) {
    case PeerSees::nothing:
      return "nothing";
    case PeerSees::connection_ends:
      return "the connection ends";
    case PeerSees::close_record:
      return "an authenticated close";
    case PeerSees::refusal:
      return "an authenticated refusal";
  }
  return "unknown";
}

const char* to_string(ExitCode code) noexcept {
  switch (code) {
    case ExitCode::ok:
      return "done";
    case ExitCode::usage:
      return "the command was called wrongly";
    case ExitCode::cannot_start:
      return "this side is not set up so that it could be safe; nothing was started";
    case ExitCode::peer_refused:
      return "the process at the other end is not one that our policy admits";
    case ExitCode::not_found:
      return "nobody listens there";
    case ExitCode::no_keys:
      return "the handshake failed, or the other end refused it";
    case ExitCode::channel_broken:
      return "the channel carried what it must not, or was cut";
    case ExitCode::deadline:
      return "time ran out";
    case ExitCode::resource:
      return "the system ran out of something, or reported an error";
    case ExitCode::internal:
      return "Penstock's own mistake; please report it";
    case ExitCode::operation_refused:
      return "this one operation was refused or given up";
  }
  return "unknown";
}

}  // namespace penstock::protocol
