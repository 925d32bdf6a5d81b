// Names of pipes. A name isolates nothing by itself: the same scope is in the pipe's access control and is verified of each
// peer. Source: "Pipe Names" (256 characters; one flat namespace for all sessions).
#include <fmt/format.h>

#include "transports/identify_windows.hpp"
#include "transports/scope_directory.hpp"

namespace penstock::transport {
namespace {

constexpr const char* root = R"(\\.\pipe\penstock)";

}  // namespace

std::size_t longest_path() noexcept {
  return 256;
}

result<std::string> named_directory(std::string_view) {
  return Failure(Error::invalid_argument, "Windows pipes have no directories: leave the endpoint's directory out.");
}

std::string endpoint_path(std::string_view directory, std::string_view name) {
  return fmt::format("{}\\{}", directory, name);
}

result<ScopeDirectory> scope_directory(Scope scope) {
  if (scope == Scope::machine) return ScopeDirectory{fmt::format("{}\\machine", root), 0, 0};
  const auto self = identify_self();
  if (!self) return self.error();
  switch (scope) {
    case Scope::user:
      return ScopeDirectory{fmt::format("{}\\user-{}", root, to_text(self->uid)), 0, 0};
    case Scope::session:
      return ScopeDirectory{fmt::format("{}\\session-{}-{}", root, *self->login_session, to_text(self->uid)), 0, 0};
    default:
      return Error::invalid_argument;
  }
}

}  // namespace penstock::transport
