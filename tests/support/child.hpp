// A real second process: forked, runs a function, says by its exit status how it went. Two pipes carry single bytes both
// ways, so that parent and child can wait for each other without a clock.
#pragma once

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <grp.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "penstock/handle.hpp"

namespace penstock::test {

class Child {
 public:
  /// What the function gets: the other ends of the two pipes.
  class Line {
   public:
    Line(int in, int out) noexcept : in_(in), out_(out) {}
    void tell(char byte = '.') const {
      if (::write(out_, &byte, 1) != 1) std::_Exit(97);
    }
    /// The next byte, or 0 when the other end has gone.
    [[nodiscard]] char hear() const {
      char byte = 0;
      return ::read(in_, &byte, 1) == 1 ? byte : '\0';
    }

   private:
    int in_;
    int out_;
  };

  explicit Child(const std::function<int(Line)>& run) {
    int down[2];
    int up[2];
    if (::pipe(down) != 0 || ::pipe(up) != 0) std::abort();
    std::fflush(nullptr);  // what the parent has not printed yet, the child must not print too
    pid_ = ::fork();
    if (pid_ < 0) std::abort();
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::close(down[1]);
      ::close(up[0]);
      const int status = run(Line(down[0], up[1]));
      std::fflush(nullptr);
      // _Exit: the parent's test framework must not report twice.
      std::_Exit(status);
    }
    ::close(down[0]);
    ::close(up[1]);
    to_ = Handle(down[1]);
    from_ = Handle(up[0]);
  }
  ~Child() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    (void)wait();
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  /// Readable when the child has said something or has ended.
  [[nodiscard]] int line_handle() const noexcept { return from_.get(); }
  [[nodiscard]] Line line() const noexcept { return {from_.get(), to_.get()}; }
  void kill(int signal = SIGKILL) const { ::kill(pid_, signal); }
  /// The exit status, or 128 + the signal that ended it. Once.
  [[nodiscard]] int wait() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0) {
      if (errno != EINTR) return -1;
    }
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  pid_t pid_ = -1;
  Handle to_;
  Handle from_;
};

/// Becomes another user for good. False where this process may not.
[[nodiscard]] inline bool become(uid_t uid, gid_t gid) {
  return ::setgroups(0, nullptr) == 0 && ::setresgid(gid, gid, gid) == 0 && ::setresuid(uid, uid, uid) == 0;
}

}  // namespace penstock::test
