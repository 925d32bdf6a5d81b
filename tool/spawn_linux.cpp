// Sources: fork(2), close_range(2), execve(2), pidfd_open(2), prctl(2) PR_SET_PDEATHSIG, setpgid(2).
#include "tool/spawn.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <system_error>

namespace penstock::tool {
namespace {

constexpr int first_free = 10;  // above 0–2, and above where the three may have to be moved aside from

std::string reason(int number) {
  return std::generic_category().message(number);
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (auto& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

// From here to exec, in the child: system calls only, since the parent's locks and heap are in an unknown state.
struct Prepared {
  const char* program;
  char* const* arguments;
  char* const* environment;
  std::array<native_handle, 3> stdio;
  std::optional<user_id> user;
  native_handle report;
  pid_t parent;
};

bool place_descriptors(const Prepared& how, native_handle& report) {
  // Each is moved above the three places first: they may name one another.
  std::array<int, 3> aside{};
  for (std::size_t i = 0; i < 3; ++i) {
    aside[i] = ::fcntl(how.stdio[i], F_DUPFD_CLOEXEC, first_free);
    if (aside[i] < 0) return false;
  }
  for (std::size_t i = 0; i < 3; ++i) {
    if (::dup2(aside[i], static_cast<int>(i)) < 0) return false;
  }
  // ATK-21: descriptor 3 reports a failed exec and closes with a good one; nothing above it stays.
  if (::dup3(report, 3, O_CLOEXEC) < 0 && report != 3) return false;
  report = 3;
  return ::syscall(SYS_close_range, 4u, ~0u, 0u) == 0;
}

bool become(std::uint32_t user) {
  return ::setgroups(0, nullptr) == 0 && ::setresgid(user, user, user) == 0 && ::setresuid(user, user, user) == 0;
}

void restore_signals() {
  for (const int number : {SIGPIPE, SIGXFSZ, SIGTERM, SIGINT, SIGHUP, SIGCHLD}) ::signal(number, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

[[noreturn]] void run_child(const Prepared& how) {
  native_handle report = how.report;
  ::setpgid(0, 0);
  restore_signals();
  const bool placed = place_descriptors(how, report) && (!how.user || become(*how.user));
  if (placed) {
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    // The parent may have gone before that was asked for.
    if (::getppid() == how.parent) ::execve(how.program, how.arguments, how.environment);
  }
  const int number = errno;
  static_cast<void>(!::write(report, &number, sizeof number));
  ::_exit(127);
}

void signal_group(std::int64_t pid, int number) noexcept {
  const auto child = static_cast<pid_t>(pid);
  // The group may not be there yet, or no longer; the child itself is, until it is waited for.
  if (::kill(-child, number) != 0) ::kill(child, number);
}

}  // namespace

void Spawned::ask_to_end() const noexcept {
  signal_group(pid, SIGTERM);
}

void Spawned::end_now() const noexcept {
  signal_group(pid, SIGKILL);
}

Ended Spawned::wait() const noexcept {
  int status = 0;
  while (::waitpid(static_cast<pid_t>(pid), &status, 0) < 0) {
    if (errno != EINTR) return {};
  }
  if (WIFSIGNALED(status)) return {static_cast<std::uint8_t>(WTERMSIG(status)), true};
  return {static_cast<std::uint8_t>(WEXITSTATUS(status)), false};
}

result<std::string> find_program(const std::string& program) {
  const auto usable = [](const std::string& path) {
    struct stat status{};
    return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) && ::access(path.c_str(), X_OK) == 0;
  };
  if (program.find('/') != std::string::npos) {
    if (usable(program)) return program;
    const Error code = ::access(program.c_str(), F_OK) == 0 ? Error::permission_denied : Error::not_found;
    return Failure(code, fmt::format("{} cannot be run ({}); name a program that this user may execute", program,
                                     code == Error::not_found ? "there is no such file" : "it may not be executed"));
  }
  const char* listed = std::getenv("PATH");  // NOLINT(concurrency-mt-unsafe): the command has one thread
  std::string_view left = listed == nullptr ? "/usr/bin:/bin" : listed;
  while (!program.empty() && !left.empty()) {
    const auto end = std::min(left.find(':'), left.size());
    const auto path = fmt::format("{}/{}", left.substr(0, end), program);
    if (end > 0 && usable(path)) return path;
    left.remove_prefix(std::min(end + 1, left.size()));
  }
  return Failure(Error::not_found,
                 fmt::format("there is no program \"{}\" in PATH; install it, or name its path", program));
}

result<Spawned> spawn(const SpawnSpec& spec) {
  const auto path = find_program(spec.program);
  if (!path) return path.error();
  std::vector<std::string> arguments{spec.program};
  arguments.insert(arguments.end(), spec.arguments.begin(), spec.arguments.end());
  auto environment = spec.environment;
  const auto argument_pointers = pointers(arguments);
  const auto environment_pointers = pointers(environment);

  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    return Failure(Error::resource_exhausted, fmt::format("no pipe could be made ({})", reason(errno)));
  const Handle from_child(ends[0]);
  Handle to_parent(ends[1]);
  auto stdio = spec.stdio;
  for (int number = 0; auto& one : stdio) {
    if (one == no_handle) one = number;
    ++number;
  }
  const Prepared how{
      path->c_str(), argument_pointers.data(), environment_pointers.data(), stdio, spec.user, to_parent.get(), ::getpid()};
  const pid_t pid = ::fork();
  if (pid < 0) return Failure(Error::resource_exhausted, fmt::format("no process could be made ({})", reason(errno)));
  if (pid == 0) run_child(how);
  to_parent.reset();

  Spawned child{Handle(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))), {}, pid};
  int failed = 0;
  ssize_t got = 0;
  do got = ::read(from_child.get(), &failed, sizeof failed);
  while (got < 0 && errno == EINTR);
  if (got == 0 && child.process) return child;
  const int number = got > 0 ? failed : errno;
  if (got == 0) child.end_now();
  static_cast<void>(child.wait());
  return Failure(
      number == EACCES || number == EPERM ? Error::permission_denied : Error::resource_exhausted,
      fmt::format("{} cannot be run ({}); check that it is a program for this machine and that its user may run it",
                  *path, reason(number)));
}

}  // namespace penstock::tool
