// The file that this process runs. Source: GetModuleFileNameW.
#pragma once

#include <windows.h>

#include <filesystem>
#include <string>

namespace penstock::tool {

[[nodiscard]] inline std::filesystem::path own_program() {
  std::wstring path(32768, L'\0');
  path.resize(::GetModuleFileNameW(nullptr, path.data(), static_cast<DWORD>(path.size())));
  return path;
}

}  // namespace penstock::tool
