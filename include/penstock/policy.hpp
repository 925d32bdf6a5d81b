// Who may be at the other end, and what they may ask for. No rule matches: refused.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "penstock/identity.hpp"
#include "penstock/keys.hpp"
#include "penstock/result.hpp"

namespace penstock {

/// What the keys of a channel stand on; chooses the Noise pattern (docs/PROTOCOL.md, "Handshake").
enum class Trust : std::uint8_t {
  os_identity,    ///< NN: both ends pinned by the kernel; no keys to manage
  static_key,     ///< XX: both ends own a key that the other's policy names
  launch_secret,  ///< NNpsk0: a helper started by its application
  challenge,      ///< NNpsk0: over a carrier whose peer is only claimed (DDE): a secret that was put into the claimed process
};
[[nodiscard]] const char* to_string(Trust trust) noexcept;
[[nodiscard]] result<Trust> parse_trust(std::string_view text);

/// What of an identity goes into the handshake's prologue.
enum class Binding : std::uint8_t {
  process,  ///< the very process: both ends must see the same process numbers (same kernel, pidfs)
  user,     ///< the user alone: weaker, for kernels without pidfs; said in the audit event
};
[[nodiscard]] const char* to_string(Binding binding) noexcept;

/// One rule. Every field that is set must match; a field that is set and that the kernel would not tell does not match.
struct Rule {
  std::string name;                               ///< for people and audit events; 1–64 characters, unique in the policy
  std::vector<user_id> users;                     ///< any of these; empty = any user
  std::vector<user_id> groups;                    ///< primary or supplementary; any of these; empty = any
  std::optional<std::string> executable;          ///< path; compared by device and inode of the file that stands there now
  std::optional<std::string> executable_sha256;   ///< 64 lower-case hex digits
  std::optional<std::string> executable_fs_verity;///< 64 lower-case hex digits
  std::optional<std::string> label;               ///< LSM label, exact
  std::optional<std::uint32_t> login_session;
  std::optional<std::string> cgroup;              ///< exact, or a prefix that ends in "/*"
  std::optional<Integrity> min_integrity;         ///< Windows: at least this level
  std::optional<bool> elevated;                   ///< Windows: exactly so
  std::optional<std::string> app_container;       ///< Windows: this AppContainer's SID, or "none"
  std::optional<bool> executable_signed;          ///< Windows: Authenticode, as WinVerifyTrust judges it
  bool other_sessions = false;                    ///< Windows: also peers of other sessions than ours; login_session names one
  std::vector<PublicKey> public_keys;             ///< any of these; only with Trust::static_key, where it must not be empty
  Strength min_strength = Strength::pinned;       ///< os_identity and challenge demand pinned; claimed needs static_key
  Trust trust = Trust::static_key;
  Binding binding = Binding::process;
  std::vector<std::string> operations;            ///< names of calls it may make, "*" = all; see Admission

  friend bool operator==(const Rule&, const Rule&) = default;
};

/// What is known of a peer when policy is asked. `key` is there once an XX handshake has proven it.
struct Subject {
  const PeerIdentity& identity;
  Trust trust = Trust::os_identity;
  const PublicKey* key = nullptr;
  /// For a described peer, which has no process to ask: stands in for identity.executable_sha256(). Never set for a live one.
  const std::string* executable_sha256 = nullptr;
};

/// Why one rule matched or not, for `penstock policy explain`.
struct RuleVerdict {
  std::string rule;
  bool matched = false;
  std::string reason;  ///< the first field that did not match, or "every field matches"
};

/// A rule's grant: a share in the rule that admitted. Copying costs no allocation; outlives the policy.
class Admission {
 public:
  Admission() = default;
  explicit Admission(std::shared_ptr<const Rule> rule) noexcept : rule_(std::move(rule)) {}
  /// Name of the rule; empty when nothing was granted.
  [[nodiscard]] const std::string& rule() const noexcept;
  [[nodiscard]] Binding binding() const noexcept { return rule_ ? rule_->binding : Binding::process; }
  /// May this peer call `operation`? One-way messages are the operation "message", sealed buffers "buffer".
  [[nodiscard]] bool allows(std::string_view operation) const noexcept;

 private:
  std::shared_ptr<const Rule> rule_;  // none: grants nothing
};

/// An ordered list of rules: the first that matches decides. A value whose copies share the rules, which never change; const
/// members are thread-safe.
class Policy {
 public:
  /// Reads a TOML file (docs/POLICY.md) that is a regular file of root's or ours which nobody else may write, in such a
  /// directory. policy_unreadable, policy_unsafe, policy_invalid: the sentence says line, key and what to do (ATK-28).
  [[nodiscard]] static result<Policy> load(const std::string& path);
  /// The same text from memory. `source` names it in sentences.
  [[nodiscard]] static result<Policy> parse(std::string_view toml, std::string_view source = "policy");
  /// Built in code. policy_invalid for what parse would refuse.
  [[nodiscard]] static result<Policy> of(std::vector<Rule> rules);
  /// One rule: any pinned process of user `one`, trusted by the kernel's word alone, all operations.
  [[nodiscard]] static Policy user(const user_id& one);
  /// One rule: any pinned process of this process's effective user.
  [[nodiscard]] static Policy same_user();

  [[nodiscard]] const std::vector<Rule>& rules() const noexcept;
  /// Does any rule accept this kind of trust? What no rule accepts is refused before a key is computed.
  [[nodiscard]] bool accepts(Trust trust) const noexcept;
  /// The users that rules name, or empty when some rule names none ("any").
  [[nodiscard]] std::vector<user_id> users() const;

  /// Could some rule match, keys and digests aside? Asked before the handshake; the binding of the first such rule of this trust is
  /// what the prologue uses. peer_refused, or peer_too_weak when some rule lacked nothing but strength. The sentence says
  /// what each of the first rules lacked. Reads no file of the peer's.
  [[nodiscard]] result<Binding> precheck(const Subject& subject) const;
  /// The first rule that matches `subject` entirely, key included. peer_refused (the sentence says so when the key alone
  /// was wrong), peer_too_weak. Reads the peer's whole program, once, where a rule names its SHA-256 and all else matches:
  /// milliseconds, and a peer may choose how many (executable_sha256() has the limit). `binding` is what the handshake was bound with: rules with another one do not match.
  [[nodiscard]] result<Admission> admit(const Subject& subject, Binding binding) const;
  /// Every rule with its verdict, in order.
  [[nodiscard]] std::vector<RuleVerdict> explain(const Subject& subject) const;

 private:
  using Rules = std::vector<Rule>;
  std::shared_ptr<const Rules> rules_;  // none: no rules
};

}  // namespace penstock
