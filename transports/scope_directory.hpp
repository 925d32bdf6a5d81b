// Where the listeners of a scope stand when nobody names a directory.
#pragma once

#include "penstock/endpoint.hpp"

namespace penstock::transport {

/// A directory, and how many of its last components a listener may make, with which permission bits.
struct ScopeDirectory {
  std::string path;
  int own_components = 0;
  unsigned mode = 0;
};

/// As the table in penstock/endpoint.hpp says. unsupported for Scope::session in a process without an audit session.
[[nodiscard]] result<ScopeDirectory> scope_directory(Scope scope);

/// The longest path that the platform takes, in bytes, with the terminator.
[[nodiscard]] std::size_t longest_path() noexcept;

}  // namespace penstock::transport
