// A rule that code built and that is refused, and what must be said of it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "penstock/policy.hpp"
#include "tests/protocol/policy_testing.hpp"

namespace penstock::test {

struct Fault {
  const char* key;
  const char* sentence;
  std::function<void(Rule&)> apply;
};

/// Paths of programs that a rule may not have, as the platform writes them.
[[nodiscard]] std::vector<Fault> program_faults();

/// What is said of a rule with this program; "" when nothing.
inline std::string program_fault(const std::string& path) {
  auto rule = plain_rule("program");
  rule.executable = path;
  const auto policy = Policy::of({rule});
  return policy ? "" : std::string(policy.error().sentence());
}

}  // namespace penstock::test
