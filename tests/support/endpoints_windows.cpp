#include <windows.h>

#include <array>
#include <cstdlib>
#include <stdexcept>

#include "crypto/windows_text.hpp"
#include "tests/support/endpoints.hpp"

namespace penstock::test {

Endpoint endpoint_in(const std::string& directory, const char* name, Scope scope) {
  auto made = Endpoint::make(directory.substr(directory.find_last_of("\\/") + 1) + '-' + name, scope);
  if (!made) throw std::runtime_error(std::string(made.error().sentence()));
  return *made;
}

Handle file_with(std::string_view text) {
  std::array<wchar_t, MAX_PATH + 1> directory{};
  std::array<wchar_t, MAX_PATH + 1> path{};
  if (::GetTempPathW(MAX_PATH, directory.data()) == 0 || ::GetTempFileNameW(directory.data(), L"pen", 0, path.data()) == 0) std::abort();
  const auto raw = ::CreateFileW(path.data(), GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                                 nullptr, CREATE_ALWAYS, FILE_FLAG_DELETE_ON_CLOSE | FILE_ATTRIBUTE_TEMPORARY, nullptr);
  if (raw == INVALID_HANDLE_VALUE) std::abort();
  Handle file(raw);
  DWORD done = 0;
  if (::WriteFile(raw, text.data(), static_cast<DWORD>(text.size()), &done, nullptr) == 0 || done != text.size()) std::abort();
  return file;
}

std::string text_of(native_handle file) {
  std::array<char, 64> text{};
  OVERLAPPED at_begin{};
  DWORD got = 0;
  if (::ReadFile(file, text.data(), static_cast<DWORD>(text.size()), &got, &at_begin) == 0) return {};
  return {text.data(), got};
}

bool is_inherited(native_handle handle) {
  DWORD flags = 0;
  return ::GetHandleInformation(handle, &flags) == 0 || (flags & HANDLE_FLAG_INHERIT) != 0;
}

}  // namespace penstock::test
