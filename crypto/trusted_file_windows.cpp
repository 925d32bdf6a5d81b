// Sources: NtCreateFile, GetFileSizeEx, ReadFile, "Naming Files, Paths, and Namespaces".
#include "crypto/trusted_file.hpp"

#include <fmt/format.h>
#include <windows.h>

#include <winternl.h>

#include <algorithm>

#include "crypto/nt_file_windows.hpp"
#include "crypto/windows_text.hpp"

namespace penstock::crypto {
namespace {

Failure cannot_open(Error code, const std::string& path, unsigned long number) {
  const char* const what = number == ERROR_SHARING_VIOLATION
                               ? "another program holds it; if that writes it, let it finish"
                               : "check that it exists and that this user may read it";
  return Failure(code, fmt::format("{} cannot be opened ({}): {}.", path, windows_reason(number), what));
}

// NUL, CON, COM1 and their like: Windows takes them for devices wherever they stand, and a file that had such a name
// could not be named by other programs.
bool names_device(const std::string& name) {
  const auto wide = to_wide(name);
  wchar_t full[MAX_PATH * 2];
  constexpr std::wstring_view device = L"\\\\.\\";
  const auto size = wide ? ::GetFullPathNameW(wide->c_str(), MAX_PATH * 2, full, nullptr) : 0;
  return size >= device.size() && size < MAX_PATH * 2 && std::wstring_view(full, size).starts_with(device);
}

}  // namespace

result<SplitPath> split_path(const std::string& path, Error unreadable) {
  const auto slash = path.find_last_of("/\\");
  SplitPath split;
  if (slash != std::string::npos) split.directory = path.substr(0, slash + 1);
  split.name = path.substr(slash == std::string::npos ? 0 : slash + 1);
  // A colon would name a stream beside the contents or a drive, the others a search; a dot or a space at the end names
  // the file without it to some functions of Windows and not to others.
  const bool names_file = !split.name.empty() && split.name.back() != '.' && split.name.back() != ' ' &&
                          split.name.find_first_of(":*?\"<>|") == std::string::npos &&
                          std::ranges::none_of(split.name, [](char c) { return static_cast<unsigned char>(c) < 0x20; });
  if (!names_file || path.find('\0') != std::string::npos || names_device(split.name)) {
    return Failure(unreadable, fmt::format("\"{}\" names no file: give the path of one.", path));
  }
  return split;
}

result<Handle> open_trusted_directory(const std::string& path, Error unreadable, Error unsafe_) {
  return walk_down(path, unreadable, unsafe_, [&](const Step& step) -> result<void> {
    if ((step.attributes & FILE_ATTRIBUTE_DIRECTORY) == 0) return cannot_open(unreadable, step.path, ERROR_DIRECTORY);
    const auto role = step.last ? FileRole::directory : FileRole::parent;
    const auto fault = find_access_fault(step.access, role, process_user());
    if (fault) return access_failure(unsafe_, step.path, role, *fault, process_user());
    return {};
  });
}

result<Handle> open_trusted_file(const std::string& path, const TrustedFileRules& rules) {
  auto split = split_path(path, rules.unreadable);
  if (!split) return split.error();
  const auto name = to_wide(split->name);
  if (!name) return Failure(rules.unreadable, fmt::format("\"{}\" is no path: it is not UTF-8.", path));
  auto directory = open_trusted_directory(split->directory, rules.unreadable, rules.unsafe_);
  if (!directory) return directory.error();

  // Not shared for writing: while we read nobody writes, nor has anybody a handle from before the list was what it is.
  auto opened = open_at(directory->get(), *name,
                        {.access = FILE_READ_DATA | FILE_READ_ATTRIBUTES | READ_CONTROL,
                         .share = FILE_SHARE_READ | FILE_SHARE_DELETE,
                         .disposition = FILE_OPEN});
  if (!opened.handle) return cannot_open(rules.unreadable, path, opened.error);
  const auto role = rules.secret ? FileRole::secret_file : FileRole::file;
  if (auto checked = check_trusted_file(opened.handle.get(), path, role, rules.unreadable, rules.unsafe_); !checked) {
    return checked.error();
  }
  LARGE_INTEGER size{};
  if (!::GetFileSizeEx(opened.handle.get(), &size)) return cannot_open(rules.unreadable, path, ::GetLastError());
  if (static_cast<unsigned long long>(size.QuadPart) > rules.max_size) {
    return Failure(rules.unreadable, fmt::format("{} has {} bytes, more than the {} that are read: name another file.",
                                                 path, size.QuadPart, rules.max_size));
  }
  return std::move(opened.handle);
}

result<std::size_t> read_up_to(const Handle& file, bytes_span out) {
  std::size_t size = 0;
  while (size < out.size()) {
    const auto part = static_cast<DWORD>(std::min<std::size_t>(out.size() - size, std::size_t{1} << 20));
    DWORD got = 0;
    if (!::ReadFile(file.get(), out.data() + size, part, &got, nullptr)) {
      const auto number = ::GetLastError();
      if (number == ERROR_HANDLE_EOF || number == ERROR_BROKEN_PIPE) break;
      return Failure(Error::io_error,
                     fmt::format("A file cannot be read ({}): see the system's log.", windows_reason(number)));
    }
    if (got == 0) break;
    size += got;
  }
  return size;
}

}  // namespace penstock::crypto
