// What every rule must be, whether it came from a file or from code.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "penstock/policy.hpp"

namespace penstock::protocol {

/// What is wrong with a rule: the key of the policy file that it is about, and a sentence with what to do.
struct RuleFault {
  const char* key = "";
  std::string sentence;
};

/// The first fault of one rule. Looks at the file system where the rule names a program.
[[nodiscard]] std::optional<RuleFault> find_fault(const Rule& rule);

/// A fault between rules: two of one name.
struct ListFault {
  std::size_t index = 0;  ///< of the later one
  RuleFault fault;
};
[[nodiscard]] std::optional<ListFault> find_fault(std::span<const Rule> rules);

/// The most rules of one policy, and the most users, groups, keys or operations of one rule.
inline constexpr std::size_t max_rules = 1000;
inline constexpr std::size_t max_entries = 1000;

}  // namespace penstock::protocol
