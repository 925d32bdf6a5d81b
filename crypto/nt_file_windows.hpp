// Files by the handle of their directory, as openat(2) has them: what was checked is what is used, whatever happens to
// names.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "crypto/file_access_windows.hpp"
#include "penstock/handle.hpp"

namespace penstock::crypto {

/// How to open: as the arguments of NtCreateFile have it.
struct OpenAt {
  std::uint32_t access = 0;
  std::uint32_t share = 0;
  std::uint32_t disposition = 0;  ///< FILE_OPEN, FILE_CREATE, FILE_OPEN_IF
  std::uint32_t options = 0;      ///< besides synchronous, and the reparse point itself instead of where it leads
  void* security = nullptr;       ///< a SECURITY_DESCRIPTOR for a new file
};

struct OpenedAt {
  Handle handle;
  unsigned long error = 0;  ///< a Windows error number where there is no handle
};

/// One component below `directory`. Never follows a link; the caller looks whether it is one (is_reparse_point).
[[nodiscard]] OpenedAt open_at(native_handle directory, std::wstring_view name, const OpenAt& how);

/// Gives an open file (DELETE) a name in `directory`. Never replaces: ERROR_ALREADY_EXISTS. Else a Windows error, or 0.
[[nodiscard]] unsigned long rename_at(native_handle file, native_handle directory, std::wstring_view name);

/// FILE_ATTRIBUTE_…, and 0 if the system will not say, which no file has.
[[nodiscard]] std::uint32_t file_attributes(native_handle file) noexcept;

/// A symbolic link, a junction, a mount point, or something else that is not where it seems to be.
[[nodiscard]] bool is_reparse_point(std::uint32_t attributes) noexcept;

/// One place on the way from the drive's root to a file.
struct Step {
  std::string path;
  Handle handle;  ///< for use as open_at's directory
  std::uint32_t attributes = 0;
  FileAccess access;
  bool last = false;
};

/// Opens every component of `path` from the drive's root down, each by the handle of the one above, and shows it to
/// `look`, which may keep it or refuse. None is a reparse point. The drive is this machine's and has access-control
/// lists, and its letter stands for its root (no network drive, no `subst`). `path` may be relative; empty is the
/// current directory.
[[nodiscard]] result<Handle> walk_down(const std::string& path, Error unreadable, Error unsafe_,
                                       const std::function<result<void>(const Step&)>& look);

/// What open_trusted_file asks of an open file, but for its size.
[[nodiscard]] result<void> check_trusted_file(native_handle file, const std::string& path, FileRole role,
                                              Error unreadable, Error unsafe_);

}  // namespace penstock::crypto
