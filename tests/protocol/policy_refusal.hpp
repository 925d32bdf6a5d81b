// A policy file that is refused, and what must be said of it.
#pragma once

#include <string>
#include <vector>

namespace penstock::test {

struct Refusal {
  const char* title;
  std::string text;
  int line;
  const char* says;
};

/// A file of one rule, with these lines between its trust and its operations.
inline std::string rule_with(const std::string& lines, const std::string& trust = "os-identity") {
  return "version = 1\n[[rule]]\nname = \"r\"\ntrust = \"" + trust + "\"\n" + lines + "\noperations = [\"*\"]\n";
}

/// About users and paths as the platform writes them.
[[nodiscard]] std::vector<Refusal> platform_refusals();

}  // namespace penstock::test
