// Starts a program with exactly the handles it is meant to have (ATK-21).
#pragma once

#include <span>
#include <string>
#include <vector>

#include "penstock/handle.hpp"
#include "penstock/result.hpp"

namespace penstock::transport {

struct SpawnRequest {
  std::string program;                   ///< absolute
  std::vector<std::string> arguments;    ///< without argv[0]
  std::vector<std::string> environment;  ///< NAME=value, complete
  std::span<const native_handle> inherited;  ///< not inheritable outside of spawn(); the child has these and the three standard ones
};

struct Spawned {
  Handle process;
  std::int64_t pid = 0;
};

/// By PROC_THREAD_ATTRIBUTE_HANDLE_LIST: what else is inheritable in this process stays here. Standard input, output and error are
/// copies of ours, where we have them. Thread-safe. not_found, permission_denied, invalid_argument (no program), resource_exhausted,
/// io_error.
[[nodiscard]] result<Spawned> spawn(const SpawnRequest& request);

/// One argument of a command line, as CommandLineToArgvW and the C runtime take it apart again.
[[nodiscard]] std::wstring quote_argument(const std::wstring& argument);

}  // namespace penstock::transport
