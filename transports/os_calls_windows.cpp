// Sources: "Named Pipe Functions", OpenProcess, GetProcessTimes, ImpersonateNamedPipeClient, RaiseFailFastException.
#include "transports/os_calls_windows.hpp"

#include <windows.h>

#include <fmt/format.h>

#include <array>
#include <atomic>

#include "crypto/windows_text.hpp"
#include "transports/os_token_windows.hpp"
#include "transports/program_file_windows.hpp"

namespace penstock::transport {
namespace {

std::uint64_t number_of(const FILETIME& time) noexcept {
  return std::uint64_t{time.dwHighDateTime} << 32 | time.dwLowDateTime;
}

Failure unanswered(const char* what) {
  const auto error = ::GetLastError();
  if (is_windows_exhaustion(error)) return Error::resource_exhausted;
  return Failure(Error::peer_unidentified, fmt::format("{} does not name the peer ({}): it has gone, or was never connected.",
                                                       what, windows_reason(error)));
}

template <class Function>
result<std::uint32_t> number_from(Function function, const char* name, native_handle pipe) {
  ULONG number = 0;
  if (function(pipe, &number) == 0) return unanswered(name);
  return number;
}

/// A function that not every Windows, and no Wine, has.
template <class Function>
Function find_function(const wchar_t* library, const char* name) noexcept {
  const auto module = ::GetModuleHandleW(library);
  if (module == nullptr) return nullptr;
  return reinterpret_cast<Function>(reinterpret_cast<void*>(::GetProcAddress(module, name)));
}

class RealCalls final : public OsCalls {
 public:
  result<std::uint32_t> client_process(native_handle pipe) override {
    return number_from(::GetNamedPipeClientProcessId, "GetNamedPipeClientProcessId", pipe);
  }
  result<std::uint32_t> server_process(native_handle pipe) override {
    return number_from(::GetNamedPipeServerProcessId, "GetNamedPipeServerProcessId", pipe);
  }
  result<std::uint32_t> client_session(native_handle pipe) override {
    return number_from(::GetNamedPipeClientSessionId, "GetNamedPipeClientSessionId", pipe);
  }
  result<std::uint32_t> server_session(native_handle pipe) override {
    return number_from(::GetNamedPipeServerSessionId, "GetNamedPipeServerSessionId", pipe);
  }

  result<bool> client_is_local(native_handle pipe) override {
    // Wine has no pipes over a network, and ends a program that asks.
    if (is_wine()) return true;
    using Ask = BOOL(WINAPI*)(HANDLE, LPWSTR, ULONG);
    static const auto ask = find_function<Ask>(L"kernel32", "GetNamedPipeClientComputerNameW");
    if (ask == nullptr) return Error::unsupported;
    std::array<wchar_t, 256> name{};
    if (ask(pipe, name.data(), static_cast<ULONG>(sizeof name)) != 0) return false;
    if (::GetLastError() == ERROR_PIPE_LOCAL) return true;
    return unanswered("GetNamedPipeClientComputerName");
  }

  result<PipeAccess> access(native_handle pipe) override { return read_access(pipe); }

  result<std::uint32_t> window_process(native_handle window) override {
    DWORD pid = 0;
    if (::GetWindowThreadProcessId(static_cast<HWND>(window), &pid) == 0 || pid == 0) return Error::peer_gone;
    return pid;
  }

  result<Handle> open_process(std::uint32_t pid) override {
    Handle process(::OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION | SYNCHRONIZE, FALSE, pid));
    if (process) return process;
    const auto error = ::GetLastError();
    if (is_windows_exhaustion(error)) return Error::resource_exhausted;
    // ERROR_INVALID_PARAMETER: there is no such process any more.
    const Error code = error == ERROR_ACCESS_DENIED ? Error::permission_denied : Error::peer_gone;
    return Failure(code, fmt::format("The peer's process {} cannot be opened ({}).", pid, windows_reason(error)));
  }

  result<Handle> open_self() override { return open_process(::GetCurrentProcessId()); }

  Handle open_for_handles(std::uint32_t pid) override {
    return Handle(::OpenProcess(PROCESS_DUP_HANDLE | PROCESS_QUERY_LIMITED_INFORMATION, FALSE, pid));
  }

  std::uint32_t process_id(native_handle process) override { return ::GetProcessId(process); }

  result<std::uint64_t> creation_time(native_handle process) override {
    FILETIME created{}, exited{}, kernel{}, user{};
    if (::GetProcessTimes(process, &created, &exited, &kernel, &user) == 0) return unanswered("GetProcessTimes");
    return number_of(created);
  }

  std::uint64_t now() override {
    FILETIME time{};
    // As coarse as the time that a process is stamped with: a finer one would make a process seem older than it is.
    ::GetSystemTimeAsFileTime(&time);
    return number_of(time);
  }

  bool alive(native_handle process) override { return ::WaitForSingleObject(process, 0) == WAIT_TIMEOUT; }

  std::optional<Executable> executable(native_handle process) override {
    const auto file = open_program_file(process, ProgramAccess::look);
    const auto number = file ? program_number(file.get()) : std::nullopt;
    if (!number) return std::nullopt;
    Executable out;
    out.path = program_path(process);
    out.device = number->device;
    out.inode = number->inode;
    return out;
  }

  result<Token> process_token(native_handle process) override {
    HANDLE raw = nullptr;
    if (::OpenProcessToken(process, TOKEN_QUERY, &raw) == 0) {
      const auto error = ::GetLastError();
      if (is_windows_exhaustion(error)) return Error::resource_exhausted;
      const Error code = error == ERROR_ACCESS_DENIED ? Error::permission_denied : Error::peer_unidentified;
      return Failure(code, fmt::format("The token of the peer's process cannot be read ({}).", windows_reason(error)));
    }
    const Handle token(raw);
    return read_token(token.get());
  }

  unsigned long impersonate(native_handle pipe) noexcept override {
    return ::ImpersonateNamedPipeClient(pipe) != 0 ? 0 : ::GetLastError();
  }

  unsigned long open_thread_token(Handle& token) noexcept override {
    HANDLE raw = nullptr;
    // As ourselves: an identification token may not be opened with its own rights.
    if (::OpenThreadToken(::GetCurrentThread(), TOKEN_QUERY, TRUE, &raw) == 0) return ::GetLastError();
    token = Handle(raw);
    return 0;
  }

  bool revert() noexcept override { return ::RevertToSelf() != 0; }

  result<ClientToken> client_token(native_handle token) override {
    ClientToken out;
    const auto level = read_level(token);
    if (!level) return level.error();
    out.level = *level;
    if (out.level == ImpersonationLevel::anonymous) return out;
    auto read = read_token(token);
    if (!read) return read.error();
    out.token = std::move(*read);
    return out;
  }

  void end_process() noexcept override {
    ::TerminateProcess(::GetCurrentProcess(), 3);
    ::RaiseFailFastException(nullptr, nullptr, 0);
  }
};

std::atomic<OsCalls*> replaced{nullptr};

}  // namespace

OsCalls& real_os_calls() noexcept {
  static RealCalls real;
  return real;
}

OsCalls& os() noexcept {
  auto* const other = replaced.load(std::memory_order_acquire);
  return other != nullptr ? *other : real_os_calls();
}

OsCalls* exchange_os_calls(OsCalls* calls) noexcept { return replaced.exchange(calls); }

bool is_wine() noexcept {
  static const bool wine = find_function<void (*)()>(L"ntdll", "wine_get_version") != nullptr;
  return wine;
}

}  // namespace penstock::transport
