// Sources: CreateProcessW ("Security Remarks"), CVE-2024-24576 (arguments of batch files).
#include "tool/find_program_windows.hpp"

#include <fmt/format.h>
#include <windows.h>

#include <algorithm>
#include <cwctype>
#include <optional>

#include "crypto/windows_text.hpp"
#include "tool/environment.hpp"

namespace penstock::tool {
namespace {

std::wstring extension_of(std::wstring_view path) {
  const auto at = path.find_last_of(L".\\/:");
  if (at == std::wstring_view::npos || path[at] != L'.') return {};
  std::wstring out(path.substr(at));
  std::ranges::transform(out, out.begin(), [](wchar_t c) { return static_cast<wchar_t>(std::towlower(c)); });
  return out;
}

bool is_file(const std::wstring& path) {
  const auto attributes = ::GetFileAttributesW(path.c_str());
  return attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_DIRECTORY) == 0;
}

bool is_program(const std::wstring& path) {
  const auto extension = extension_of(path);
  return (extension == L".exe" || extension == L".com") && is_file(path);
}

/// With or without its extension.
std::optional<std::wstring> program_at(const std::wstring& path) {
  if (is_program(path)) return path;
  if (is_program(path + L".exe")) return path + L".exe";
  return std::nullopt;
}

std::wstring full_path(const std::wstring& path) {
  std::wstring out(32768, L'\0');
  const auto size = ::GetFullPathNameW(path.c_str(), static_cast<DWORD>(out.size()), out.data(), nullptr);
  if (size == 0 || size >= out.size()) return path;
  out.resize(size);
  return out;
}

Failure cannot_be_run(const std::string& program, const std::wstring& path) {
  const auto extension = extension_of(path);
  // How cmd.exe takes arguments apart cannot be told to it in a way that holds: what a peer or a user wrote could run there.
  if (extension == L".bat" || extension == L".cmd") {
    return Failure(Error::permission_denied,
                   fmt::format("{} is a batch file, whose arguments cannot be handed on safely; name cmd.exe and what it is "
                               "to do yourself",
                               program));
  }
  const bool there = ::GetFileAttributesW(path.c_str()) != INVALID_FILE_ATTRIBUTES;
  return Failure(there ? Error::permission_denied : Error::not_found,
                 fmt::format("{} cannot be run ({}); name a program that this user may execute", program,
                             there ? "it is no .exe" : "there is no such file"));
}

}  // namespace

result<std::wstring> find_program_file(const std::string& program) {
  const auto wide = to_wide(program);
  if (!wide) return Failure(Error::not_found, "the program's name is no UTF-8; write it anew");
  if (wide->find_first_of(L"\\/:") != std::wstring::npos) {
    const auto path = full_path(*wide);
    if (auto found = program_at(path)) return std::move(*found);
    return cannot_be_run(program, path);
  }
  const auto listed = to_wide(variable("PATH").value_or("")).value_or(L"");
  std::wstring_view left = listed;
  while (!program.empty() && !left.empty()) {
    const auto end = std::min(left.find(L';'), left.size());
    std::wstring directory(left.substr(0, end));
    std::erase(directory, L'"');
    if (!directory.empty()) {
      if (auto found = program_at(full_path(directory + L'\\' + *wide))) return std::move(*found);
    }
    left.remove_prefix(std::min(end + 1, left.size()));
  }
  return Failure(Error::not_found,
                 fmt::format("there is no program \"{}\" in PATH; install it, or name its path", program));
}

}  // namespace penstock::tool
