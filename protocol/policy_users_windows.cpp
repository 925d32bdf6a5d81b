// Sources: LookupAccountNameW, SID_NAME_USE, "Well-known SIDs".
#include <fmt/format.h>
#include <windows.h>

#include <algorithm>
#include <array>

#include "crypto/file_access_windows.hpp"
#include "crypto/hash.hpp"
#include "crypto/windows_text.hpp"
#include "protocol/policy_system.hpp"

namespace penstock::protocol {
namespace {

Failure refuse(std::string sentence) {
  return Failure(Error::policy_invalid, std::move(sentence));
}

struct Account {
  Sid sid;
  SID_NAME_USE use = SidTypeInvalid;
};

// Of a service account Windows says that it is a group, and then runs processes as it.
bool runs_processes(const Account& account) noexcept {
  if (account.use == SidTypeUser) return true;
  if (account.use != SidTypeWellKnownGroup) return false;
  const auto text = to_text(account.sid);
  constexpr std::array<std::string_view, 3> services{"S-1-5-18", "S-1-5-19", "S-1-5-20"};
  // NT SERVICE\…, IIS APPPOOL\…
  return std::ranges::find(services, text) != services.end() || text.starts_with("S-1-5-80-") ||
         text.starts_with("S-1-5-82-");
}

bool is_group(const Account& account) noexcept {
  return account.use == SidTypeGroup || account.use == SidTypeAlias || account.use == SidTypeWellKnownGroup;
}

result<user_id> find(const char* kind, const std::string& name, bool (*fits)(const Account&)) {
  // A zero byte would end the name early: "Administrator\0x" must not be Administrator.
  const auto wide = to_wide(name);
  if (name.empty() || !wide) {
    return refuse(fmt::format("a {}'s name may not be empty, hold a zero byte or be no UTF-8; correct it", kind));
  }
  if (name.starts_with("S-")) {
    const auto sid = Sid::parse(name);
    if (!sid)
      return refuse(fmt::format("\"{}\" is no security identifier; copy it again, as `whoami /all` prints it", name));
    return *sid;
  }
  alignas(DWORD) std::array<std::byte, Sid::max_size> bytes{};
  std::array<wchar_t, 1024> domain{};
  auto size = static_cast<DWORD>(bytes.size());
  auto domain_size = static_cast<DWORD>(domain.size());
  Account account;
  if (!::LookupAccountNameW(nullptr, wide->c_str(), bytes.data(), &size, domain.data(), &domain_size, &account.use)) {
    const auto number = ::GetLastError();
    if (number == ERROR_NONE_MAPPED) {
      return refuse(fmt::format("this machine has no {} \"{}\"; create it, or take it out", kind, name));
    }
    return refuse(
        fmt::format("the {} \"{}\" cannot be looked up ({}); try again, or write its security identifier (S-1-…)", kind,
                    name, windows_reason(number)));
  }
  const auto whole =
      std::span<const std::byte>(bytes).first(std::min<std::size_t>(::GetLengthSid(bytes.data()), bytes.size()));
  const auto sid = Sid::from_bytes(whole);
  if (!sid)
    return refuse(fmt::format("the {} \"{}\" has no security identifier that is known here; take it out", kind, name));
  account.sid = *sid;
  // "users" with a group in it would match no process, "groups" with a user neither: not quietly kept.
  if (!fits(account)) return refuse(fmt::format("\"{}\" ({}) is no {}; correct it", name, to_text(*sid), kind));
  return *sid;
}

}  // namespace

result<user_id> find_user(const std::string& name) {
  return find("user", name, [](const Account& account) { return runs_processes(account); });
}

result<user_id> find_group(const std::string& name) {
  return find("group", name, [](const Account& account) { return is_group(account); });
}

result<user_id> numbered_user(std::uint32_t number) {
  return refuse(fmt::format(
      "Windows has no user or group {}; write a name in quotes, or a security identifier (\"S-1-…\")", number));
}

user_id effective_user() noexcept {
  return crypto::process_user();
}

std::uint64_t user_number(const user_id& user) noexcept {
  // A user has no number here; the first bytes of a hash stand for one.
  byte_array<crypto::max_hash_size> digest{};
  crypto::hash(crypto::HashKind::sha256, {user.bytes()}, digest.data());
  std::uint64_t number = 0;
  for (std::size_t at = 0; at < 8; ++at) number = number << 8 | std::to_integer<std::uint64_t>(digest[at]);
  return number;
}

}  // namespace penstock::protocol
