#include <windows.h>

#include <algorithm>
#include <array>

#include "crypto/windows_text.hpp"
#include "tool/environment.hpp"

namespace penstock::tool {

std::span<const char* const> plain_names() noexcept {
  // Without SystemRoot no program can make a socket or a random number.
  static constexpr std::array names{"PATH",        "PATHEXT",  "SystemRoot", "SystemDrive", "windir",       "ComSpec", "TEMP",
                                    "TMP",         "USERNAME", "USERDOMAIN", "USERPROFILE", "APPDATA",      "LANG",    "TZ",
                                    "LOCALAPPDATA"};
  return names;
}

std::optional<std::string> variable(const std::string& name) {
  const auto wide = to_wide(name);
  if (!wide || wide->empty()) return std::nullopt;
  std::wstring value(32768, L'\0');  // the most that there can be
  ::SetLastError(0);
  const auto size = ::GetEnvironmentVariableW(wide->c_str(), value.data(), static_cast<DWORD>(value.size()));
  if (size >= value.size() || (size == 0 && ::GetLastError() != 0)) return std::nullopt;
  return to_utf8(std::wstring_view(value).substr(0, size));
}

bool same_variable(std::string_view a, std::string_view b) noexcept {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

}  // namespace penstock::tool
