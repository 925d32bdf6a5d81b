// Sources: NtCreateFile (OBJECT_ATTRIBUTES::RootDirectory), FILE_RENAME_INFORMATION, "Reparse Points", "Naming Files,
// Paths, and Namespaces", FILE_FS_DEVICE_INFORMATION.
#include "crypto/nt_file_windows.hpp"

#include <fmt/format.h>
#include <windows.h>

#include <winternl.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <new>
#include <vector>

#include "crypto/windows_text.hpp"

namespace penstock::crypto {
namespace {

constexpr std::uint32_t looking = FILE_READ_ATTRIBUTES | READ_CONTROL | SYNCHRONIZE;
// Looking keeps nobody from anything: it is the handle that counts, not the name.
constexpr std::uint32_t share_all = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;

Failure cannot_open(Error code, const std::string& path, unsigned long number) {
  return Failure(code, fmt::format("{} cannot be opened ({}): check that it exists and that {} may use it.", path,
                                   windows_reason(number), to_text(process_user())));
}

// The whole path in the one form that can be walked: X:\ and components.
result<std::wstring> absolute_path(const std::string& path, Error unreadable) {
  const auto wide = to_wide(path.empty() ? std::string(".") : path);
  if (!wide) return Failure(unreadable, fmt::format("\"{}\" is no path: it is not UTF-8, or holds a zero byte.", path));
  std::wstring full(32768, L'\0');
  const auto size = ::GetFullPathNameW(wide->c_str(), static_cast<DWORD>(full.size()), full.data(), nullptr);
  if (size == 0 || size >= full.size())
    return cannot_open(unreadable, path, size == 0 ? ::GetLastError() : ERROR_BUFFER_OVERFLOW);
  full.resize(size);
  const bool letter =
      full.size() >= 3 && ((full[0] >= L'A' && full[0] <= L'Z') || (full[0] >= L'a' && full[0] <= L'z'));
  // A further colon would be a stream beside the contents of a file, a star a search.
  if (!letter || full[1] != L':' || full[2] != L'\\' || full.find_first_of(L":*?\"<>|", 2) != std::wstring::npos) {
    return Failure(unreadable,
                   fmt::format("{} is not a path on a drive of this machine: write it as C:\\… (a file of another "
                               "machine, a device or a stream is not trusted).",
                               path));
  }
  while (full.size() > 3 && full.back() == L'\\') full.pop_back();
  return full;
}

// A drive that is somebody else's machine has somebody else's users; one without lists has no owners; a letter that
// stands for a directory (subst) hides those above it.
result<void> check_drive(native_handle root, const std::string& path, Error unsafe_) {
  IO_STATUS_BLOCK status{};
  FILE_FS_DEVICE_INFORMATION device{};
  // FILE_REMOTE_DEVICE, and FILE_REMOVABLE_MEDIA: lists that anybody could have written elsewhere.
  constexpr ULONG elsewhere = 0x10 | 0x01;
  if (::NtQueryVolumeInformationFile(root, &status, &device, sizeof device, FileFsDeviceInformation) < 0 ||
      (device.Characteristics & elsewhere) != 0) {
    return Failure(unsafe_, fmt::format("{} is not a fixed drive of this machine: keep the file on one that is.", path));
  }
  DWORD flags = 0;
  if (!::GetVolumeInformationByHandleW(root, nullptr, 0, nullptr, nullptr, &flags, nullptr, 0) ||
      (flags & FILE_PERSISTENT_ACLS) == 0) {
    return Failure(unsafe_,
                   fmt::format("The drive {} has no access-control lists, so that everybody may change what is on it: "
                               "keep the file on one that has them (NTFS).",
                               path));
  }
  wchar_t name[8];
  const auto size = ::GetFinalPathNameByHandleW(root, name, 8, VOLUME_NAME_NONE);
  if (size != 1 || name[0] != L'\\') {
    return Failure(
        unsafe_,
        fmt::format("The drive {} stands for a directory of another one (subst): write the path there.", path));
  }
  return {};
}

result<Step> step_of(Handle handle, std::wstring_view path, bool last, Error unreadable, Error unsafe_) {
  Step step{to_utf8(path), std::move(handle), 0, {}, last};
  step.attributes = file_attributes(step.handle.get());
  if (step.attributes == 0) return cannot_open(unreadable, step.path, ::GetLastError());
  if (is_reparse_point(step.attributes)) {
    return Failure(
        unsafe_,
        fmt::format("{} is a reparse point (a symbolic link, a junction or the like), which may lead elsewhere "
                    "tomorrow: name the file itself.",
                    step.path));
  }
  if (!last && (step.attributes & FILE_ATTRIBUTE_DIRECTORY) == 0) {
    return cannot_open(unreadable, step.path, ERROR_DIRECTORY);
  }
  auto access = read_file_access(step.handle.get());
  if (!access) return cannot_open(unreadable, step.path, ::GetLastError());
  step.access = std::move(*access);
  return step;
}

}  // namespace

OpenedAt open_at(native_handle directory, std::wstring_view name, const OpenAt& how) {
  OpenedAt opened;
  if (name.empty() || name.size() > 0x7FFF || name.find(L'\\') != std::wstring_view::npos) {
    opened.error = ERROR_INVALID_NAME;
    return opened;
  }
  UNICODE_STRING text{};
  text.Buffer = const_cast<wchar_t*>(name.data());
  text.Length = text.MaximumLength = static_cast<USHORT>(name.size() * sizeof(wchar_t));
  OBJECT_ATTRIBUTES object{};
  object.Length = sizeof object;
  object.RootDirectory = directory;
  object.ObjectName = &text;
  object.Attributes = OBJ_CASE_INSENSITIVE;
  object.SecurityDescriptor = how.security;
  IO_STATUS_BLOCK status{};
  HANDLE handle = nullptr;
  const auto answer =
      ::NtCreateFile(&handle, how.access | SYNCHRONIZE, &object, &status, nullptr, FILE_ATTRIBUTE_NORMAL, how.share,
                     how.disposition, how.options | FILE_SYNCHRONOUS_IO_NONALERT | FILE_OPEN_REPARSE_POINT, nullptr, 0);
  if (answer < 0) {
    opened.error = ::RtlNtStatusToDosError(answer);
  } else {
    opened.handle = Handle(handle);
  }
  return opened;
}

unsigned long rename_at(native_handle file, native_handle directory, std::wstring_view name) {
  const auto bytes = name.size() * sizeof(wchar_t);
  alignas(FILE_RENAME_INFORMATION) std::array<std::byte, sizeof(FILE_RENAME_INFORMATION) + 1024> buffer{};
  if (name.empty() || bytes > 1024) return ERROR_INVALID_NAME;
  auto* rename = new (buffer.data()) FILE_RENAME_INFORMATION{};
  rename->RootDirectory = directory;
  rename->FileNameLength = static_cast<ULONG>(bytes);
  std::memcpy(buffer.data() + offsetof(FILE_RENAME_INFORMATION, FileName), name.data(), bytes);
  IO_STATUS_BLOCK status{};
  const auto answer =
      ::NtSetInformationFile(file, &status, buffer.data(), static_cast<ULONG>(buffer.size()), FileRenameInformation);
  return answer < 0 ? ::RtlNtStatusToDosError(answer) : 0;
}

std::uint32_t file_attributes(native_handle file) noexcept {
  // FILE_ATTRIBUTE_TAG_INFO is what FILE_BASIC_INFO leaves open: whether it is a reparse point at all.
  BY_HANDLE_FILE_INFORMATION information{};
  return ::GetFileInformationByHandle(file, &information) ? information.dwFileAttributes : 0;
}

bool is_reparse_point(std::uint32_t attributes) noexcept {
  return (attributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0;
}

result<Handle> walk_down(const std::string& path, Error unreadable, Error unsafe_,
                         const std::function<result<void>(const Step&)>& look) {
  const auto full = absolute_path(path, unreadable);
  if (!full) return full.error();
  std::size_t at = 3;
  const auto root = full->substr(0, at);
  const HANDLE opened = ::CreateFileW(root.c_str(), looking, share_all, nullptr, OPEN_EXISTING,
                                      FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT, nullptr);
  if (opened == INVALID_HANDLE_VALUE) return cannot_open(unreadable, to_utf8(root), ::GetLastError());
  Handle handle(opened);
  if (auto checked = check_drive(handle.get(), to_utf8(root), unsafe_); !checked) return checked.error();
  for (;;) {
    const bool last = at >= full->size();
    const auto so_far = std::wstring_view(*full).substr(0, at > 3 && !last ? at - 1 : at);
    auto step = step_of(std::move(handle), so_far, last, unreadable, unsafe_);
    if (!step) return step.error();
    if (auto looked = look(*step); !looked) return looked.error();
    if (last) return std::move(step->handle);

    const auto end = std::min(full->find(L'\\', at), full->size());
    const auto name = std::wstring_view(*full).substr(at, end - at);
    auto next = open_at(step->handle.get(), name, {.access = looking, .share = share_all, .disposition = FILE_OPEN});
    if (!next.handle) return cannot_open(unreadable, to_utf8(std::wstring_view(*full).substr(0, end)), next.error);
    handle = std::move(next.handle);
    at = std::min(end + 1, full->size());
  }
}

result<void> check_trusted_file(native_handle file, const std::string& path, FileRole role, Error unreadable,
                                Error unsafe_) {
  const auto attributes = file_attributes(file);
  if (attributes != 0 && is_reparse_point(attributes)) {
    return Failure(
        unsafe_,
        fmt::format("{} is a reparse point (a symbolic link or the like), which may lead elsewhere tomorrow: name "
                    "the file itself.",
                    path));
  }
  if (attributes == 0 || (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0 || ::GetFileType(file) != FILE_TYPE_DISK) {
    return Failure(unsafe_, fmt::format("{} is not a regular file: name one that is.", path));
  }
  const auto access = read_file_access(file);
  if (!access) return cannot_open(unreadable, path, ::GetLastError());
  const auto fault = find_access_fault(*access, role, process_user());
  if (fault) return access_failure(unsafe_, path, role, *fault, process_user());
  return {};
}

}  // namespace penstock::crypto
