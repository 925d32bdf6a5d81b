// Where the listeners of a scope stand when nobody names a directory. Windows: the beginning of the pipes' names.
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

/// A directory that somebody named, in the form in which equal ones are equal strings. invalid_argument, with a sentence, for what
/// is none, and where the platform's endpoints have no directories.
[[nodiscard]] result<std::string> named_directory(std::string_view directory);

/// What a listener of that name has there: a socket's path, a pipe's name.
[[nodiscard]] std::string endpoint_path(std::string_view directory, std::string_view name);

/// The longest path that the platform takes, in bytes, with the terminator.
[[nodiscard]] std::size_t longest_path() noexcept;

}  // namespace penstock::transport
