// What the command exits with. Scripts rely on it: docs/COMMAND.md, "Exit codes".
#pragma once

#include <string>

#include "penstock/result.hpp"
#include "protocol/closed_table.hpp"

namespace penstock::tool {

using Exit = protocol::ExitCode;

inline constexpr int done = 0;
/// Asked and answered: no. A call's status is not 0, no rule matches, a frame is wrong, something is lacking, an
/// attacker was not refused. (The closed table has no row for it: nothing of Penstock's failed.)
inline constexpr int answered_no = 1;

/// Prints `penstock: <sentence>` to standard error, with what could act on a terminal taken out.
void complain(std::string_view sentence);
/// The same, and what to exit with: the column of protocol/closed_table.hpp.
[[nodiscard]] int complain(const Failure& failure);
[[nodiscard]] int complain(Exit exit, std::string_view sentence);
/// A remark that is no failure: `penstock: note: …`.
void remark(std::string_view sentence);

/// Prints to standard output what a command was asked for: `exit`, or the exit code of an output that took nothing.
[[nodiscard]] int answer(std::string_view text, int exit = done);

}  // namespace penstock::tool
