// What happened, for those who must be able to say it afterwards. Never a secret, never a payload byte.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "penstock/policy.hpp"

namespace penstock {

enum class AuditKind : std::uint8_t {
  listener_started,
  listener_refused,  ///< a listener did not start: why
  peer_admitted,     ///< a channel was handed out
  peer_refused,      ///< a connection ended before it was a channel: why
  channel_closed,    ///< a channel ended: why
  operation_refused, ///< a request that policy does not allow this peer
  listener_stopped,
  operation_forwarded, ///< a gate passes what it was asked for on to the real program
};
[[nodiscard]] const char* to_string(AuditKind kind) noexcept;

/// One event. Views are valid during record() only.
struct AuditEvent {
  AuditKind kind{};
  const char* role = "";                   ///< "listener" or "connector"
  std::string_view endpoint;
  std::string_view carrier;
  Error reason = Error::none;              ///< none for what went well
  std::string_view detail;                 ///< the failure's sentence, for people
  const PeerIdentity* peer = nullptr;      ///< as far as known
  const PublicKey* peer_key = nullptr;
  const Admission* admission = nullptr;    ///< the rule that decided
  const Trust* trust = nullptr;
  std::string_view suite;                  ///< "25519_AESGCM_SHA256", …
  bytes_view transcript;                   ///< the handshake hash: the same at both ends, names the channel
  std::string_view operation;              ///< operation_refused
  std::uint64_t records_sent = 0, records_received = 0, bytes_sent = 0, bytes_received = 0;  ///< channel_closed
};

/// Where events go. record() is called on the channel's own executor or thread, may be called from several, must be
/// quick, and says whether the event is kept: a failure (audit_unavailable) refuses the peer it was about (ATK-28).
class AuditSink {
 public:
  virtual ~AuditSink() = default;
  [[nodiscard]] virtual result<void> record(const AuditEvent& event) noexcept = 0;
};

/// One JSON object a line, appended with one write(2) each to a regular file (made 0600; refused when others may write it
/// or it is a link). A short write (full disk) is taken back, so that no half line stays; the sink then fails until
/// a later event can be written whole. Fields: docs/AUDIT.md. Thread-safe.
[[nodiscard]] result<std::shared_ptr<AuditSink>> open_json_audit(const std::string& path);
/// The same lines to an open descriptor that the caller keeps, such as standard error.
[[nodiscard]] std::shared_ptr<AuditSink> json_audit_to(native_handle handle);
/// The line that the JSON sinks write, with its newline. `unix_microseconds` and `number` are the event's time and running number.
[[nodiscard]] std::string audit_json(const AuditEvent& event, std::int64_t unix_microseconds, std::uint64_t number);

}  // namespace penstock
