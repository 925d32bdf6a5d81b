// Starting a program that inherits exactly what it is given: three descriptors, an argument list and an environment.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "penstock/handle.hpp"
#include "penstock/result.hpp"

namespace penstock::tool {

struct SpawnSpec {
  std::string program;                          ///< a path, or a name that is looked for in PATH
  std::vector<std::string> arguments;           ///< without argv[0]
  std::vector<std::string> environment;         ///< NAME=value; complete: nothing else is inherited (ATK-21)
  std::array<native_handle, 3> stdio{0, 1, 2};  ///< become 0, 1 and 2; borrowed. Nothing else stays open.
  std::optional<std::uint32_t> user;            ///< become this user and the group of the same number, for good
};

/// A child in a process group of its own. Ends with us (SIGTERM) even when we are killed. Move-only; destruction
/// neither kills nor waits.
struct Spawned {
  Handle process;  ///< pidfd: readable when it has ended
  int pid = 0;

  /// Signals the whole group. Only before it has been waited for, since the number may be another's afterwards.
  void signal(int number) const noexcept;
  /// Waits, once. The status of waitpid(2).
  [[nodiscard]] int wait() const noexcept;
};

/// not_found, permission_denied, resource_exhausted: also what exec itself said, with a sentence.
[[nodiscard]] result<Spawned> spawn(const SpawnSpec& spec);

/// The path of `program` as exec would find it. not_found, permission_denied, with a sentence.
[[nodiscard]] result<std::string> find_program(const std::string& program);

/// 0–255, or 128 + the signal that ended it.
[[nodiscard]] int exit_status(int wait_status) noexcept;

}  // namespace penstock::tool
