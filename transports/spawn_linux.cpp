// Sources: clone3(2), close_range(2), execve(2), signal-safety(7).
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

#include "transports/child.hpp"
#include "transports/os_error.hpp"
#include "transports/spawn.hpp"

namespace penstock::transport {
namespace {

constexpr int first_closed = 5;  // the child's descriptors are 0 to 4

/// Everything that the child needs, laid out before it exists.
struct Prepared {
  const char* program;
  char* const* arguments;
  char* const* environment;
  int descriptor3;
  int descriptor4;
  int report;
};

std::vector<char*> pointers_to(const std::vector<std::string>& strings) {
  std::vector<char*> out;
  out.reserve(strings.size() + 1);
  for (const auto& text : strings) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

/// A copy above the child's own numbers, so that putting 3 and 4 in their places overwrites none of the sources.
result<Handle> copy_above(native_handle raw) {
  Handle copy(::fcntl(raw, F_DUPFD_CLOEXEC, first_closed));
  if (!copy)
    return Failure(error_of(errno), fmt::format("A descriptor for the child cannot be made ({}).", reason(errno)));
  return copy;
}

// From here to execve, only what signal-safety(7) allows: another thread may have held any lock when we were cloned.

void reset_signals() noexcept {
  struct sigaction standard{};
  standard.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number)
    ::sigaction(number, &standard, nullptr);  // some refuse: they cannot be set
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

bool keep_standard(int number) noexcept {
  const int flags = ::fcntl(number, F_GETFD);
  return flags >= 0 && ::fcntl(number, F_SETFD, flags & ~FD_CLOEXEC) == 0;
}

bool place_descriptors(const Prepared& prepared) noexcept {
  for (const int number : {0, 1, 2}) {
    if (!keep_standard(number)) return false;
  }
  if (::dup2(prepared.descriptor3, 3) != 3 || ::dup2(prepared.descriptor4, 4) != 4) return false;
  // Marked, not closed: the report's own descriptor is needed until exec closes all of them.
  return ::close_range(first_closed, ~0U, CLOSE_RANGE_CLOEXEC) == 0;
}

[[noreturn]] void become(const Prepared& prepared) noexcept {
  reset_signals();
  if (place_descriptors(prepared)) ::execve(prepared.program, prepared.arguments, prepared.environment);
  const int number = errno;
  [[maybe_unused]] const auto told = ::write(prepared.report, &number, sizeof number);
  ::_exit(127);
}

/// No signal handler of ours may run in the child, so none runs anywhere until it has gone its way.
class AllSignalsBlocked {
 public:
  AllSignalsBlocked() noexcept {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~AllSignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  AllSignalsBlocked(const AllSignalsBlocked&) = delete;
  AllSignalsBlocked& operator=(const AllSignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

result<Spawned> clone_child(const Prepared& prepared) {
  int raw = no_handle;
  clone_args how{};
  how.flags = CLONE_PIDFD;
  how.pidfd = reinterpret_cast<std::uintptr_t>(&raw);
  how.exit_signal = SIGCHLD;
  const AllSignalsBlocked blocked;
  const auto pid = ::syscall(SYS_clone3, &how, sizeof how);
  if (pid == 0) become(prepared);
  if (pid > 0) return Spawned{Handle(raw), pid};
  const Error code = errno == ENOSYS ? Error::unsupported : error_of(errno == EAGAIN ? ENOMEM : errno);
  return Failure(code,
                 fmt::format("No process can be started ({}): see the limits on processes, or use Linux 5.11 or newer.",
                             reason(errno)));
}

Failure exec_failed(const std::string& program, int number) {
  Error code = error_of(number);
  if (number == ENOENT || number == ENOTDIR) code = Error::not_found;
  if (number == ENOEXEC) code = Error::invalid_argument;
  return Failure(code, fmt::format("{} cannot be started ({}): check the path, its mode and its interpreter.", program,
                                   reason(number)));
}

/// 0 once the program runs: exec closes the child's end without a word.
int read_report(const Handle& report) {
  int number = 0;
  ssize_t got = 0;
  do got = ::read(report.get(), &number, sizeof number);
  while (got < 0 && errno == EINTR);
  return got == 0 ? 0 : number;
}

}  // namespace

result<StandardDescriptors> StandardDescriptors::hold() {
  StandardDescriptors standard;
  for (auto& held : standard.held_) {
    Handle null(::open("/dev/null", O_RDWR | O_CLOEXEC));  // always the lowest free number
    if (!null) return Failure(error_of(errno), fmt::format("/dev/null cannot be opened ({}).", reason(errno)));
    if (null.get() > 2) break;
    held = std::move(null);
  }
  return standard;
}

result<Spawned> spawn(const SpawnRequest& request) {
  const auto arguments = pointers_to(request.arguments);
  const auto environment = pointers_to(request.environment);
  std::array<int, 2> raw{no_handle, no_handle};
  if (::pipe2(raw.data(), O_CLOEXEC) != 0)
    return Failure(error_of(errno), fmt::format("No pipe can be made ({}).", reason(errno)));
  const Handle report(raw[0]);
  Handle report_end(raw[1]);

  auto third = copy_above(request.descriptor3);
  if (!third) return third.error();
  auto fourth = copy_above(request.descriptor4);
  if (!fourth) return fourth.error();
  auto report_copy = copy_above(report_end.get());
  if (!report_copy) return report_copy.error();
  report_end.reset();

  auto child = clone_child(
      {request.program.c_str(), arguments.data(), environment.data(), third->get(), fourth->get(), report_copy->get()});
  if (!child) return child.error();
  report_copy->reset();
  if (const int number = read_report(report); number != 0) {
    end_child(child->process);
    return exec_failed(request.program, number);
  }
  return child;
}

}  // namespace penstock::transport
