// The walk from "/" to the directory of an endpoint, one opened component at a time (ATK-11).
#pragma once

#include <span>
#include <string>

#include "penstock/handle.hpp"
#include "penstock/result.hpp"
#include "transports/scope_directory.hpp"

namespace penstock::transport {

/// Whose files are believed: root's, our own, and those of the users that policy admits as servers.
struct TrustedUsers {
  std::uint32_t self = 0;
  std::span<const std::uint32_t> servers = {};
  [[nodiscard]] bool contains(std::uint32_t user) const noexcept;
};

/// What fstat(2) says that matters, apart so that a table can test the rule.
struct DirectoryFacts {
  std::uint32_t owner = 0;
  unsigned mode = 0;  ///< permission bits with the sticky bit
};

/// directory_unsafe, with a sentence that names `path`, unless nobody but trusted users can change what it holds. A
/// parent may be writable by others when it is sticky, as /tmp is: they cannot touch our entry. The last one may not.
[[nodiscard]] result<void> check_directory(const DirectoryFacts& facts, bool last, const TrustedUsers& users,
                                           const std::string& path);

/// Opens `path` (O_PATH), having checked each component on the way; what was checked cannot be swapped afterwards,
/// since each is reached through the opened one above it. directory_unsafe, not_found, permission_denied,
/// resource_exhausted.
[[nodiscard]] result<Handle> open_directory(const std::string& path, const TrustedUsers& users);

/// The same, but makes the last `own_components` of them where they are missing, with exactly that mode.
[[nodiscard]] result<Handle> make_directory(const ScopeDirectory& directory, const TrustedUsers& users);

/// A path for bind(2) and connect(2), which take no directory descriptor: `/proc/self/fd/N/NAME`. unsupported where
/// /proc is not there or shows something else.
[[nodiscard]] result<std::string> path_within(const Handle& directory, const std::string& name);

}  // namespace penstock::transport
