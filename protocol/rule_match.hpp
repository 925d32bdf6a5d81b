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
  label,
  cgroup,
  executable,
  executable_fs_verity,
  strength,
  binding,
  key,
  executable_sha256,
};

/// What the moment of asking adds.
struct RuleQuestion {
  bool with_key = false;           ///< the handshake has proven the peer's key, or that it has none
  std::optional<Binding> binding;  ///< what the handshake was bound with; none: not decided yet
};

/// The first part that does not match.
[[nodiscard]] RuleField first_mismatch(const Rule& rule, const Subject& subject, const RuleQuestion& question);

/// Why that part does not match, for people: "user 1001 is not among the users 0, 1000".
[[nodiscard]] std::string explain_mismatch(RuleField field, const Rule& rule, const Subject& subject);

}  // namespace penstock::protocol
