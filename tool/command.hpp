// How the subcommands hang together: each file adds one to the command line and says what it does when it is chosen.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

#include "tool/exit_code.hpp"

namespace penstock::tool {

/// What was chosen on the command line.
struct Chosen {
  std::function<int()> action;       ///< returns what to exit with
  std::vector<std::string> program;  ///< everything after the first `--`
  bool has_program = false;          ///< was there a `--`?
};

// In the order of `penstock --help`.
void add_demo(CLI::App& app, Chosen& chosen);
void add_serve(CLI::App& app, Chosen& chosen);
void add_connect(CLI::App& app, Chosen& chosen);
void add_call(CLI::App& app, Chosen& chosen);
void add_dde_gate(CLI::App& app, Chosen& chosen);
void add_keygen(CLI::App& app, Chosen& chosen);
void add_policy(CLI::App& app, Chosen& chosen);
void add_inspect(CLI::App& app, Chosen& chosen);
void add_doctor(CLI::App& app, Chosen& chosen);
void add_help(CLI::App& app, Chosen& chosen);

/// Groups of `penstock --help`.
inline constexpr const char* group_channels = "Channels";
inline constexpr const char* group_setup = "Setting up";
inline constexpr const char* group_look = "Looking at it";

/// "penstock policy check"
[[nodiscard]] std::string full_name(const CLI::App* command);

/// One subcommand with its usage line and the footer of its help. `usage` is without the command's own name.
CLI::App* add_command(CLI::App& app, const char* name, const char* group, const char* description, const char* usage,
                      const char* footer);

}  // namespace penstock::tool
