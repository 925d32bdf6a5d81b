#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "tests/support/child.hpp"

namespace penstock::test {

void Line::tell(char byte) const {
  if (::write(out_.get(), &byte, 1) != 1) std::_Exit(97);
}

char Line::hear() const {
  char byte = 0;
  ssize_t got = 0;
  do got = ::read(in_.get(), &byte, 1);
  while (got < 0 && errno == EINTR);
  return got == 1 ? byte : '\0';
}

Child::Child(const Role& role, const Words& words) {
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
    const int status = role.run(Line(Handle(down[0]), Handle(up[1])), words);
    std::fflush(nullptr);
    // _Exit: the parent's test framework must not report twice.
    std::_Exit(status);
  }
  ::close(down[0]);
  ::close(up[1]);
  line_ = std::make_unique<Line>(Handle(up[0]), Handle(down[1]));
}

Child::~Child() {
  if (pid_ <= 0) return;
  kill();
  (void)wait();
}

void Child::kill() const { ::kill(static_cast<pid_t>(pid_), SIGKILL); }

int Child::wait() {
  int status = 0;
  while (::waitpid(static_cast<pid_t>(pid_), &status, 0) < 0) {
    if (errno != EINTR) return -1;
  }
  pid_ = 0;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

Line line_of(std::uintptr_t in, std::uintptr_t out) {
  const auto handle = [](std::uintptr_t number) { return number == 0 ? Handle() : Handle(static_cast<int>(number)); };
  return {handle(in), handle(out)};
}

std::string own_program() { return std::filesystem::read_symlink("/proc/self/exe").string(); }

void die() {
  ::kill(::getpid(), SIGKILL);
  std::abort();
}

std::int64_t own_pid() { return ::getpid(); }

}  // namespace penstock::test
