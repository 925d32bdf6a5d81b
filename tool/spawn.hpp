// Starting a program that inherits exactly what it is given: three standard streams, an argument list and an environment.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "penstock/handle.hpp"
#include "penstock/result.hpp"
#include "tool/ended.hpp"

namespace penstock::tool {

struct SpawnSpec {
  std::string program;                   ///< a path, or a name that is looked for in PATH
  std::vector<std::string> arguments;    ///< without argv[0]
  std::vector<std::string> environment;  ///< NAME=value; complete: nothing else is inherited (ATK-21)
  /// Become standard input, output and error; borrowed. no_handle: ours. Nothing else stays open.
  std::array<native_handle, 3> stdio{no_handle, no_handle, no_handle};
  std::optional<user_id> user;  ///< become this user and the group of the same number, for good. Linux; else unsupported
};

/// A child in a process group of its own, on Windows also in a job of its own. Ends with us even when we are killed. Move-only;
/// destruction neither ends nor waits, but for Windows, where what is left in the job ends with it.
struct Spawned {
  Handle process;  ///< pidfd or process handle: readable or signalled when it has ended
  Handle job;      ///< Windows
  std::int64_t pid = 0;

  /// Linux: SIGTERM to the group. Windows: Ctrl-Break to the group; where none can be sent, since we have no console, the job
  /// ends as if it had been: there is no third way to ask a program that knows nothing of us.
  /// Only before it has been waited for, since the number may be another's afterwards. So with the next.
  void ask_to_end() const noexcept;
  /// Linux: SIGKILL to the group. Windows: the job ends.
  void end_now() const noexcept;
  /// Waits, once.
  [[nodiscard]] Ended wait() const noexcept;
};

/// not_found, permission_denied, resource_exhausted, unsupported: also what the system itself said, with a sentence.
[[nodiscard]] result<Spawned> spawn(const SpawnSpec& spec);

/// The path of `program` as spawn() would find it. not_found, permission_denied, with a sentence.
[[nodiscard]] result<std::string> find_program(const std::string& program);

}  // namespace penstock::tool
