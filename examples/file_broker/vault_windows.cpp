// Sources: NtCreateFile, "Reparse Points", "Naming Files, Paths, and Namespaces", ReOpenFile.
#include <windows.h>
// Needs the one above.
#include <winternl.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <system_error>

#include "vault.hpp"

namespace file_broker {
namespace {

constexpr ULONG everybody_may = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;

// mingw-w64 has these in the DDK's ntstatus.h, which does not mix with windows.h.
constexpr auto file_is_a_directory = static_cast<NTSTATUS>(0xC00000BA);
constexpr auto name_not_found = static_cast<NTSTATUS>(0xC0000034);
constexpr auto path_not_found = static_cast<NTSTATUS>(0xC000003A);
constexpr auto name_invalid = static_cast<NTSTATUS>(0xC0000033);
constexpr auto not_a_directory = static_cast<NTSTATUS>(0xC0000103);
constexpr auto no_such_file = static_cast<NTSTATUS>(0xC000000F);

std::wstring wide(std::string_view utf8) {
  return std::filesystem::path(std::u8string(utf8.begin(), utf8.end())).wstring();
}

Outcome outcome_of(NTSTATUS status) {
  switch (status) {
    case name_not_found:
    case path_not_found:
    case name_invalid:
    case not_a_directory:
    case no_such_file:
      return Outcome::not_found;
    case file_is_a_directory:
      return Outcome::not_a_file;
    default:
      return Outcome::failed;
  }
}

struct Found {
  Outcome outcome = Outcome::opened;
  penstock::Handle handle;
};

/// What an opened thing is, asked of the handle: no name is looked up a second time.
Outcome kind_of(const penstock::Handle& handle, bool directory) {
  FILE_ATTRIBUTE_TAG_INFO info{};
  if (::GetFileType(handle.get()) != FILE_TYPE_DISK) return Outcome::not_a_file;
  if (::GetFileInformationByHandleEx(handle.get(), FileAttributeTagInfo, &info, sizeof info) == 0) return Outcome::failed;
  // Links, junctions, mount points, and whatever a filter makes of a name.
  if ((info.FileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0) return Outcome::outside;
  const bool is_directory = (info.FileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
  if (is_directory == directory) return Outcome::opened;
  return directory ? Outcome::not_found : Outcome::not_a_file;
}

// One component, looked up in the opened directory itself by the file system: no drive, device or current directory is ever
// part of it, and a directory that is swapped meanwhile is not the one that is held.
Found open_component(const penstock::Handle& directory, std::string_view component, bool want_directory) {
  auto name = wide(component);
  UNICODE_STRING text{static_cast<USHORT>(name.size() * sizeof(wchar_t)), static_cast<USHORT>(name.size() * sizeof(wchar_t)),
                      name.data()};
  OBJECT_ATTRIBUTES attributes{};
  attributes.Length = sizeof attributes;
  attributes.RootDirectory = directory.get();
  attributes.ObjectName = &text;
  IO_STATUS_BLOCK status{};
  HANDLE raw = nullptr;
  // Attributes alone: nothing happens to the file until it is known to be a plain one.
  const ACCESS_MASK access = FILE_READ_ATTRIBUTES | SYNCHRONIZE | (want_directory ? FILE_TRAVERSE : 0);
  const ULONG options = FILE_OPEN_REPARSE_POINT | FILE_SYNCHRONOUS_IO_NONALERT | (want_directory ? FILE_DIRECTORY_FILE : 0);
  const auto opened =
      ::NtCreateFile(&raw, access, &attributes, &status, nullptr, 0, everybody_may, FILE_OPEN, options, nullptr, 0);
  if (opened < 0) return {outcome_of(opened), {}};
  penstock::Handle handle(raw);
  const auto kind = kind_of(handle, want_directory);
  if (kind != Outcome::opened) return {kind, {}};
  return {Outcome::opened, std::move(handle)};
}

/// Walks down from `start` and never above it. Each directory on the way stays open, so that ".." is a step back to the one we
/// came from, and no look-up.
Found walk(const penstock::Handle& start, std::string_view path, bool want_directory) {
  std::vector<penstock::Handle> way;
  const auto here = [&]() -> const penstock::Handle& { return way.empty() ? start : way.back(); };
  while (!path.empty()) {
    const auto end = std::min(path.find('/'), path.size());
    const auto component = path.substr(0, end);
    const bool last = path.find_first_not_of('/', end) == std::string_view::npos;
    // "file/" names no file, as elsewhere.
    const bool directory = want_directory || !last || end < path.size();
    path.remove_prefix(std::min(end + 1, path.size()));
    if (component.empty() || component == ".") continue;
    if (component == "..") {
      if (way.empty()) return {Outcome::outside, {}};
      way.pop_back();
      continue;
    }
    auto found = open_component(here(), component, directory);
    if (found.outcome != Outcome::opened || !directory) return found;
    way.push_back(std::move(found.handle));
  }
  if (!want_directory) return {Outcome::not_a_file, {}};  // it ended in a directory
  if (!way.empty()) return {Outcome::opened, std::move(way.back())};
  HANDLE copy = nullptr;
  const auto self = ::GetCurrentProcess();
  if (::DuplicateHandle(self, start.get(), self, &copy, 0, FALSE, DUPLICATE_SAME_ACCESS) == 0) return {Outcome::failed, {}};
  return {Outcome::opened, penstock::Handle(copy)};
}

}  // namespace

Vault::Vault(const std::string& root, std::vector<std::string> allowed) : allowed_(std::move(allowed)) {
  const auto raw = ::CreateFileW(wide(root).c_str(), FILE_TRAVERSE | FILE_READ_ATTRIBUTES | SYNCHRONIZE, everybody_may, nullptr,
                                 OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT, nullptr);
  if (raw == INVALID_HANDLE_VALUE) {
    trouble_ = std::system_category().message(static_cast<int>(::GetLastError()));
    return;
  }
  root_ = penstock::Handle(raw);
  if (kind_of(root_, true) == Outcome::opened) return;
  root_.reset();
  trouble_ = "it is no directory, or a link to one";
}

Vault::Opened Vault::open(std::string_view path) const {
  if (!well_formed(path)) return {Outcome::path_malformed, {}};
  const auto start = find_rule(path);
  if (!start) return {Outcome::not_allowed, {}};
  const auto directory = walk(root_, start->directory, true);
  if (directory.outcome != Outcome::opened) return {directory.outcome, {}};
  const auto found = walk(directory.handle, start->path, false);
  if (found.outcome != Outcome::opened) return {found.outcome, {}};
  // The very file behind the handle, for reading.
  const auto raw = ::ReOpenFile(found.handle.get(), GENERIC_READ, everybody_may, 0);
  if (raw == INVALID_HANDLE_VALUE) return {Outcome::failed, {}};
  return {Outcome::opened, penstock::Handle(raw)};
}

bool spelt_plainly(std::string_view component) noexcept {
  if (component.empty() || component == "." || component == "..") return true;
  // A backslash is a separator and a colon a drive or a stream; the others are patterns, or in no file's name.
  if (component.find_first_of("\\:*?\"<>|") != std::string_view::npos) return false;
  if (component.back() == '.' || component.back() == ' ') return false;  // dropped by Win32: another name for another file
  // A device, whatever extension follows, and in every directory.
  auto stem = component.substr(0, component.find('.'));
  while (stem.ends_with(' ')) stem.remove_suffix(1);
  const auto is = [&](std::string_view device) {
    return std::ranges::equal(stem, device, [](char a, char b) { return (a >= 'a' && a <= 'z' ? a - 32 : a) == b; });
  };
  for (const auto* device : {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$", "CLOCK$"}) {
    if (is(device)) return false;
  }
  // COM1 and LPT1 with any digit, the superscript ones among them.
  for (const std::string_view port : {"COM", "LPT"}) {
    for (const auto* digit : {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "\u00b9", "\u00b2", "\u00b3"}) {
      if (is(std::string(port) + digit)) return false;
    }
  }
  return true;
}

}  // namespace file_broker
