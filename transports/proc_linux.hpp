// What /proc tells about a process. None of it is worth anything unless the process is still there afterwards: a number
// that was reused in between names another one (ATK-04). Callers check the pidfd after these.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "penstock/identity.hpp"

namespace penstock::transport {

/// Facts about one process; empty where the kernel would not tell.
struct ProcessFacts {
  std::optional<Executable> executable;
  std::optional<std::uint32_t> login_session;
  std::optional<std::uint32_t> login_uid;
  std::optional<std::string> cgroup;
};

/// The /proc/PID directory of the process behind a pidfd. The number comes from the pidfd itself, in the numbering of
/// the very /proc that is mounted here. Invalid when it has ended or cannot be seen. Stays with that one process.
[[nodiscard]] Handle open_process_directory(native_handle pidfd);

/// Reads the facts from such a directory.
[[nodiscard]] ProcessFacts read_process_facts(const Handle& directory);

[[nodiscard]] std::optional<Executable> read_executable(const Handle& directory);

/// A file that was opened with O_PATH, opened again to be read: the same one, whatever stands at its name now. Invalid when
/// it may not be read, or is of a file system in user space (FUSE).
[[nodiscard]] Handle reopen_for_reading(const Handle& file);

/// A whole small file of /proc, at most 64 KiB.
[[nodiscard]] std::optional<std::string> read_proc_file(native_handle directory, const char* path);

/// The value of `Name:\t…` in the form that /proc/PID/status and fdinfo have.
[[nodiscard]] std::optional<std::string> status_field(const std::string& text, const char* name);

/// A decimal number that fills the whole text.
[[nodiscard]] std::optional<std::int64_t> parse_number(const std::string& text);

/// Has it begun to end? Its program is not shown any more then, and its pidfd does not tell yet.
[[nodiscard]] bool is_exiting(const Handle& directory);

/// The audit session of this process.
[[nodiscard]] std::optional<std::uint32_t> own_login_session();

}  // namespace penstock::transport
