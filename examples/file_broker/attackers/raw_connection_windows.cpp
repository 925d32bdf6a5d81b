// Sources: CreateNamedPipeW, ConnectNamedPipe, "Synchronous and Overlapped Input and Output".
#include <windows.h>
// Needs the one above.
#include <sddl.h>

#include <array>
#include <cstdio>
#include <filesystem>

#include "raw_connection.hpp"

namespace file_broker {
namespace {

constexpr DWORD room = 65536;

std::wstring wide(const std::string& utf8) {
  return std::filesystem::path(std::u8string(utf8.begin(), utf8.end())).wstring();
}

penstock::Handle owned(HANDLE raw, const char* what) {
  if (raw != INVALID_HANDLE_VALUE) return penstock::Handle(raw);
  std::fprintf(stderr, "%s: Windows error %lu\n", what, ::GetLastError());
  return {};
}

std::wstring own_user() {
  alignas(TOKEN_USER) std::array<std::byte, 256> information{};
  DWORD size = information.size();
  HANDLE raw = nullptr;
  wchar_t* text = nullptr;
  if (::OpenProcessToken(::GetCurrentProcess(), TOKEN_QUERY, &raw) == 0) return {};
  const penstock::Handle token(raw);
  if (::GetTokenInformation(raw, TokenUser, information.data(), size, &size) == 0) return {};
  if (::ConvertSidToStringSidW(reinterpret_cast<TOKEN_USER*>(information.data())->User.Sid, &text) == 0) return {};
  std::wstring user = text;
  ::LocalFree(text);
  return user;
}

/// One overlapped operation, waited for: reading and writing do not hold each other up, as they would on a synchronous handle.
class Operation {
 public:
  Operation() : event_(::CreateEventW(nullptr, TRUE, FALSE, nullptr)) { overlapped_.hEvent = event_.get(); }
  [[nodiscard]] OVERLAPPED* overlapped() noexcept { return &overlapped_; }
  /// What came of it: 0 bytes when it failed.
  [[nodiscard]] DWORD finish(const penstock::Handle& pipe, BOOL started) {
    DWORD moved = 0;
    if (started == 0 && ::GetLastError() != ERROR_IO_PENDING) return 0;
    return ::GetOverlappedResult(pipe.get(), &overlapped_, &moved, TRUE) != 0 ? moved : 0;
  }

 private:
  penstock::Handle event_;
  OVERLAPPED overlapped_{};
};

}  // namespace

penstock::Handle listen_at(const std::string& address) {
  // Ours, as an honest listener's is, so that it is not the owner who gives us away.
  const auto text = L"O:" + own_user() + L"D:(A;;FA;;;WD)";
  PSECURITY_DESCRIPTOR everybody = nullptr;
  ::ConvertStringSecurityDescriptorToSecurityDescriptorW(text.c_str(), SDDL_REVISION_1, &everybody, nullptr);
  SECURITY_ATTRIBUTES attributes{sizeof attributes, everybody, FALSE};
  const auto raw = ::CreateNamedPipeW(wide(address).c_str(), PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED,
                                      PIPE_TYPE_BYTE | PIPE_READMODE_BYTE, PIPE_UNLIMITED_INSTANCES, room, room, 0, &attributes);
  auto pipe = owned(raw, "CreateNamedPipe");
  ::LocalFree(everybody);
  return pipe;
}

penstock::Handle connect_to(const std::string& address) {
  const auto name = wide(address);
  ::WaitNamedPipeW(name.c_str(), 2000);
  return owned(::CreateFileW(name.c_str(), GENERIC_READ | GENERIC_WRITE, 0, nullptr, OPEN_EXISTING,
                             FILE_FLAG_OVERLAPPED | SECURITY_SQOS_PRESENT | SECURITY_IDENTIFICATION, nullptr),
               "CreateFile");
}

Victim accept_one(penstock::Handle& listener) {
  Operation operation;
  if (::ConnectNamedPipe(listener.get(), operation.overlapped()) == 0 && ::GetLastError() == ERROR_IO_PENDING)
    static_cast<void>(operation.finish(listener, TRUE));
  ULONG pid = 0;
  ::GetNamedPipeClientProcessId(listener.get(), &pid);
  return {std::move(listener), pid};
}

Loot take(const penstock::Handle& connection) {
  std::array<char, room> bytes;
  Operation operation;
  const auto started = ::ReadFile(connection.get(), bytes.data(), bytes.size(), nullptr, operation.overlapped());
  Loot loot;
  loot.bytes.assign(bytes.data(), operation.finish(connection, started));
  return loot;
}

bool pass_on(const penstock::Handle& connection, const Loot& loot) {
  std::size_t sent = 0;
  while (sent < loot.bytes.size()) {
    Operation operation;
    const auto started = ::WriteFile(connection.get(), loot.bytes.data() + sent, static_cast<DWORD>(loot.bytes.size() - sent),
                                     nullptr, operation.overlapped());
    const auto moved = operation.finish(connection, started);
    if (moved == 0) return false;
    sent += moved;
  }
  return true;
}

void finish_sending(const penstock::Handle& /*connection*/) noexcept {}

}  // namespace file_broker
