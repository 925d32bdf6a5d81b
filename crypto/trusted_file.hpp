// Files that decide who is trusted: keys and policy. They are read only where nobody else can have put or changed them.
// Not cryptography; it stands in the lowest layer because both keys and policy need it.
//
// Said here in terms of Linux. On Windows root is SYSTEM, Administrators and TrustedInstaller; a mode is the file's
// access-control list; a link is any reparse point (file_access_windows.hpp has the rights).
#pragma once

#include <cstddef>
#include <string>

#include "penstock/bytes.hpp"
#include "penstock/handle.hpp"
#include "penstock/result.hpp"

namespace penstock::crypto {

/// What a file must be, and which errors say that it is not.
struct TrustedFileRules {
  bool secret = false;       ///< nobody else may even read it
  std::size_t max_size = 0;  ///< bytes; a larger file is `unreadable`
  Error unreadable = Error::io_error;
  Error unsafe_ = Error::permission_denied;
};

/// Opens a directory for use as the *at(2) calls' first argument (O_PATH). Walks down from the root by one descriptor
/// at a time, so that what was checked is what is used: no component is a link; each belongs to root or to us; none may
/// be written by group or others, but for parents with the sticky bit, such as /tmp. `path` may be relative; empty is
/// the current directory. `unreadable` or `unsafe_`, with a sentence that names path, owner and mode, and says what
/// to run.
[[nodiscard]] result<Handle> open_trusted_directory(const std::string& path, Error unreadable, Error unsafe_);

/// Opens `path` for reading: a regular file, not a link, of root's or ours, in a trusted directory, that group and
/// others may not write (nor read, for a secret). All of it is asked of the open descriptor, so nothing can be swapped
/// after the check. Does not block on a FIFO. Errors as above.
[[nodiscard]] result<Handle> open_trusted_file(const std::string& path, const TrustedFileRules& rules);

/// Reads until `out` is full or the file ends; returns the bytes read. io_error.
[[nodiscard]] result<std::size_t> read_up_to(const Handle& file, bytes_span out);

/// The whole contents. For secrets use open_trusted_file and read into a SecretSlot instead: a string is not locked
/// memory, and nobody wipes it.
[[nodiscard]] result<std::string> read_trusted_file(const std::string& path, const TrustedFileRules& rules);

/// Creates `path` with exactly these contents and permission bits, in a trusted directory, synced to disk. It appears
/// whole or not at all, and replaces nothing. invalid_argument (something stands there), `unreadable` (no such
/// directory), `unsafe_`, permission_denied, resource_exhausted (disk full, quota, RLIMIT_FSIZE), io_error.
[[nodiscard]] result<void> write_new_file(const std::string& path, unsigned permissions, bytes_view contents,
                                          Error unreadable, Error unsafe_);

/// A path's directory ("" where it has none) and last component.
struct SplitPath {
  std::string directory, name;
};
/// `unreadable` when the last component is empty, "." or "..", or the path holds a zero byte.
[[nodiscard]] result<SplitPath> split_path(const std::string& path, Error unreadable);

}  // namespace penstock::crypto
