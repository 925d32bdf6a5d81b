// What a policy must ask the operating system: who a name is, and which file stands at a path.
#pragma once

#include <cstdint>
#include <string>

#include "penstock/native.hpp"
#include "penstock/result.hpp"

namespace penstock::protocol {

/// A user or group by name, as the system's own look-up has it (getpwnam_r, getgrnam_r; LookupAccountName). policy_invalid,
/// with what is wrong and what to do, when there is none or the look-up itself failed: a rule that means nobody is not
/// quietly kept.
[[nodiscard]] result<user_id> find_user(const std::string& name);
[[nodiscard]] result<user_id> find_group(const std::string& name);

/// The user or group that the platform writes as a plain number. policy_invalid where it writes none so.
[[nodiscard]] result<user_id> numbered_user(std::uint32_t number);

/// This process's effective user.
[[nodiscard]] user_id effective_user() noexcept;

/// What stands for a user in the handshake's prologue (docs/PROTOCOL.md, "Prologue").
[[nodiscard]] std::uint64_t user_number(const user_id& user) noexcept;

/// A file, whatever it is called.
struct FileNumber {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
};

/// The file that `path` leads to now, links followed, as it does when a program is started. invalid_argument.
[[nodiscard]] result<FileNumber> find_file(const std::string& path);

/// The program that stands at `path` now. It is a regular, executable file, reached through no link, that nobody but
/// root and its owner could have put there: file and directories belong to these two, and group and others may not
/// write them. A parent that everybody may write is accepted only with the sticky bit, and only if all below it belongs
/// to root or to us: otherwise anybody could take the place once its owner has left it. policy_invalid, with a sentence
/// that names path, owner and mode and says what to run.
[[nodiscard]] result<FileNumber> find_trusted_program(const std::string& path);

}  // namespace penstock::protocol
