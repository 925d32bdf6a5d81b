// Runs a function in a real forked child and says how it ended.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>

namespace penstock::test {

/// What waitpid(2) said of a child.
struct Ending {
  int status = 0;
  [[nodiscard]] bool exited_with(int code) const { return WIFEXITED(status) && WEXITSTATUS(status) == code; }
  [[nodiscard]] bool killed_by(int signal) const { return WIFSIGNALED(status) && WTERMSIG(status) == signal; }
};

/// The child ends with the function's answer as its exit code: 0 for success, else the number of the check that failed
/// (a GoogleTest assertion would be lost there).
template <class Function>
[[nodiscard]] Ending in_child(Function function) {
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child == 0) ::_exit(function());
  Ending ending{.status = -1};
  if (child > 0) ::waitpid(child, &ending.status, 0);
  return ending;
}

}  // namespace penstock::test
