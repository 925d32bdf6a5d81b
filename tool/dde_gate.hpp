// The gate without a platform: what it is asked, what it lets through, and what is written down about it.
//
// Who asks is a `claimed` identity: a DDE message names its window, and anybody can write any window's number into one. So nothing
// is let through because of who asks. The identity decides who is not answered at all (another user or session), and stands in the
// events.
#pragma once

#include <memory>

#include "penstock/audit.hpp"
#include "tool/dde_gate_rules.hpp"
#include "tool/token_bucket.hpp"

namespace penstock::tool {

/// One command, as a request on a channel.
struct DdeForward {
  std::string operation;
  std::vector<std::byte> body;  ///< encode_dde_arguments
};

/// failed() may be called by any thread, everything else by one at a time.
class DdeGate {
 public:
  using Time = TokenBucket::Time;

  /// `audit` may be null.
  DdeGate(DdeGateRules rules, std::shared_ptr<AuditSink> audit, Time now);

  [[nodiscard]] const DdeGateRules& rules() const noexcept { return rules_; }
  /// audit_unavailable: then it does not start.
  [[nodiscard]] result<void> started();
  void not_started(const Failure& why);
  void stopped();

  /// One text, or why there is none: all of its commands or none at all. Each command costs a token of the rate, as does a text that is
  /// no command. Refused: queue_full (the rate), message_malformed, message_too_large, operation_refused, audit_unavailable (what
  /// cannot be recorded does not pass, ATK-28). Each refusal is an event, but of those for the rate that follow each other the first
  /// alone, and a count of the others before the next event: who floods the gate does not fill the disk (ATK-24).
  [[nodiscard]] result<std::vector<DdeForward>> admit(const result<std::string>& text, const PeerIdentity& peer, Time now);

  /// Anything else that somebody wanted of the gate and did not get: a conversation, a poke. Recorded within the rate, as above.
  void refuse(AuditKind kind, const Failure& why, const PeerIdentity* peer, Time now);

  /// A command that was let through, and was not done.
  void failed(std::string_view operation, const PeerIdentity& peer, const Failure& why) const;

 private:
  [[nodiscard]] bool spend(std::size_t tokens, const PeerIdentity* peer, Time now);
  result<void> record(AuditKind kind, const Failure& why, const PeerIdentity* peer, std::string_view operation = {}) const;

  const DdeGateRules rules_;
  const std::string place_;  // application|topic
  const std::shared_ptr<AuditSink> audit_;
  TokenBucket bucket_;
  std::uint64_t unrecorded_ = 0;  // refused for the rate since the last event that was not
};

}  // namespace penstock::tool
