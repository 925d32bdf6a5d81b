// Endpoints that only one test has, and files to pass as handles.
#pragma once

#include <string>
#include <string_view>

#include "penstock/endpoint.hpp"
#include "penstock/handle.hpp"
#include "tests/support/temp_directory.hpp"

namespace penstock::test {

/// In the directory; on Windows, where pipes have none, a name that is made from the directory's and so nobody else's. A second
/// process that is told the path makes the same endpoint.
[[nodiscard]] Endpoint endpoint_in(const std::string& directory, const char* name = "test", Scope scope = Scope::user);
[[nodiscard]] inline Endpoint endpoint_in(const TempDirectory& directory, const char* name = "test", Scope scope = Scope::user) {
  return endpoint_in(directory.path(), name, scope);
}

/// Where a program that knows nothing of Penstock finds it: the socket's path, the pipe's name.
[[nodiscard]] std::string address_of(const Endpoint& endpoint);

/// A file with no name, or none for long, that holds `text`.
[[nodiscard]] Handle file_with(std::string_view text);
/// What stands at its beginning, at most 64 bytes.
[[nodiscard]] std::string text_of(native_handle file);
/// Would a child that this process starts get it?
[[nodiscard]] bool is_inherited(native_handle handle);

}  // namespace penstock::test
