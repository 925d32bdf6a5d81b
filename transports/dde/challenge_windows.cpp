#include "transports/dde/challenge_windows.hpp"

#include <windows.h>
// After windows.h, which it needs.
#include <psapi.h>

#include <algorithm>
#include <cstring>

#include "crypto/hash.hpp"
#include "crypto/windows_text.hpp"
#include "transports/handle_value_windows.hpp"
#include "transports/pass_handles_windows.hpp"
#include "transports/section_windows.hpp"

namespace penstock::transport::dde {
namespace {

// As a liar cannot have it: what the client writes does not pass for what the server writes.
constexpr std::string_view client_magic = "penstock dde c 1";
constexpr std::string_view server_magic = "penstock dde s 1";
constexpr std::string_view label = "penstock dde challenge";
constexpr std::size_t magic_size = 16;
static_assert(client_magic.size() == magic_size && server_magic.size() == magic_size);
constexpr std::size_t nonce_at = magic_size, secret_at = nonce_at + nonce_size;

bytes_view magic_of(Role role) noexcept { return as_bytes(role == Role::client ? client_magic : server_magic); }

/// A view of a section, unmapped when it goes.
struct View {
  explicit View(void* mapped) noexcept : at(static_cast<std::byte*>(mapped)) {}
  View(const View&) = delete;
  View& operator=(const View&) = delete;
  ~View() {
    if (at != nullptr) ::UnmapViewOfFile(at);
  }
  std::byte* at;
};

/// Exactly one page, committed, of the paging file: it cannot fault, and is none of the larger things that others put here.
bool is_page(const void* at) noexcept {
  MEMORY_BASIC_INFORMATION region{};
  if (::VirtualQuery(at, &region, sizeof region) != sizeof region) return false;
  if (region.State != MEM_COMMIT || region.Type != MEM_MAPPED || region.RegionSize != challenge_section) return false;
  std::array<wchar_t, 64> name{};
  return ::K32GetMappedFileNameW(::GetCurrentProcess(), const_cast<void*>(at), name.data(), static_cast<DWORD>(name.size())) == 0;
}

}  // namespace

result<Challenge> Challenge::make(Role own) {
  Challenge made(own);
  auto ours = crypto::Secret<32>::random();
  if (!ours) return ours.error();
  made.ours_ = std::move(*ours);
  crypto::fill_random(made.nonce_);
  return made;
}

result<std::uint64_t> Challenge::put(const std::array<std::byte, nonce_size>& peer_nonce, const Handle& peer) {
  if (!peer) return Error::permission_denied;
  peer_nonce_ = peer_nonce;
  const auto section = make_section(challenge_section);
  if (!section) return section.error();
  const View view(::MapViewOfFile(section->get(), FILE_MAP_READ | FILE_MAP_WRITE, 0, 0, challenge_section));
  if (view.at == nullptr) return windows_error(::GetLastError());
  std::ranges::copy(magic_of(own_), view.at);
  std::ranges::copy(peer_nonce, view.at + nonce_at);
  std::ranges::copy(ours_.bytes(), view.at + secret_at);
  HANDLE there = nullptr;
  // No more than reading, and no way to more (make_section): nobody but we, and we only until this function ends, can write what the
  // other end reads.
  if (::DuplicateHandle(::GetCurrentProcess(), section->get(), peer.get(), &there, SECTION_MAP_READ | SECTION_QUERY, FALSE, 0) == 0)
    return windows_error(::GetLastError());
  put_ = reinterpret_cast<std::uintptr_t>(there);
  return put_;
}

result<void> Challenge::take(std::uint64_t value) {
  const auto raw = reinterpret_cast<native_handle>(static_cast<std::uintptr_t>(value));
  if (!is_real_handle(raw)) return Error::peer_unidentified;
  auto secret = crypto::Secret<32>::make();
  if (!secret) return secret.error();
  {
    const View view(::MapViewOfFile(raw, FILE_MAP_READ, 0, 0, 0));
    if (view.at == nullptr || !is_page(view.at)) return Error::peer_unidentified;
    const auto theirs = magic_of(own_ == Role::client ? Role::server : Role::client);
    if (!std::equal(theirs.begin(), theirs.end(), view.at)) return Error::peer_unidentified;
    if (!std::equal(nonce_.begin(), nonce_.end(), view.at + nonce_at)) return Error::peer_unidentified;
    std::copy_n(view.at + secret_at, secret->bytes().size(), secret->bytes().begin());
  }
  ::CloseHandle(raw);
  theirs_ = std::move(*secret);
  return {};
}

void Challenge::take_back(const Handle& peer) noexcept {
  if (put_ == 0 || !peer) return;
  const std::array values{std::exchange(put_, 0)};
  take_back_handles(peer, values);
}

result<crypto::Secret<32>> Challenge::derive() const {
  const bool client = own_ == Role::client;
  auto both = crypto::Secret<64>::make();
  if (!both) return both.error();
  auto out = crypto::Secret<32>::make();
  if (!out) return out.error();
  if (!ours_.valid() || !theirs_.valid()) return Error::permission_denied;
  std::ranges::copy((client ? ours_ : theirs_).bytes(), both->bytes().begin());
  std::ranges::copy((client ? theirs_ : ours_).bytes(), both->bytes().begin() + 32);
  const bytes_view first = client ? nonce_ : peer_nonce_, second = client ? peer_nonce_ : nonce_;
  crypto::hmac(crypto::HashKind::sha256, both->bytes(), {as_bytes(label), first, second}, out->bytes().data());
  return out;
}

}  // namespace penstock::transport::dde
