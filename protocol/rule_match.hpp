// One rule against one peer. Every field that is set must match; what the kernel would not tell never does.
#pragma once

#include <optional>
#include <string>

#include "penstock/policy.hpp"

namespace penstock::protocol {

/// The parts of a rule, in the order in which they are asked: what is cheap and what the kernel vouches for comes
/// first; then strength and key, so that "nothing but the strength" and "nothing but the key" can be told apart; the
/// digest, which reads a whole file, last.
enum class RuleField : std::uint8_t {
  none,  ///< everything matches
  trust,
  users,
  groups,
  login_session,
  other_session,
  label,
  cgroup,
  integrity,
  elevated,
  app_container,
  executable,
  executable_fs_verity,
  strength,
  binding,
  key,
  executable_sha256,
  executable_signed,
};

/// What the moment of asking adds.
struct RuleQuestion {
  bool whole = false;              ///< the handshake has run: also ask for the key that it proved, and for the digest
  std::optional<Binding> binding;  ///< what the handshake was bound with; none: not decided yet
};

/// What reading a peer's program tells: its digest, and whether it is signed. Each is read at most once for all the rules of one
/// decision: a peer chooses how long its program is, and every reading holds up everybody else of the listener (ATK-24).
class ProgramFacts {
 public:
  explicit ProgramFacts(const Subject& subject) noexcept : subject_(subject) {}
  [[nodiscard]] const result<std::string>& sha256();
  [[nodiscard]] const result<bool>& is_signed();

 private:
  const Subject& subject_;
  std::optional<result<std::string>> digest_;
  std::optional<result<bool>> signed_;
};

/// The first part that does not match.
[[nodiscard]] RuleField first_mismatch(const Rule& rule, const Subject& subject, const RuleQuestion& question,
                                       ProgramFacts& program);

/// Why that part does not match, for people: "user 1001 is not among the users 0, 1000".
[[nodiscard]] std::string explain_mismatch(RuleField field, const Rule& rule, const Subject& subject,
                                           ProgramFacts& program);

}  // namespace penstock::protocol
