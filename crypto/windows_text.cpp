// Sources: MultiByteToWideChar, WideCharToMultiByte, FormatMessageW, "System Error Codes".
#include "crypto/windows_text.hpp"

#include <fmt/format.h>
#include <windows.h>

#include <array>

namespace penstock {

std::optional<std::wstring> to_wide(std::string_view text) {
  if (text.empty()) return std::wstring();
  if (text.find('\0') != std::string_view::npos || text.size() > 0x7FFFFFFF) return std::nullopt;
  const auto size = static_cast<int>(text.size());
  const int needed = ::MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text.data(), size, nullptr, 0);
  if (needed <= 0) return std::nullopt;
  std::wstring out(static_cast<std::size_t>(needed), L'\0');
  if (::MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text.data(), size, out.data(), needed) != needed)
    return std::nullopt;
  return out;
}

std::string to_utf8(std::wstring_view text) {
  if (text.empty() || text.size() > 0x7FFFFFFF) return {};
  const auto size = static_cast<int>(text.size());
  const int needed = ::WideCharToMultiByte(CP_UTF8, 0, text.data(), size, nullptr, 0, nullptr, nullptr);
  if (needed <= 0) return {};
  std::string out(static_cast<std::size_t>(needed), '\0');
  ::WideCharToMultiByte(CP_UTF8, 0, text.data(), size, out.data(), needed, nullptr, nullptr);
  return out;
}

std::string windows_reason(unsigned long number) {
  std::array<wchar_t, 512> text{};
  constexpr DWORD flags = FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS | FORMAT_MESSAGE_MAX_WIDTH_MASK;
  const auto size = ::FormatMessageW(flags, nullptr, number, 0, text.data(), static_cast<DWORD>(text.size()), nullptr);
  auto words = to_utf8({text.data(), size});
  while (!words.empty() && (words.back() == ' ' || words.back() == '.')) words.pop_back();
  return words.empty() ? fmt::format("Windows error {}", number) : fmt::format("{}, Windows error {}", words, number);
}

bool is_windows_exhaustion(unsigned long number) noexcept {
  switch (number) {
    case ERROR_TOO_MANY_OPEN_FILES:
    case ERROR_NOT_ENOUGH_MEMORY:
    case ERROR_OUTOFMEMORY:
    case ERROR_NO_SYSTEM_RESOURCES:
    case ERROR_COMMITMENT_LIMIT:
    case ERROR_NOT_ENOUGH_QUOTA:
    case ERROR_DISK_FULL:
      return true;
    default:
      return false;
  }
}

Error windows_error(unsigned long number) noexcept {
  if (is_windows_exhaustion(number)) return Error::resource_exhausted;
  if (number == ERROR_ACCESS_DENIED || number == ERROR_PRIVILEGE_NOT_HELD) return Error::permission_denied;
  return Error::io_error;
}

}  // namespace penstock
