#include <fmt/format.h>
#include <windows.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>

#include "crypto/windows_text.hpp"
#include "tests/support/permissions.hpp"
#include "tests/support/temp_directory.hpp"

namespace penstock::test {

TempDirectory::TempDirectory() {
  std::array<wchar_t, MAX_PATH + 1> temporary{};
  if (::GetTempPathW(static_cast<DWORD>(temporary.size()), temporary.data()) == 0) std::abort();
  static unsigned number = 0;
  do {
    path_ = fmt::format("{}penstock-test-{}-{}-{}", to_utf8(temporary.data()), ::GetCurrentProcessId(),
                        ::GetTickCount64(), number++);
  } while (!::CreateDirectoryW(to_wide(path_).value().c_str(), nullptr) && ::GetLastError() == ERROR_ALREADY_EXISTS);
  set_mode(path_, 0700);
}

TempDirectory::~TempDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(to_wide(path_).value(), ignored);
}

std::string TempDirectory::file(const std::string& name) const {
  auto path = path_ + '\\' + name;
  std::ranges::replace(path, '/', '\\');
  return path;
}

}  // namespace penstock::test
