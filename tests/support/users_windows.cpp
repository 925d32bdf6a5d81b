#include <fmt/format.h>
#include <windows.h>

#include <array>
#include <cstdlib>
#include <vector>

#include "crypto/file_access_windows.hpp"
#include "crypto/windows_text.hpp"
#include "tests/support/users.hpp"

namespace penstock::test {
namespace {

std::string name_of(const Sid& sid) {
  auto bytes = std::vector<std::byte>(sid.bytes().begin(), sid.bytes().end());
  std::array<wchar_t, 256> name{};
  std::array<wchar_t, 256> domain{};
  auto name_size = static_cast<DWORD>(name.size());
  auto domain_size = static_cast<DWORD>(domain.size());
  SID_NAME_USE use = SidTypeInvalid;
  if (!::LookupAccountSidW(nullptr, bytes.data(), name.data(), &name_size, domain.data(), &domain_size, &use))
    std::abort();
  return to_utf8(name.data());
}

}  // namespace

std::string test_user_word(unsigned number) {
  return fmt::format("S-1-5-21-1-2-3-{}", number);
}

std::string test_user_toml(unsigned number) {
  return '"' + test_user_word(number) + '"';
}

user_id test_user(unsigned number) {
  return Sid::parse(test_user_word(number)).value();
}

user_id own_user() {
  return crypto::process_user();
}

user_id known_user() {
  return Sid::parse("S-1-5-18").value();
}

std::string known_user_name() {
  return name_of(known_user());
}

user_id known_group() {
  return Sid::parse("S-1-5-32-544").value();
}

std::string known_group_name() {
  return name_of(known_group());
}

}  // namespace penstock::test
