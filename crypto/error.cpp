// One row per enumerator of Error: its name in audit events, and a sentence that says what to do.
#include "penstock/error.hpp"

#include <boost/system/system_error.hpp>
#include <string>

#include "penstock/result.hpp"

namespace penstock {
namespace {

struct Row {
  const char* name;
  const char* sentence;
};

// A switch without a default: an enumerator without a row does not compile (-Wswitch -Werror). What is behind the
// switch is reached only by a number that is no enumerator at all.
constexpr Row row(Error error) noexcept {
  switch (error) {
    case Error::none:
      return {"none", "Nothing went wrong."};

    case Error::invalid_argument:
      return {"invalid_argument", "An argument is outside what the function documents; correct the call."};
    case Error::name_invalid:
      return {"name_invalid", "An endpoint name has 1 to 64 characters of [A-Za-z0-9._-]; choose such a name."};
    case Error::name_in_use:
      return {"name_in_use", "A live listener holds this name; stop it, or choose another name."};
    case Error::directory_unsafe:
      return {
          "directory_unsafe",
          "A component of the path is a link, or others may write it; use a directory that only its owner may write."};
    case Error::socket_unsafe:
      return {"socket_unsafe",
              "What stands at the endpoint's path is not a socket of an expected owner; find out who put it there."};
    case Error::not_found:
      return {"not_found", "Nobody listens at this endpoint; start the listener first."};
    case Error::permission_denied:
      return {"permission_denied", "The operating system refused access; check the user and the directory's mode."};
    case Error::policy_unreadable:
      return {"policy_unreadable",
              "The policy file cannot be read; check that it exists and that this user may read it."};
    case Error::policy_unsafe:
      return {"policy_unsafe", "Others may change the policy file or its directory; take their write permission away."};
    case Error::policy_invalid:
      return {"policy_invalid", "The policy is malformed; correct it and try `penstock policy check` on it."};
    case Error::key_unreadable:
      return {"key_unreadable", "The key file cannot be read; check that it exists and that this user may read it."};
    case Error::key_unsafe:
      return {"key_unsafe", "Others may read or change the key file; run chmod 600 on it, and consider a new key."};
    case Error::key_invalid:
      return {"key_invalid", "The key is malformed or half-written; make a new one with `penstock keygen`."};
    case Error::audit_unavailable:
      return {"audit_unavailable",
              "Audit events cannot be recorded, so no peer is admitted; make room for the audit log."};
    case Error::memory_unlocked:
      return {"memory_unlocked",
              "Memory for secrets cannot be locked; raise RLIMIT_MEMLOCK (ulimit -l, or LimitMEMLOCK= of the unit)."};
    case Error::suite_unavailable:
      return {"suite_unavailable", "This processor cannot run AES-256-GCM; use the suite 25519_ChaChaPoly_BLAKE2b."};
    case Error::unsupported:
      return {"unsupported",
              "This platform or kernel cannot prove what was asked for; ask for less, or use a newer one."};
    case Error::launch_invalid:
      return {"launch_invalid",
              "This process was not started by a Penstock launcher; start it through its application."};

    case Error::peer_unidentified:
      return {"peer_unidentified", "The kernel named no process or user for the peer; it cannot be admitted."};
    case Error::peer_gone:
      return {"peer_gone", "The process behind the connection has ended; let it connect again."};
    case Error::peer_too_weak:
      return {"peer_too_weak", "The peer's identity is weaker than policy asks; see docs/POLICY.md, min_strength."};
    case Error::peer_changed:
      return {"peer_changed",
              "A handshake message came from another process than the connection; the peer is hostile."};
    case Error::peer_ambiguous:
      return {"peer_ambiguous",
              "The peer is an unmapped user of another namespace; map the user, or use one namespace."};
    case Error::peer_refused:
      return {"peer_refused", "No policy rule matches the peer; `penstock policy explain` says what each rule lacked."};
    case Error::peer_anonymous:
      return {"peer_anonymous", "The client connected at anonymous level: let it open the pipe with SECURITY_IDENTIFICATION."};
    case Error::peer_out_of_scope:
      return {"peer_out_of_scope", "The peer is of another login session or user than the endpoint's scope allows."};

    case Error::handshake_timeout:
      return {"handshake_timeout", "The handshake did not end by its deadline; check whether the peer hangs."};
    case Error::handshake_malformed:
      return {"handshake_malformed", "A handshake message has the wrong form; the peer does not speak this protocol."};
    case Error::version_unsupported:
      return {"version_unsupported", "The peer speaks another protocol version; update both ends together."};
    case Error::pattern_refused:
      return {"pattern_refused",
              "The initiator named a Noise pattern that this side does not accept; align both policies."};
    case Error::suite_refused:
      return {"suite_refused", "The initiator named a cipher suite that this side does not accept; align both sides."};
    case Error::handshake_failed:
      return {"handshake_failed",
              "The two ends do not agree on keys, identities or endpoint; a relay may stand between."};
    case Error::limit_half_open:
      return {"limit_half_open", "Too many handshakes are unfinished; try again later, or raise ListenerLimits."};
    case Error::limit_identity:
      return {"limit_identity", "This identity has all the channels it may have; close some, or raise the limit."};
    case Error::carrier_refused:
      return {"carrier_refused", "The initiator asked for shared memory, or for none, and this side does not accept that; align both sides."};
    case Error::segment_invalid:
      return {"segment_invalid", "The peer's shared memory is not what it announced, or could still change its size; use a peer that keeps to the protocol."};

    case Error::frame_malformed:
      return {"frame_malformed", "A frame has the wrong form; the channel is closed, open a new one."};
    case Error::frame_too_large:
      return {"frame_too_large", "A frame is larger than the protocol allows; the channel is closed."};
    case Error::record_forged:
      return {"record_forged", "A record's tag does not verify; the channel is closed, something changed the bytes."};
    case Error::sequence_wrong:
      return {"sequence_wrong",
              "An authentic record is not the next one; the channel is closed, records were lost or moved."};
    case Error::record_replayed:
      return {"record_replayed", "An authentic record came twice or too late; the channel is closed."};
    case Error::record_stale:
      return {"record_stale", "A record was sent too long ago, or in the future; the channel is closed, see max_age."};
    case Error::epoch_wrong:
      return {"epoch_wrong", "A record names a key epoch that cannot be; the channel is closed."};
    case Error::counter_exhausted:
      return {"counter_exhausted", "A counter has reached its hard stop; open a new channel."};
    case Error::forked:
      return {"forked", "This process is a fork of the one that owns the keys; open a channel of its own."};

    case Error::message_malformed:
      return {"message_malformed", "A message has the wrong form; correct the peer that sends it."};
    case Error::message_too_large:
      return {"message_too_large",
              "A message is larger than the receiver allows; send less, or raise max_message there."};
    case Error::buffer_too_small:
      return {"buffer_too_small", "The buffer is too small for the message, which is still there; use a larger one."};
    case Error::operation_refused:
      return {"operation_refused", "Policy admits this peer, but not to this operation; see the rule's `operations`."};
    case Error::handles_mismatch:
      return {"handles_mismatch", "A message declared other handles than it carried; the channel is closed."};
    case Error::handles_limit:
      return {"handles_limit", "A message carries more handles than allowed; send fewer, or raise max_handles."};
    case Error::call_unknown:
      return {"call_unknown", "A reply came to a call that was never made; the channel is closed."};
    case Error::deadline_exceeded:
      return {"deadline_exceeded",
              "The deadline passed before an answer came; the work may or may not have been done."};
    case Error::cancelled:
      return {"cancelled", "The operation was cancelled by its caller."};
    case Error::queue_full:
      return {"queue_full", "The queue is full; receive or wait before sending more."};
    case Error::would_block:
      return {"would_block", "Nothing can be done without waiting; wait for readiness and try again."};
    case Error::buffer_unsealed:
      return {"buffer_unsealed", "The memory of a sealed buffer could still change, or is not the announced one; use a peer that seals it."};

    case Error::closed:
      return {"closed", "This side has closed the channel; open a new one."};
    case Error::closed_by_peer:
      return {"closed_by_peer", "The peer has closed the channel; open a new one."};
    case Error::truncated:
      return {"truncated", "The connection ended without an authentic close; what was under way may be incomplete."};
    case Error::io_error:
      return {"io_error", "The operating system reported an input or output error; see the system's log."};
    case Error::resource_exhausted:
      return {"resource_exhausted", "Descriptors, memory or disk have run out; free some, or raise the limit."};
    case Error::internal:
      return {"internal", "Penstock found its own state inconsistent and stopped; please report it."};
  }
  return {"unknown", "This number is no Penstock error; the two sides may be of different versions."};
}

// Boost's base class has no virtual destructor, on purpose: nobody owns or deletes a category.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wnon-virtual-dtor"
class Category final : public boost::system::error_category {
 public:
  // A fixed id, so that two copies of the library in one process still agree which category this is.
  constexpr Category() noexcept : error_category(0x70656e73746f636bULL) {}
  [[nodiscard]] const char* name() const noexcept override { return "penstock"; }
  [[nodiscard]] std::string message(int value) const override { return error_sentence(static_cast<Error>(value)); }
};
#pragma GCC diagnostic pop

}  // namespace

const boost::system::error_category& error_category() noexcept {
  static constexpr Category category;
  return category;
}

const char* error_name(Error error) noexcept {
  return row(error).name;
}
const char* error_sentence(Error error) noexcept {
  return row(error).sentence;
}

void throw_exception_from_error(const Failure& failure, const boost::source_location& where) {
  const boost::system::error_code code(static_cast<int>(failure.code()), error_category(), &where);
  throw boost::system::system_error(code, std::string(failure.sentence()));
}

}  // namespace penstock
