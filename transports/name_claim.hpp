// Who may stand at a name: one process, as long as it lives (ATK-01).
#pragma once

#include <string>

#include "penstock/handle.hpp"
#include "penstock/result.hpp"

namespace penstock::transport {

/// What stands at a name, of what fstatat(2) says. Apart, so that a table can test the rule.
struct EntryFacts {
  unsigned type_and_mode = 0;
  std::uint32_t owner = 0;
};

/// Exactly a socket of this owner with this mode, as it must be after bind (ATK-08); else socket_unsafe with a
/// sentence.
[[nodiscard]] result<void> check_bound_socket(const EntryFacts& facts, std::uint32_t owner, unsigned mode,
                                              const std::string& path);

/// Locks NAME.lock in an opened, checked directory. The kernel drops the lock with the process, whatever ends it, so
/// that no leftover has to be guessed about. name_in_use (with the holder's number), socket_unsafe, permission_denied,
/// io_error.
///
/// The file stays when the listener goes: if it were removed, one process could lock the removed file and another a new
/// one of the same name, and both would believe that the name is theirs.
[[nodiscard]] result<Handle> lock_name(const Handle& directory, const std::string& name, const std::string& path);

/// With the lock held: removes a socket that a crashed listener left. name_in_use when somebody answers it all the
/// same, socket_unsafe when it is not a socket of ours; neither is touched.
[[nodiscard]] result<void> clear_leftover(const Handle& directory, const std::string& name, const std::string& path);

}  // namespace penstock::transport
