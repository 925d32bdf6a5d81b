// What else decides how much an identity says. Sources: user_namespaces(7), ptrace(2) "ptrace_scope", proc(5)
// "hidepid".
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <optional>

#include "tool/finding.hpp"
#include "transports/os_peer_linux.hpp"
#include "transports/proc_linux.hpp"

namespace penstock::tool {
namespace {

Finding user_numbers() {
  Finding finding{
      "user-namespace", "user numbers that mean one user each", State::proven, "every user has a number here", {}, {}};
  const auto space = transport::own_user_namespace();
  if (space.maps_everyone) return finding;
  finding.state = State::note;
  finding.found =
      fmt::format("this is a user namespace; users without a number in it appear as {}", space.overflow_uid);
  finding.meaning =
      "Peers that appear so are refused, since they could be anyone (ATK-10). Root in here is not the machine's root.";
  return finding;
}

Finding debugging() {
  Finding finding{"ptrace-scope", "memory that other programs of this user cannot read", State::proven, {}, {}, {}};
  const auto text = transport::read_proc_file(AT_FDCWD, "/proc/sys/kernel/yama/ptrace_scope");
  const auto level = text ? transport::parse_number(*text) : std::nullopt;
  if (level && *level > 0) {
    finding.found = fmt::format("kernel.yama.ptrace_scope is {}", *level);
    return finding;
  }
  finding.state = State::note;
  finding.found = level ? "kernel.yama.ptrace_scope is 0" : "this kernel has no Yama";
  finding.meaning =
      "Any program of a user may debug any other of that user's, and so take its keys and its place: a rule that "
      "names a program holds against other users, not against this one's own programs. Where it matters: sysctl "
      "kernel.yama.ptrace_scope=1.";
  return finding;
}

bool sees_program(pid_t process) {
  const Handle directory(::open(fmt::format("/proc/{}", process).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  return directory && transport::read_executable(directory).has_value();
}

// A child that becomes another user, where this process may do that; else the first process, which is root's.
bool sees_programs_of_others() {
  int ends[2];
  if (::geteuid() != 0 || ::pipe2(ends, O_CLOEXEC) != 0) return sees_program(1);
  const Handle read_end(ends[0]);
  Handle write_end(ends[1]);
  const pid_t child = ::fork();
  if (child == 0) {
    constexpr uid_t another = 65534;
    const char became = ::setresuid(another, another, another) == 0 ? 'y' : 'n';
    static_cast<void>(!::write(ends[1], &became, 1));
    for (;;) ::pause();
  }
  char became = 'n';
  const bool ready = child > 0 && ::read(read_end.get(), &became, 1) == 1 && became == 'y';
  const bool seen = ready && sees_program(child);
  if (child > 0) {
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
  }
  return seen;
}

Finding programs() {
  Finding finding{"peer-program", "which program a peer of another user runs", State::proven, {}, {}, {}};
  if (sees_programs_of_others()) {
    finding.found = "this process may look (root, or CAP_SYS_PTRACE)";
    return finding;
  }
  finding.state = State::note;
  finding.found = ::access("/proc/1", F_OK) == 0 ? "not for this user" : "/proc hides other users' processes (hidepid)";
  finding.meaning =
      "Rules with executable, executable_sha256 or executable_fs_verity match only peers of this process's own "
      "user. A helper that runs as root sees all of them.";
  return finding;
}

std::optional<std::int64_t> kernel_number(const char* path) {
  const auto text = transport::read_proc_file(AT_FDCWD, path);
  return text ? transport::parse_number(*text) : std::nullopt;
}

// May a program of an ordinary user make a user namespace, and so set what /proc/PID/exe shows of it?
Finding program_names() {
  Finding finding{"program-rules", "rules that tell one program of a user from another", State::proven, {}, {}, {}};
  if (kernel_number("/proc/sys/user/max_user_namespaces") == 0 ||
      kernel_number("/proc/sys/kernel/unprivileged_userns_clone") == 0) {
    finding.found = "users may make no user namespace";
    return finding;
  }
  finding.state = State::note;
  finding.found = "users may make user namespaces";
  finding.meaning =
      "A hostile program can then show another program's file as its own (PR_SET_MM_EXE_FILE): executable, "
      "executable_sha256 and executable_fs_verity hold against mistakes, not against it. Tell programs apart by user, key or "
      "label. Where it matters: sysctl user.max_user_namespaces=0.";
  return finding;
}

Finding mounted_proc() {
  Finding finding{"proc", "/proc, through which checked directories are held", State::proven, "mounted", {}, {}};
  const Handle here(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  const auto path = fmt::format("/proc/self/fd/{}", here.get());
  if (::access(path.c_str(), F_OK) == 0) return finding;
  finding.state = State::lacking;
  finding.found = "not mounted";
  finding.meaning = "No name can be bound or connected to safely: both refuse.";
  finding.remedy = "Mount it: mount -t proc proc /proc.";
  return finding;
}

}  // namespace

void examine_surroundings(std::vector<Finding>& findings) {
  findings.push_back(mounted_proc());
  findings.push_back(user_numbers());
  findings.push_back(programs());
  findings.push_back(program_names());
  findings.push_back(debugging());
}

}  // namespace penstock::tool
