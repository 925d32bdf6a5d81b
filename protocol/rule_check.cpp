#include "protocol/rule_check.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "protocol/message_header.hpp"
#include "protocol/policy_system.hpp"
#include "protocol/utf8.hpp"

namespace penstock::protocol {
namespace {

using Fault = std::optional<RuleFault>;

constexpr std::size_t longest_name = 64;
constexpr std::size_t longest_text = 4096;
// An audit session that was never set.
constexpr std::uint32_t no_number = 0xFFFFFFFF;

bool printable(std::string_view text) noexcept {
  while (!text.empty()) {
    const auto point = first_code_point(text);
    if (point.size == 0 || acts_on_display(point.value)) return false;
    text.remove_prefix(point.size);
  }
  return true;
}

bool lower_hex_64(std::string_view text) noexcept {
  const auto digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  return text.size() == 64 && std::ranges::all_of(text, digit);
}

Fault name_fault(const Rule& rule) {
  if (rule.name.empty() || rule.name.size() > longest_name || !printable(rule.name)) {
    return RuleFault{"name",
                     "a rule's name has 1 to 64 bytes of printable text; choose one, it stands in audit events"};
  }
  return {};
}

// A number past the last enumerator can only come from code; it must not be taken for the weakest or the strongest.
Fault enumerator_fault(const Rule& rule) {
  if (rule.trust > Trust::challenge) return RuleFault{"trust", "no such kind of trust; use an enumerator of Trust"};
  if (rule.binding > Binding::user) return RuleFault{"binding", "no such binding; use an enumerator of Binding"};
  if (rule.min_integrity > Integrity::system) {
    return RuleFault{"min_integrity", "no such integrity level; use an enumerator of Integrity"};
  }
  if (rule.min_strength > Strength::pinned) {
    return RuleFault{"min_strength", "no such strength; use an enumerator of Strength"};
  }
  return {};
}

Fault size_fault(const char* key, std::size_t size) {
  if (size <= max_entries) return {};
  return RuleFault{key, fmt::format("more than {} entries; use a group, or split the rule", max_entries)};
}

Fault users_fault(const char* key, const std::vector<user_id>& users) {
  if (auto fault = size_fault(key, users.size())) return fault;
  for (auto at = users.begin(); at != users.end(); ++at) {
    if (*at == no_user) return RuleFault{key, fmt::format("{} means nobody; write a real one", to_text(*at))};
    if (std::find(users.begin(), at, *at) != at)
      return RuleFault{key, fmt::format("{} stands there twice; take one out", to_text(*at))};
  }
  return {};
}

Fault digest_fault(const char* key, const std::optional<std::string>& digest) {
  if (!digest || lower_hex_64(*digest)) return {};
  return RuleFault{key, "a SHA-256 is written as 64 lower-case hex digits, as `sha256sum` prints it; correct it"};
}

Fault program_fault(const Rule& rule) {
  if (!rule.executable) return {};
  const auto program = find_trusted_program(*rule.executable);
  if (program) return {};
  return RuleFault{"executable", std::string(program.error().sentence())};
}

Fault text_fault(const Rule& rule) {
  if (rule.label && (rule.label->empty() || rule.label->size() > longest_text || !printable(*rule.label))) {
    return RuleFault{"label", "a label is 1 to 4096 bytes of printable text; write it as the kernel shows it"};
  }
  if (rule.login_session == no_number) {
    return RuleFault{"login_session",
                     "4294967295 means that no session was set; write a real one (see /proc/self/sessionid)"};
  }
  if (rule.executable_signed == false) {
    return RuleFault{"executable_signed", "that nobody signed a program cannot be shown; write true, or take it out"};
  }
  if (rule.app_container && *rule.app_container != "none" && !rule.app_container->starts_with("S-1-15-2-")) {
    return RuleFault{"app_container", "an AppContainer is named by its SID, which begins with S-1-15-2-; write that, or \"none\""};
  }
  if (!rule.cgroup) return {};
  const auto& path = *rule.cgroup;
  const auto star = path.find('*');
  const bool star_at_end = star == std::string::npos || (star + 1 == path.size() && path.ends_with("/*"));
  const bool climbs = (path + '/').find("/../") != std::string::npos;
  if (!path.starts_with('/') || path.size() > longest_text || !printable(path) || !star_at_end || climbs) {
    return RuleFault{"cgroup",
                     "a cgroup is an absolute path of at most 4096 bytes without \"..\", exact or ending in \"/*\"; "
                     "write it as /proc/PID/cgroup shows it after \"0::\""};
  }
  return {};
}

Fault key_fault(const Rule& rule) {
  const auto& keys = rule.public_keys;
  if (rule.trust == Trust::static_key && keys.empty()) {
    return RuleFault{"trust", "trust \"static-key\" needs public_keys; list the peer's (`penstock keygen` prints it)"};
  }
  if (rule.trust != Trust::static_key && !keys.empty()) {
    return RuleFault{"public_keys",
                     fmt::format("trust \"{}\" proves no key, so these would never be looked at; take them out, "
                                 "or write trust = \"static-key\"",
                                 to_string(rule.trust))};
  }
  if (auto fault = size_fault("public_keys", keys.size())) return fault;
  for (auto at = keys.begin(); at != keys.end(); ++at) {
    if (*at == PublicKey()) return RuleFault{"public_keys", "a key of zeros is nobody's; write the peer's public key"};
    if (std::find(keys.begin(), at, *at) != at) {
      return RuleFault{"public_keys", fmt::format("{} stands there twice; take one out", at->to_hex())};
    }
  }
  return {};
}

Fault strength_fault(const Rule& rule) {
  if (rule.min_strength == Strength::pinned) return {};
  if (rule.min_strength == Strength::claimed && rule.trust != Trust::static_key) {
    return RuleFault{"min_strength",
                     "what a peer only claims never authorises alone; write \"pinned\" or \"connected\", or use keys "
                     "(trust = \"static-key\")"};
  }
  if (rule.trust == Trust::os_identity || rule.trust == Trust::challenge) {
    return RuleFault{"min_strength",
                     fmt::format("trust \"{}\" stands on the process alone and needs \"pinned\"; take "
                                 "min_strength out, or use keys (trust = \"static-key\")",
                                 to_string(rule.trust))};
  }
  if (rule.binding == Binding::process) {
    return RuleFault{"min_strength",
                     fmt::format("a peer that is only \"{}\" has no process to bind; add binding = \"user\", or take "
                                 "min_strength out",
                                 to_string(rule.min_strength))};
  }
  return {};
}

Fault operations_fault(const Rule& rule) {
  const auto& names = rule.operations;
  if (names.empty()) {
    return RuleFault{"operations", "no operations are granted; list them, or write [\"*\"] for all"};
  }
  if (auto fault = size_fault("operations", names.size())) return fault;
  for (auto at = names.begin(); at != names.end(); ++at) {
    if (*at == "*" && names.size() > 1) return RuleFault{"operations", "\"*\" grants all; let it stand alone"};
    if (*at != "*" && !valid_operation(*at)) {
      return RuleFault{"operations",
                       "an operation's name has 1 to 64 of A-Z a-z 0-9 . _ / -; correct it, or write \"*\" alone"};
    }
    if (std::find(names.begin(), at, *at) != at) {
      return RuleFault{"operations", fmt::format("\"{}\" stands there twice; take one out", *at)};
    }
  }
  return {};
}

}  // namespace

std::optional<RuleFault> find_fault(const Rule& rule) {
  if (auto fault = name_fault(rule)) return fault;
  if (auto fault = enumerator_fault(rule)) return fault;
  if (auto fault = users_fault("users", rule.users)) return fault;
  if (auto fault = users_fault("groups", rule.groups)) return fault;
  if (auto fault = digest_fault("executable_sha256", rule.executable_sha256)) return fault;
  if (auto fault = digest_fault("executable_fs_verity", rule.executable_fs_verity)) return fault;
  if (auto fault = text_fault(rule)) return fault;
  if (auto fault = key_fault(rule)) return fault;
  if (auto fault = strength_fault(rule)) return fault;
  if (auto fault = operations_fault(rule)) return fault;
  return program_fault(rule);
}

std::optional<ListFault> find_fault(std::span<const Rule> rules) {
  if (rules.size() > max_rules) {
    return ListFault{max_rules, {"rule", fmt::format("more than {} rules; merge some", max_rules)}};
  }
  for (std::size_t index = 0; index < rules.size(); ++index) {
    const auto same_name = [&](const Rule& earlier) { return earlier.name == rules[index].name; };
    if (std::ranges::any_of(rules.first(index), same_name)) {
      return ListFault{index,
                       {"name", fmt::format("another rule is called \"{}\" too; audit events must be able to tell them "
                                            "apart, so rename one",
                                            rules[index].name)}};
    }
  }
  return {};
}

}  // namespace penstock::protocol
