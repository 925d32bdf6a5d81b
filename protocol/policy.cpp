#include "penstock/policy.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "protocol/policy_system.hpp"
#include "protocol/rule_check.hpp"
#include "protocol/rule_match.hpp"

namespace penstock {
namespace {

using protocol::first_mismatch;
using protocol::ProgramFacts;
using protocol::RuleField;
using protocol::RuleQuestion;

// As many rules as a refusal's sentence speaks of.
constexpr std::size_t explained_rules = 3;

struct Decision {
  const Rule* rule = nullptr;  // the first that matches
  Failure refusal;             // why none does
};

// A rule that lacked strength alone, or a process to bind.
bool too_weak(RuleField field, const Rule& rule, const Subject& subject) noexcept {
  if (field == RuleField::strength) return true;
  return field == RuleField::binding && rule.binding == Binding::process && subject.identity.process_key == 0;
}

Decision decide(const std::vector<Rule>& rules, const Subject& subject, const RuleQuestion& question) {
  Error refusal = Error::peer_refused;
  std::string reasons;
  std::size_t explained = 0;
  ProgramFacts program(subject);
  for (const auto& rule : rules) {
    const auto field = first_mismatch(rule, subject, question, program);
    if (field == RuleField::none) return {&rule, {}};
    if (too_weak(field, rule, subject)) refusal = Error::peer_too_weak;
    if (explained++ >= explained_rules) continue;
    reasons += fmt::format("; rule \"{}\": {}", rule.name, explain_mismatch(field, rule, subject, program));
  }
  if (explained > explained_rules) reasons += fmt::format("; and {} more", explained - explained_rules);
  return {nullptr, Failure(refusal, "no rule matches" + reasons)};
}

Rule pinned_user(const user_id& user) {
  Rule rule;
  rule.name = "user " + to_text(user);
  rule.users = {user};
  rule.trust = Trust::os_identity;
  rule.operations = {"*"};
  return rule;
}

}  // namespace

const char* to_string(Trust trust) noexcept {
  switch (trust) {
    case Trust::os_identity:
      return "os-identity";
    case Trust::static_key:
      return "static-key";
    case Trust::launch_secret:
      return "launch-secret";
    case Trust::challenge:
      return "challenge";
  }
  return "invalid";
}

result<Trust> parse_trust(std::string_view text) {
  for (const auto trust : {Trust::os_identity, Trust::static_key, Trust::launch_secret, Trust::challenge}) {
    if (text == to_string(trust)) return trust;
  }
  return Failure(
      Error::invalid_argument,
      fmt::format("\"{}\" is no kind of trust; write \"os-identity\", \"static-key\", \"launch-secret\" or \"challenge\"", text));
}

const char* to_string(Binding binding) noexcept {
  switch (binding) {
    case Binding::process:
      return "process";
    case Binding::user:
      return "user";
  }
  return "invalid";
}

const std::string& Admission::rule() const noexcept {
  static const std::string none;
  return rule_ ? rule_->name : none;
}

bool Admission::allows(std::string_view operation) const noexcept {
  if (!rule_) return false;
  return std::ranges::any_of(rule_->operations,
                             [&](const std::string& named) { return named == "*" || named == operation; });
}

const std::vector<Rule>& Policy::rules() const noexcept {
  static const Rules none;
  return rules_ ? *rules_ : none;
}

result<Policy> Policy::of(std::vector<Rule> rules) {
  if (rules.empty()) return Failure(Error::policy_invalid, "no rules: nobody could be admitted; give at least one");
  for (std::size_t index = 0; index < rules.size(); ++index) {
    if (const auto fault = protocol::find_fault(rules[index])) {
      return Failure(Error::policy_invalid, fmt::format("rule {} ({}): {}", index + 1, fault->key, fault->sentence));
    }
  }
  if (const auto fault = protocol::find_fault(std::span<const Rule>(rules))) {
    return Failure(Error::policy_invalid,
                   fmt::format("rule {} ({}): {}", fault->index + 1, fault->fault.key, fault->fault.sentence));
  }
  Policy policy;
  policy.rules_ = std::make_shared<const Rules>(std::move(rules));
  return policy;
}

Policy Policy::user(const user_id& one) {
  Policy policy;
  policy.rules_ = std::make_shared<const Rules>(1, pinned_user(one));
  return policy;
}

Policy Policy::same_user() {
  return user(protocol::effective_user());
}

bool Policy::accepts(Trust trust) const noexcept {
  return std::ranges::any_of(rules(), [&](const Rule& rule) { return rule.trust == trust; });
}

std::vector<user_id> Policy::users() const {
  std::vector<user_id> all;
  for (const auto& rule : rules()) {
    if (rule.users.empty()) return {};
    all.insert(all.end(), rule.users.begin(), rule.users.end());
  }
  std::ranges::sort(all);
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

result<Binding> Policy::precheck(const Subject& subject) const {
  const auto decision = decide(rules(), subject, {});
  if (decision.rule == nullptr) return decision.refusal;
  return decision.rule->binding;
}

result<Admission> Policy::admit(const Subject& subject, Binding binding) const {
  const auto decision = decide(rules(), subject, {.whole = true, .binding = binding});
  if (decision.rule == nullptr) return decision.refusal;
  return Admission(std::shared_ptr<const Rule>(rules_, decision.rule));  // the whole list lives as long as the grant
}

std::vector<RuleVerdict> Policy::explain(const Subject& subject) const {
  // The handshake would be bound as the first rule says that could match, and the others are asked in that light.
  RuleQuestion question{.whole = true, .binding = {}};
  ProgramFacts program(subject);
  if (const auto first = decide(rules(), subject, {}); first.rule != nullptr) question.binding = first.rule->binding;
  std::vector<RuleVerdict> verdicts;
  for (const auto& rule : rules()) {
    const auto field = first_mismatch(rule, subject, question, program);
    verdicts.push_back({rule.name, field == RuleField::none, explain_mismatch(field, rule, subject, program)});
  }
  return verdicts;
}

}  // namespace penstock
