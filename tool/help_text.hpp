// Words of `penstock --help` and `penstock help exit-codes`.
#pragma once

#include <string>

namespace penstock::tool {

inline constexpr const char* version_text = "penstock " PENSTOCK_VERSION;

inline constexpr const char* tool_description =
    "Authenticated channels between processes of one machine. Each side learns from the kernel which process is at the "
    "other end, binds that into fresh keys, and refuses what is not proven.";

inline constexpr const char* tool_footer = R"(Examples:
  penstock demo                                   see it work, and see four attackers refused
  penstock serve notes -- tee -a notes.txt        let a program talk with the processes of this user
  echo hello | penstock connect notes
  penstock policy explain notes.toml --pid 4711   would this process be admitted, and by which rule?
  penstock doctor                                 what this machine can prove

Exit codes: penstock help exit-codes.   More: penstock COMMAND --help, docs/COMMAND.md.
)";

inline constexpr const char* exit_code_text = R"(
`penstock connect` exits with the status of the program at the other end, 128 + N where signal N ended it. A failure of
Penstock's own is told from it by the sentence on standard error that begins with "penstock:".
`penstock demo` exits with 0 only when the main job was done and every attacker was refused.
)";

/// What CLI11 says of a wrong command line, as a sentence of ours.
[[nodiscard]] std::string usage_sentence(const std::string& what, const std::string& command);

}  // namespace penstock::tool
