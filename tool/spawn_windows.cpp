// Sources: CreateProcessW, "Inheritance", UpdateProcThreadAttribute (PROC_THREAD_ATTRIBUTE_HANDLE_LIST), "Job Objects",
// GenerateConsoleCtrlEvent.
#include <fmt/format.h>
#include <windows.h>

#include <algorithm>

#include "crypto/windows_text.hpp"
#include "tool/command_line_windows.hpp"
#include "tool/find_program_windows.hpp"
#include "tool/spawn.hpp"
#include "tool/standard_streams.hpp"

namespace penstock::tool {
namespace {

// What a job ends its processes with, so that it is known afterwards who ended them.
constexpr DWORD ended_by_request = 0x50534B00 + signal_terminate;
constexpr DWORD ended_by_force = 0x50534B00 + signal_kill;

/// An exit code has 32 bits here. Up to 255 it is a status, as everywhere; what the system ended a program with is the signal
/// that would have done it elsewhere; a larger one is 255.
Ended ended_of(DWORD code) noexcept {
  switch (code) {
    case ended_by_request:
    case STATUS_CONTROL_C_EXIT:
      return {signal_terminate, true};
    case ended_by_force:
      return {signal_kill, true};
    case STATUS_ACCESS_VIOLATION:
    case STATUS_IN_PAGE_ERROR:
    case STATUS_STACK_OVERFLOW:
      return {signal_fault, true};
    case STATUS_INTEGER_DIVIDE_BY_ZERO:
    case STATUS_INTEGER_OVERFLOW:
      return {signal_arithmetic, true};
    default:
      break;
  }
  if (code >= 0xC0000000) return {signal_abort, true};
  return {static_cast<std::uint8_t>(std::min<DWORD>(code, 255)), false};
}

Failure no_process(DWORD number) {
  return Failure(Error::resource_exhausted, fmt::format("no process could be made ({})", windows_reason(number)));
}

result<std::wstring> command_line(const SpawnSpec& spec) {
  std::wstring line;
  const auto append = [&](const std::string& argument) {
    const auto wide = to_wide(argument);
    if (!wide) return false;
    if (!line.empty()) line += L' ';
    line += quoted_argument(*wide);
    return true;
  };
  bool sound = append(spec.program);
  for (const auto& argument : spec.arguments) sound = sound && append(argument);
  if (!sound) return Failure(Error::invalid_argument, "an argument of the program is no UTF-8; write it anew");
  return line;
}

/// NAME=value, each with its zero, sorted as the system wants it, and one zero more.
result<std::wstring> environment_block(const std::vector<std::string>& environment) {
  std::vector<std::wstring> entries;
  for (const auto& entry : environment) {
    auto wide = to_wide(entry);
    if (!wide) return Failure(Error::invalid_argument, "a variable for the program is no UTF-8; take it out of --env");
    entries.push_back(std::move(*wide));
  }
  std::ranges::sort(entries, [](const std::wstring& a, const std::wstring& b) {
    return ::CompareStringOrdinal(a.data(), static_cast<int>(a.find(L'=')), b.data(), static_cast<int>(b.find(L'=')), TRUE) ==
           CSTR_LESS_THAN;
  });
  std::wstring block;
  for (const auto& entry : entries) block.append(entry).push_back(L'\0');
  block.push_back(L'\0');
  return block;
}

/// The three handles, inheritable, and the list that says: these and no others (ATK-21).
class Inheritance {
 public:
  bool prepare(const std::array<native_handle, 3>& stdio) {
    const auto self = ::GetCurrentProcess();
    for (std::size_t i = 0; i < stdio.size(); ++i) {
      const auto from = stdio[i] == no_handle ? native(static_cast<Stream>(i)) : stdio[i];
      HANDLE copy = nullptr;
      if (::DuplicateHandle(self, from, self, &copy, 0, TRUE, DUPLICATE_SAME_ACCESS) == 0) return false;
      owned_[i] = Handle(copy);
      listed_[i] = copy;
    }
    SIZE_T size = 0;
    ::InitializeProcThreadAttributeList(nullptr, 1, 0, &size);
    memory_.resize(size);
    auto* list = reinterpret_cast<LPPROC_THREAD_ATTRIBUTE_LIST>(memory_.data());
    if (::InitializeProcThreadAttributeList(list, 1, 0, &size) == 0) return false;
    startup_.lpAttributeList = list;
    startup_.StartupInfo.cb = sizeof startup_;
    startup_.StartupInfo.dwFlags = STARTF_USESTDHANDLES;
    startup_.StartupInfo.hStdInput = listed_[0];
    startup_.StartupInfo.hStdOutput = listed_[1];
    startup_.StartupInfo.hStdError = listed_[2];
    return ::UpdateProcThreadAttribute(list, 0, PROC_THREAD_ATTRIBUTE_HANDLE_LIST, listed_.data(), sizeof listed_, nullptr,
                                       nullptr) != 0;
  }
  Inheritance() = default;
  Inheritance(const Inheritance&) = delete;
  Inheritance& operator=(const Inheritance&) = delete;
  ~Inheritance() {
    if (startup_.lpAttributeList != nullptr) ::DeleteProcThreadAttributeList(startup_.lpAttributeList);
  }
  [[nodiscard]] STARTUPINFOW* startup() noexcept { return &startup_.StartupInfo; }

 private:
  std::array<Handle, 3> owned_;
  std::array<HANDLE, 3> listed_{};
  std::vector<std::byte> memory_;
  STARTUPINFOEXW startup_{};
};

/// Its processes end with the last handle on it, which is ours: also when we are killed.
Handle make_job() {
  Handle job(::CreateJobObjectW(nullptr, nullptr));
  JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits{};
  limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE;
  if (job && ::SetInformationJobObject(job.get(), JobObjectExtendedLimitInformation, &limits, sizeof limits) == 0) job.reset();
  return job;
}

void end_job(const Spawned& child, DWORD code) noexcept {
  if (::TerminateJobObject(child.job.get(), code) == 0) ::TerminateProcess(child.process.get(), code);
}

}  // namespace

void Spawned::ask_to_end() const noexcept {
  if (::GenerateConsoleCtrlEvent(CTRL_BREAK_EVENT, static_cast<DWORD>(pid)) == 0) end_job(*this, ended_by_request);
}

void Spawned::end_now() const noexcept {
  end_job(*this, ended_by_force);
}

Ended Spawned::wait() const noexcept {
  DWORD code = 0;
  if (::WaitForSingleObject(process.get(), INFINITE) != WAIT_OBJECT_0 || ::GetExitCodeProcess(process.get(), &code) == 0)
    return {};
  return ended_of(code);
}

result<std::string> find_program(const std::string& program) {
  const auto found = find_program_file(program);
  if (!found) return found.error();
  return to_utf8(*found);
}

result<Spawned> spawn(const SpawnSpec& spec) {
  if (spec.user) return Failure(Error::unsupported, "a program is started as another user on Linux alone; leave the user out");
  const auto path = find_program_file(spec.program);
  if (!path) return path.error();
  auto line = command_line(spec);
  if (!line) return line.error();
  auto block = environment_block(spec.environment);
  if (!block) return block.error();
  Inheritance inheritance;
  auto job = make_job();
  if (!inheritance.prepare(spec.stdio) || !job) return no_process(::GetLastError());

  // Suspended, so that it is in the job before it can do anything. Its own group, so that Ctrl-C at our console is ours, and
  // Ctrl-Break can be its own.
  constexpr DWORD flags = CREATE_SUSPENDED | CREATE_NEW_PROCESS_GROUP | CREATE_UNICODE_ENVIRONMENT | EXTENDED_STARTUPINFO_PRESENT;
  PROCESS_INFORMATION made{};
  if (::CreateProcessW(path->c_str(), line->data(), nullptr, nullptr, TRUE, flags, block->data(), nullptr, inheritance.startup(),
                       &made) == 0) {
    const auto number = ::GetLastError();
    return Failure(number == ERROR_ACCESS_DENIED ? Error::permission_denied : Error::resource_exhausted,
                   fmt::format("{} cannot be run ({}); check that it is a program for this machine and that its user may run it",
                               to_utf8(*path), windows_reason(number)));
  }
  const Handle thread(made.hThread);
  Spawned child{Handle(made.hProcess), std::move(job), made.dwProcessId};
  if (::AssignProcessToJobObject(child.job.get(), child.process.get()) == 0 ||
      ::ResumeThread(thread.get()) == static_cast<DWORD>(-1)) {
    const auto number = ::GetLastError();
    ::TerminateProcess(child.process.get(), ended_by_force);
    return no_process(number);
  }
  return child;
}

}  // namespace penstock::tool
