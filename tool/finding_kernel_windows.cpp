// Can Windows say who is at the other end of a pipe? Tried on a pipe of this process's own. Sources: GetNamedPipeClientProcessId,
// ImpersonateNamedPipeClient, RevertToSelf, RtlGetVersion.
#include <windows.h>

#include <fmt/format.h>
#include <sodium.h>

#include "crypto/windows_text.hpp"
#include "tool/finding.hpp"
#include "transports/os_calls_windows.hpp"

namespace penstock::tool {
namespace {

using AnyFunction = void (*)();

template <class Function>
Function* in_ntdll(const char* name) {
  const auto module = ::GetModuleHandleW(L"ntdll.dll");
  // By way of what a function of unknown type is.
  return module == nullptr ? nullptr : reinterpret_cast<Function*>(reinterpret_cast<AnyFunction>(::GetProcAddress(module, name)));
}

struct PipePair {
  std::wstring name;
  Handle server, client;
};

Handle make_instance(const std::wstring& name) {
  const auto raw = ::CreateNamedPipeW(name.c_str(), PIPE_ACCESS_DUPLEX | FILE_FLAG_FIRST_PIPE_INSTANCE,
                                      PIPE_TYPE_BYTE | PIPE_REJECT_REMOTE_CLIENTS, PIPE_UNLIMITED_INSTANCES, 4096, 4096, 0, nullptr);
  return raw == INVALID_HANDLE_VALUE ? Handle() : Handle(raw);
}

PipePair make_pair() {
  if (sodium_init() < 0) return {};
  const auto name = fmt::format(R"(\\.\pipe\penstock-doctor-{:08x}{:08x})", randombytes_random(), randombytes_random());
  PipePair pair{to_wide(name).value_or(L""), {}, {}};
  pair.server = make_instance(pair.name);
  const auto raw = ::CreateFileW(pair.name.c_str(), GENERIC_READ | GENERIC_WRITE, 0, nullptr, OPEN_EXISTING,
                                 SECURITY_SQOS_PRESENT | SECURITY_IDENTIFICATION, nullptr);
  if (raw != INVALID_HANDLE_VALUE) pair.client = Handle(raw);
  return pair;
}

// What a server may learn of a client that lets itself be identified: its token, and nothing that can be done with it.
result<transport::ImpersonationLevel> sender_is_told(const PipePair& pair) {
  char byte = 'x';
  DWORD moved = 0;
  if (::WriteFile(pair.client.get(), &byte, 1, &moved, nullptr) == 0 || ::ReadFile(pair.server.get(), &byte, 1, &moved, nullptr) == 0)
    return Failure(Error::io_error, windows_reason(::GetLastError()));
  auto& os = transport::os();
  Handle token;
  if (const auto error = os.impersonate(pair.server.get()); error != 0) return Failure(Error::unsupported, windows_reason(error));
  const auto error = os.open_thread_token(token);
  if (!os.revert()) os.end_process();  // ATK-09: nothing goes on as somebody else
  if (error != 0) return Failure(Error::unsupported, windows_reason(error));
  const auto client = os.client_token(token.get());
  if (!client) return client.error();
  return client->level;
}

std::string version() {
  OSVERSIONINFOW info{};
  info.dwOSVersionInfoSize = sizeof info;
  // GetVersionEx says what a program was made for, not what it runs on.
  const auto ask = in_ntdll<LONG WINAPI(OSVERSIONINFOW*)>("RtlGetVersion");
  if (ask == nullptr || ask(&info) != 0) return "Windows";
  return fmt::format("Windows {}.{}.{}", info.dwMajorVersion, info.dwMinorVersion, info.dwBuildNumber);
}

Finding lacks(Finding finding, std::string found, std::string meaning, std::string remedy) {
  finding.state = State::lacking;
  finding.found = std::move(found);
  finding.meaning = std::move(meaning);
  finding.remedy = std::move(remedy);
  return finding;
}

Finding platform() {
  Finding finding{"windows", "a Windows that isolates processes", State::proven, version(), {}, {}};
  const auto wine = in_ntdll<const char*()>("wine_get_version");
  if (wine == nullptr) return finding;
  finding.state = State::note;
  finding.found = fmt::format("Wine {}, which says that it is {}", wine(), version());
  finding.meaning =
      "Wine runs all of one user's programs as that user of the host and isolates none of them from another: what Penstock refuses "
      "here it refuses, but that nothing gets around it was never proven under Wine.";
  return finding;
}

}  // namespace

void examine_kernel(std::vector<Finding>& findings) {
  findings.push_back(platform());
  const auto pair = make_pair();
  ULONG client = 0;
  ULONG server = 0;
  const auto self = ::GetCurrentProcessId();
  const bool named = ::GetNamedPipeClientProcessId(pair.server.get(), &client) != 0 && client == self &&
                     ::GetNamedPipeServerProcessId(pair.client.get(), &server) != 0 && server == self;
  Finding process{"peer-process-handle", "the process at the other end of a pipe", State::proven,
                  fmt::format("both ends named process {}", self), {}, {}};
  findings.push_back(named ? std::move(process)
                           : lacks(std::move(process), "the pipe names no process, or another one",
                                   "Every peer is refused (peer_unidentified).", "Use Windows 10 or newer."));

  Finding sender{"message-sender", "the token of who sent each handshake message, without its rights", State::proven,
                 "a client's token at identification level", {}, {}};
  const auto told = sender_is_told(pair);
  if (told && *told != transport::ImpersonationLevel::identification) {
    sender.state = State::note;
    sender.found = "a client's token, with more rights than the client gave (it asked for identification level)";
    sender.meaning =
        "Penstock's own listeners use it for nothing but to know who sends. A hostile one at a name could act as a client that calls "
        "it: Windows does not do that, Wine may (ATK-02).";
  }
  findings.push_back(told ? std::move(sender)
                          : lacks(std::move(sender), std::string(told.error().sentence()),
                                                  "Listeners here refuse every client (peer_unidentified).",
                                                  "Use Windows 10 or newer, and no sandbox that forbids impersonation."));

  Finding first{"first-instance", "names of pipes that only one process can begin", State::proven,
                "a second beginning was refused (FILE_FLAG_FIRST_PIPE_INSTANCE)", {}, {}};
  if (make_instance(pair.name)) {
    first.state = State::note;
    first.found = "FILE_FLAG_FIRST_PIPE_INSTANCE is not enforced";
    first.meaning =
        "Listeners count the instances of their name and call themselves by it before they serve; connecting processes check who "
        "serves before they send a byte (ATK-01). Both hold without the flag.";
  }
  findings.push_back(std::move(first));
}

}  // namespace penstock::tool
