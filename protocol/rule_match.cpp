#include "protocol/rule_match.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "protocol/policy_system.hpp"

namespace penstock::protocol {
namespace {

bool contains(const std::vector<user_id>& users, const user_id& wanted) noexcept {
  return std::ranges::find(users, wanted) != users.end();
}

std::string listed(const std::vector<user_id>& users) {
  std::string out;
  for (const auto& user : users) out += (out.empty() ? "" : ", ") + to_text(user);
  return out;
}

bool group_matches(const Rule& rule, const PeerIdentity& peer) noexcept {
  if (rule.groups.empty() || contains(rule.groups, peer.gid)) return true;
  return std::ranges::any_of(peer.groups, [&](const user_id& group) { return contains(rule.groups, group); });
}

// A field that the rule sets and the kernel did not tell does not match.
template <class Wanted, class Told>
bool field_matches(const std::optional<Wanted>& wanted, const std::optional<Told>& told) {
  return !wanted || (told && *told == *wanted);
}

bool cgroup_matches(const Rule& rule, const PeerIdentity& peer) {
  if (!rule.cgroup) return true;
  if (!peer.cgroup) return false;
  // A group outside our cgroup namespace is shown as "/../other": it is below nothing that a rule can name.
  if ((*peer.cgroup + '/').find("/../") != std::string::npos) return false;
  if (!rule.cgroup->ends_with("/*")) return *peer.cgroup == *rule.cgroup;
  const auto prefix = std::string_view(*rule.cgroup).substr(0, rule.cgroup->size() - 1);
  return peer.cgroup->size() > prefix.size() && peer.cgroup->starts_with(prefix);
}

// Not the path that the peer shows, which its mount namespace chose, but the file: the one that stands here now.
bool executable_matches(const Rule& rule, const PeerIdentity& peer) {
  if (!rule.executable) return true;
  if (!peer.executable) return false;
  const auto file = find_trusted_program(*rule.executable);
  return file && file->device == peer.executable->device && file->inode == peer.executable->inode;
}

bool fs_verity_matches(const Rule& rule, const PeerIdentity& peer) {
  if (!rule.executable_fs_verity) return true;
  return peer.executable && peer.executable->fs_verity_sha256 == rule.executable_fs_verity;
}

// Binding a process needs a number of that process which both ends see.
bool binding_matches(const Rule& rule, const PeerIdentity& peer, const RuleQuestion& question) noexcept {
  if (question.binding && *question.binding != rule.binding) return false;
  return rule.binding == Binding::user || peer.process_key != 0;
}

// A number that the peer's own message carried never authorises alone, whatever a rule says. Under a challenge it counts as pinned: the
// handshake succeeds only for who read what was put into the claimed process, and nothing is granted before it has.
bool strength_matches(const Rule& rule, const Subject& subject) noexcept {
  const auto strength = subject.identity.strength;
  if (strength != Strength::claimed) return strength >= rule.min_strength;
  if (subject.trust == Trust::challenge) return true;
  return rule.min_strength == Strength::claimed && rule.trust == Trust::static_key;
}

bool key_matches(const Rule& rule, const Subject& subject, const RuleQuestion& question) noexcept {
  if (!question.whole || rule.trust != Trust::static_key) return true;
  return subject.key != nullptr && std::ranges::find(rule.public_keys, *subject.key) != rule.public_keys.end();
}

bool digest_matches(const Rule& rule, const RuleQuestion& question, ProgramFacts& program) {
  if (!question.whole || !rule.executable_sha256) return true;
  return program.sha256() && *program.sha256() == *rule.executable_sha256;
}

bool signature_matches(const Rule& rule, const RuleQuestion& question, ProgramFacts& program) {
  if (!question.whole || !rule.executable_signed) return true;
  return program.is_signed() && *program.is_signed() == *rule.executable_signed;
}

bool integrity_matches(const Rule& rule, const PeerIdentity& peer) noexcept {
  return !rule.min_integrity || (peer.token && peer.token->integrity >= *rule.min_integrity);
}

bool elevation_matches(const Rule& rule, const PeerIdentity& peer) noexcept {
  return !rule.elevated || (peer.token && peer.token->elevated == *rule.elevated);
}

bool app_container_matches(const Rule& rule, const PeerIdentity& peer) {
  if (!rule.app_container) return true;
  return peer.token && peer.token->app_container.value_or("none") == *rule.app_container;
}

// ATK-23: a service meets the programs of a desktop session only where a rule says so.
bool session_admitted(const Rule& rule, const PeerIdentity& peer) noexcept {
  return !peer.other_session || rule.other_sessions || rule.login_session.has_value();
}

template <class T>
std::string told(const std::optional<T>& value) {
  return value ? fmt::format("\"{}\"", *value) : std::string("unknown: the kernel did not tell");
}

std::string explain_executable(const Rule& rule, const PeerIdentity& peer) {
  if (!peer.executable) return "the peer's program is unknown: seeing it needs the same user, or CAP_SYS_PTRACE";
  if (const auto file = find_trusted_program(*rule.executable); !file) return std::string(file.error().sentence());
  return fmt::format("the peer runs \"{}\", which is not the file that stands at \"{}\" now", peer.executable->path,
                     *rule.executable);
}

const char* told_elevation(const PeerIdentity& peer) noexcept {
  if (!peer.token) return "unknown: the kernel did not tell";
  return peer.token->elevated ? "elevated" : "not elevated";
}

std::string explain_signature(const result<bool>& found) {
  if (!found) return fmt::format("whether the peer's program is signed cannot be told: {}", found.error().sentence());
  return *found ? "the peer's program is signed" : "the peer's program is not signed by anybody whom this machine trusts";
}

std::string explain_key(const Subject& subject) {
  if (subject.key == nullptr) return "the peer has proven no key";
  return fmt::format("the peer's key {} is not among the rule's public_keys", subject.key->to_hex());
}

std::string explain_digest(const Rule& rule, const result<std::string>& digest) {
  if (!digest) return fmt::format("the digest of the peer's program is not to be had: {}", digest.error().sentence());
  return fmt::format("the peer's program has the SHA-256 {}, not {}", *digest, *rule.executable_sha256);
}

}  // namespace

const result<std::string>& ProgramFacts::sha256() {
  if (digest_) return *digest_;
  if (subject_.executable_sha256 != nullptr) return digest_.emplace(*subject_.executable_sha256);
  return digest_.emplace(subject_.identity.executable_sha256());
}

const result<bool>& ProgramFacts::is_signed() {
  if (signed_) return *signed_;
  return signed_.emplace(subject_.identity.executable_signed());
}

RuleField first_mismatch(const Rule& rule, const Subject& subject, const RuleQuestion& question,
                         ProgramFacts& program) {
  const auto& peer = subject.identity;
  if (rule.trust != subject.trust) return RuleField::trust;
  if (!rule.users.empty() && !contains(rule.users, peer.uid)) return RuleField::users;
  if (!group_matches(rule, peer)) return RuleField::groups;
  if (!field_matches(rule.login_session, peer.login_session)) return RuleField::login_session;
  if (!session_admitted(rule, peer)) return RuleField::other_session;
  if (!field_matches(rule.label, peer.label)) return RuleField::label;
  if (!cgroup_matches(rule, peer)) return RuleField::cgroup;
  if (!integrity_matches(rule, peer)) return RuleField::integrity;
  if (!elevation_matches(rule, peer)) return RuleField::elevated;
  if (!app_container_matches(rule, peer)) return RuleField::app_container;
  if (!executable_matches(rule, peer)) return RuleField::executable;
  if (!fs_verity_matches(rule, peer)) return RuleField::executable_fs_verity;
  if (!strength_matches(rule, subject)) return RuleField::strength;
  if (!binding_matches(rule, peer, question)) return RuleField::binding;
  if (!key_matches(rule, subject, question)) return RuleField::key;
  if (!digest_matches(rule, question, program)) return RuleField::executable_sha256;
  if (!signature_matches(rule, question, program)) return RuleField::executable_signed;
  return RuleField::none;
}

std::string explain_mismatch(RuleField field, const Rule& rule, const Subject& subject, ProgramFacts& program) {
  const auto& peer = subject.identity;
  switch (field) {
    case RuleField::none:
      return "every field matches";
    case RuleField::trust:
      return fmt::format("trust: the rule asks for {}, the peer comes with {}", to_string(rule.trust),
                         to_string(subject.trust));
    case RuleField::users:
      return fmt::format("users: user {} is not among {}", to_text(peer.uid), listed(rule.users));
    case RuleField::groups:
      return fmt::format("groups: the peer is in none of the groups {}", listed(rule.groups));
    case RuleField::login_session:
      return fmt::format("login_session: the peer's is {}, not \"{}\"", told(peer.login_session), *rule.login_session);
    case RuleField::label:
      return fmt::format("label: the peer's is {}, not \"{}\"", told(peer.label), *rule.label);
    case RuleField::cgroup:
      return fmt::format("cgroup: the peer's is {}, not \"{}\"", told(peer.cgroup), *rule.cgroup);
    case RuleField::executable:
      return fmt::format("executable: {}", explain_executable(rule, peer));
    case RuleField::executable_fs_verity:
      return fmt::format("executable_fs_verity: the peer's is {}, not \"{}\"",
                         told(peer.executable ? peer.executable->fs_verity_sha256 : std::nullopt),
                         *rule.executable_fs_verity);
    case RuleField::binding:
      if (rule.binding == Binding::process && peer.process_key == 0) {
        return "binding: the rule binds the process, which the kernel does not pin (no pidfs, or a process namespace of its own)";
      }
      return fmt::format("binding: the rule binds the {}, the handshake did not", to_string(rule.binding));
    case RuleField::strength:
      return fmt::format("min_strength: the rule asks for {}, the peer's identity is {}", to_string(rule.min_strength),
                         to_string(peer.strength));
    case RuleField::key:
      return fmt::format("public_keys: {}", explain_key(subject));
    case RuleField::executable_sha256:
      return fmt::format("executable_sha256: {}", explain_digest(rule, program.sha256()));
    case RuleField::other_session:
      return fmt::format("login_session: the peer is in session {}, this process in another one; a rule that means it says "
                         "login_session or other_sessions = true",
                         told(peer.login_session));
    case RuleField::integrity:
      return fmt::format("min_integrity: the rule asks for {}, the peer's is {}", to_string(*rule.min_integrity),
                         peer.token ? to_string(peer.token->integrity) : "unknown: the kernel did not tell");
    case RuleField::elevated:
      return fmt::format("elevated: the rule asks for {}, the peer is {}", *rule.elevated, told_elevation(peer));
    case RuleField::app_container:
      return fmt::format("app_container: the rule asks for {}, the peer's is {}", *rule.app_container,
                         peer.token ? peer.token->app_container.value_or("none") : "unknown: the kernel did not tell");
    case RuleField::executable_signed:
      return fmt::format("executable_signed: {}", explain_signature(program.is_signed()));
  }
  return "unknown";
}

}  // namespace penstock::protocol
