// Default directories on Linux. Sources: file-hierarchy(7), XDG Base Directory Specification, pam_loginuid(8).
#include <fmt/format.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>

#include "transports/proc_linux.hpp"
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

/// For sentences: what was refused may hold anything, terminal escapes included.
std::string printable(std::string_view text) {
  std::string out(text.substr(0, 65));
  std::ranges::replace_if(out, [](char c) { return c < ' ' || c > '~'; }, '?');
  return text.size() > out.size() ? out + "..." : out;
}

}  // namespace

/// Without doubled and trailing slashes, so that equal directories are equal strings.
result<std::string> named_directory(std::string_view directory) {
  const auto invalid = [&](const char* why) {
    return Failure(Error::invalid_argument,
                   fmt::format("The endpoint's directory \"{}\" {}.", printable(directory), why));
  };
  if (directory.find('\0') != std::string_view::npos)
    return invalid("holds a zero byte: name a directory of the file system");
  if (directory.front() != '/') return invalid("is not absolute: start it with '/'");
  std::string out;
  for (std::size_t at = 0; at < directory.size();) {
    const auto start = directory.find_first_not_of('/', at);
    if (start == std::string_view::npos) break;
    at = std::min(directory.find('/', start), directory.size());
    const auto component = directory.substr(start, at - start);
    if (component == "." || component == "..") return invalid("has a component \".\" or \"..\": write the path out");
    out.append("/").append(component);
  }
  if (out.empty()) return invalid("is the root directory: use a directory of its own for sockets");
  return out;
}

std::string endpoint_path(std::string_view directory, std::string_view name) {
  return fmt::format("{}/{}.sock", directory, name);
}

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
