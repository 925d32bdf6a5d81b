// Default directories on Linux. Sources: file-hierarchy(7), XDG Base Directory Specification, pam_loginuid(8).
#include <fmt/format.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include <string_view>

#include "transports/proc.hpp"
#include "transports/scope_directory.hpp"

namespace penstock::transport {
namespace {

// Where the variable lies, the checks of the directory's owner and mode say so before anything is bound or connected.
std::string runtime_directory() {
  const char* named = ::secure_getenv("XDG_RUNTIME_DIR");
  if (named == nullptr || *named != '/') return fmt::format("/run/user/{}", ::geteuid());
  std::string_view text = named;
  while (text.size() > 1 && text.ends_with('/')) text.remove_suffix(1);
  return std::string(text);
}

}  // namespace

std::size_t longest_path() noexcept {
  return PATH_MAX;
}

result<ScopeDirectory> scope_directory(Scope scope) {
  switch (scope) {
    case Scope::machine:
      return ScopeDirectory{"/run/penstock", 1, 0755};
    case Scope::user:
      return ScopeDirectory{runtime_directory() + "/penstock", 1, 0700};
    case Scope::session:
      break;
    default:
      return Error::invalid_argument;
  }
  const auto session = own_login_session();
  if (!session) {
    return Failure(
        Error::unsupported,
        "This process belongs to no login session (/proc/self/sessionid): start it from a login that sets one "
        "(pam_loginuid), or use the scope user.");
  }
  return ScopeDirectory{fmt::format("{}/penstock/session-{}", runtime_directory(), *session), 2, 0700};
}

}  // namespace penstock::transport
