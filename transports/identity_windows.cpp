// A held identity asked again, and this process's own. Sources: WinVerifyTrust, GetFileInformationByHandle.
#include <windows.h>

#include <fmt/format.h>
#include <softpub.h>
#include <sodium.h>
#include <wintrust.h>

#include <array>
#include <vector>

#include "crypto/windows_text.hpp"
#include "penstock/identity.hpp"
#include "transports/identify_windows.hpp"
#include "transports/program_file_windows.hpp"

namespace penstock {
namespace {

// A longer program is not read at all: a listener's other peers wait meanwhile, and the peer chose the program (ATK-24).
constexpr std::uint64_t largest_program = std::uint64_t{128} << 20;

// wintrust.h: WTD_DISABLE_MD2_MD4, which mingw-w64's does not have.
constexpr DWORD disable_md2_md4 = 0x2000;

Failure too_long() {
  return Failure(Error::io_error, "The peer's program has more than 128 MiB: name it by path instead.");
}

// Nobody writes it while it is open so, and it is the very file that the identity names.
result<Handle> open_program(const PeerIdentity& peer) {
  auto file = transport::open_program_file(peer.process.get(), transport::ProgramAccess::read);
  const auto number = file ? transport::program_number(file.get()) : std::nullopt;
  if (!number) {
    return Failure(Error::io_error, fmt::format("The peer's program {} cannot be read: it is in use, or of another machine.",
                                                peer.executable->path));
  }
  if (number->device != peer.executable->device || number->inode != peer.executable->inode) return Error::peer_changed;
  if (number->size > largest_program) return too_long();
  return file;
}

result<std::string> sha256_of(const Handle& file) {
  crypto_hash_sha256_state state;
  crypto_hash_sha256_init(&state);
  std::vector<unsigned char> block(std::size_t{1} << 18);
  for (;;) {
    DWORD got = 0;
    if (::ReadFile(file.get(), block.data(), static_cast<DWORD>(block.size()), &got, nullptr) == 0) {
      return Failure(Error::io_error,
                     fmt::format("The peer's program cannot be read ({}).", windows_reason(::GetLastError())));
    }
    if (got == 0) break;
    crypto_hash_sha256_update(&state, block.data(), got);
  }
  std::array<unsigned char, crypto_hash_sha256_BYTES> digest;
  crypto_hash_sha256_final(&state, digest.data());
  std::string hex;
  for (const auto byte : digest) fmt::format_to(std::back_inserter(hex), "{:02x}", byte);
  return hex;
}

// Authenticode: is the file signed by a publisher whom this machine trusts? Without a network: a listener does not wait for one.
result<bool> verify_signature(const Handle& file, const std::wstring& path) {
  WINTRUST_FILE_INFO subject{};
  subject.cbStruct = sizeof subject;
  subject.pcwszFilePath = path.c_str();
  subject.hFile = file.get();
  WINTRUST_DATA request{};
  request.cbStruct = sizeof request;
  request.dwUIChoice = WTD_UI_NONE;
  request.fdwRevocationChecks = WTD_REVOKE_NONE;
  request.dwUnionChoice = WTD_CHOICE_FILE;
  request.pFile = &subject;
  request.dwStateAction = WTD_STATEACTION_VERIFY;
  request.dwProvFlags = WTD_CACHE_ONLY_URL_RETRIEVAL | disable_md2_md4;
  GUID action = WINTRUST_ACTION_GENERIC_VERIFY_V2;
  const auto verdict = ::WinVerifyTrust(nullptr, &action, &request);
  request.dwStateAction = WTD_STATEACTION_CLOSE;
  (void)::WinVerifyTrust(nullptr, &action, &request);
  if (verdict == 0) return true;
  // Unsigned, signed in a catalog beside it, expired, distrusted, no provider: nothing here that a rule could stand on.
  return Failure(Error::unsupported, fmt::format("No signature in the program's file is one that this machine trusts ({}).",
                                                 windows_reason(static_cast<unsigned long>(verdict))));
}

}  // namespace

result<void> PeerIdentity::check_alive() const {
  if (strength == Strength::connected || !process.valid()) return Error::peer_unidentified;
  return transport::os().alive(process.get()) ? result<void>() : Error::peer_gone;
}

// A process never changes its program here; but the file behind its path may be another one by now.
result<void> PeerIdentity::check_same_program() const {
  if (auto alive = check_alive(); !alive) return alive;
  const auto now = transport::os().executable(process.get());
  const bool same = now == executable;
  if (auto alive = check_alive(); !alive) return alive;
  if (same) return {};
  return Failure(Error::peer_changed,
                 fmt::format("Another file stands now where the program of the peer's process {} was ({}): let it connect again.",
                             pid, executable ? executable->path : "unknown"));
}

result<std::string> PeerIdentity::executable_sha256() const {
  if (!executable) return Failure(Error::unsupported, "The peer's program is not known: this process may not look at it.");
  if (auto alive = check_alive(); !alive) return alive.error();
  const auto file = open_program(*this);
  if (!file) return file.error();
  auto digest = sha256_of(*file);
  // What was read was the peer's program only if the peer is still there (ATK-04).
  if (auto alive = check_alive(); !alive) return alive.error();
  return digest;
}

result<bool> PeerIdentity::executable_signed() const {
  if (!executable) return Failure(Error::unsupported, "The peer's program is not known: this process may not look at it.");
  if (transport::is_wine()) {
    return Failure(Error::unsupported, "Wine has no publishers of its own to trust: who signed a program cannot be told here.");
  }
  if (auto alive = check_alive(); !alive) return alive.error();
  const auto file = open_program(*this);
  if (!file) return file.error();
  const auto path = to_wide(executable->path);
  if (!path) return Error::io_error;
  auto verdict = verify_signature(*file, *path);
  if (auto alive = check_alive(); !alive) return alive.error();
  return verdict;
}

result<PeerIdentity> own_identity() {
  auto process = transport::os().open_self();
  if (!process) return process.error();
  return transport::identify_child(std::move(*process));
}

}  // namespace penstock
