// Sources: CreateProcessW, UpdateProcThreadAttribute (the child gets its two pipe ends and what it prints with, nothing else),
// JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE.
#include "tests/support/child.hpp"

#include <windows.h>

#include <array>
#include <cstdio>
#include <cstdlib>

#include "crypto/windows_text.hpp"
#include "transports/spawn_windows.hpp"

namespace penstock::test {
namespace {

struct Pipe {
  Handle read;
  Handle write;
};

void require(bool done, const char* what) {
  if (done) return;
  std::fprintf(stderr, "%s: error %lu\n", what, ::GetLastError());
  std::abort();
}

Pipe make_pipe() {
  HANDLE read = nullptr;
  HANDLE write = nullptr;
  require(::CreatePipe(&read, &write, nullptr, 0) != 0, "CreatePipe");
  return {Handle(read), Handle(write)};
}

void make_inheritable(const Handle& handle) {
  require(::SetHandleInformation(handle.get(), HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT) != 0, "SetHandleInformation");
}

std::vector<std::string> own_environment() {
  std::vector<std::string> entries;
  wchar_t* const block = ::GetEnvironmentStringsW();
  for (const wchar_t* at = block; *at != L'\0'; at += std::wcslen(at) + 1) {
    if (*at != L'=') entries.push_back(to_utf8(at));
  }
  ::FreeEnvironmentStringsW(block);
  return entries;
}

}  // namespace

std::string own_program() {
  std::wstring path(32768, L'\0');
  path.resize(::GetModuleFileNameW(nullptr, path.data(), static_cast<DWORD>(path.size())));
  return to_utf8(path);
}

Line line_of(std::uintptr_t in, std::uintptr_t out) {
  return {Handle(reinterpret_cast<native_handle>(in)), Handle(reinterpret_cast<native_handle>(out))};
}

void Line::tell(char byte) const {
  DWORD done = 0;
  if (::WriteFile(out_.get(), &byte, 1, &done, nullptr) == 0 || done != 1) std::_Exit(97);
}

char Line::hear() const {
  char byte = 0;
  DWORD got = 0;
  return ::ReadFile(in_.get(), &byte, 1, &got, nullptr) != 0 && got == 1 ? byte : '\0';
}

Child::Child(const Role& role, const Words& words) {
  auto down = make_pipe();
  auto up = make_pipe();
  make_inheritable(down.read);
  make_inheritable(up.write);
  const std::array given{down.read.get(), up.write.get()};
  transport::SpawnRequest request{own_program(),
                                  role_arguments(role, words, reinterpret_cast<std::uintptr_t>(given[0]),
                                                 reinterpret_cast<std::uintptr_t>(given[1])),
                                  own_environment(), given};
  std::fflush(nullptr);
  auto spawned = transport::spawn(request);
  require(spawned.has_value(), "spawn");
  process_ = std::move(spawned->process);
  pid_ = spawned->pid;
  line_ = std::make_unique<Line>(std::move(up.read), std::move(down.write));
  job_ = Handle(::CreateJobObjectW(nullptr, nullptr));
  JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits{};
  limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE;
  require(::SetInformationJobObject(job_.get(), JobObjectExtendedLimitInformation, &limits, sizeof limits) != 0, "job");
  // One that has ended already needs no job.
  const bool assigned = ::AssignProcessToJobObject(job_.get(), process_.get()) != 0;
  require(assigned || ::WaitForSingleObject(process_.get(), 0) == WAIT_OBJECT_0, "assign to the job");
}

Child::~Child() {
  if (!process_) return;
  kill();
  (void)wait();
}

void Child::kill() const { ::TerminateProcess(process_.get(), killed); }

int Child::wait() {
  DWORD status = 0;
  if (::WaitForSingleObject(process_.get(), INFINITE) != WAIT_OBJECT_0 || ::GetExitCodeProcess(process_.get(), &status) == 0) return -1;
  process_.reset();
  return static_cast<int>(status);
}

void die() {
  ::TerminateProcess(::GetCurrentProcess(), Child::killed);
  std::abort();
}

std::int64_t own_pid() { return ::GetCurrentProcessId(); }

}  // namespace penstock::test
