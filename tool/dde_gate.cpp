#include "tool/dde_gate.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace penstock::tool {

DdeGate::DdeGate(DdeGateRules rules, std::shared_ptr<AuditSink> audit, Time now)
    : rules_(std::move(rules)),
      place_(rules_.application + '|' + rules_.topic),
      audit_(std::move(audit)),
      bucket_(rules_.per_second, rules_.burst, now) {}

result<void> DdeGate::started() { return record(AuditKind::listener_started, {}, nullptr); }

void DdeGate::not_started(const Failure& why) { (void)record(AuditKind::listener_refused, why, nullptr); }

void DdeGate::stopped() { (void)record(AuditKind::listener_stopped, {}, nullptr); }

result<std::vector<DdeForward>> DdeGate::admit(const result<std::string>& text, const PeerIdentity& peer, Time now) {
  const auto commands = text ? parse_dde_commands(*text) : result<std::vector<DdeCommand>>(text.error());
  if (!spend(commands ? commands->size() : 1, &peer, now)) return Error::queue_full;
  const auto refused = [&](const Failure& why, std::string_view operation) -> Failure {
    (void)record(AuditKind::operation_refused, why, &peer, operation);
    return why;
  };
  if (!commands) return refused(commands.error(), {});
  std::vector<DdeForward> out;
  for (const auto& command : *commands) {
    const auto rule = rules_.check(command);
    if (!rule) return refused(rule.error(), command.name);
    out.push_back({(*rule)->operation, encode_dde_arguments(command.arguments)});
  }
  for (const auto& one : out) {
    if (auto recorded = record(AuditKind::operation_forwarded, {}, &peer, one.operation); !recorded) return recorded.error();
  }
  return out;
}

void DdeGate::refuse(AuditKind kind, const Failure& why, const PeerIdentity* peer, Time now) {
  if (spend(1, peer, now)) (void)record(kind, why, peer);
}

void DdeGate::failed(std::string_view operation, const PeerIdentity& peer, const Failure& why) const {
  (void)record(AuditKind::operation_refused, why, &peer, operation);
}

bool DdeGate::spend(std::size_t tokens, const PeerIdentity* peer, Time now) {
  if (bucket_.take(tokens, now)) {
    const auto others = std::exchange(unrecorded_, 0);
    if (others < 2) return true;
    const Failure why(Error::queue_full, fmt::format("{} more were refused for the rate.", others - 1));
    (void)record(AuditKind::operation_refused, why, nullptr);
    return true;
  }
  if (unrecorded_++ == 0) (void)record(AuditKind::operation_refused, Failure(Error::queue_full, "More than the rate allows."), peer);
  return false;
}

result<void> DdeGate::record(AuditKind kind, const Failure& why, const PeerIdentity* peer, std::string_view operation) const {
  if (audit_ == nullptr) return {};
  AuditEvent event;
  event.kind = kind;
  event.role = "gate";
  event.endpoint = place_;
  event.carrier = "dde";
  event.reason = why.code();
  if (why.code() != Error::none) event.detail = why.sentence();
  event.peer = peer;
  event.operation = operation;
  return audit_->record(event);
}

}  // namespace penstock::tool
