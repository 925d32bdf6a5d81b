// Where names would stand: are those directories such that nobody else can put anything there?
#include <fmt/format.h>
#include <unistd.h>

#include "penstock/endpoint.hpp"
#include "tool/finding.hpp"
#include "transports/directory.hpp"
#include "transports/proc_linux.hpp"

namespace penstock::tool {
namespace {

/// The nearest directory of `path` that is there: what is missing below it, a listener makes.
result<std::string> check_place(const transport::ScopeDirectory& place) {
  const transport::TrustedUsers users{::geteuid(), {}};
  auto path = place.path;
  for (int missing = 0;; ++missing) {
    auto opened = transport::open_directory(path, users);
    if (opened) return missing == 0 ? path + " is safe" : path + " is safe; the rest is made by the first listener";
    if (opened.error() != Error::not_found || missing == place.own_components) return opened.error();
    path.resize(path.rfind('/'));
  }
}

bool may_make(const transport::ScopeDirectory& place) {
  if (::access(place.path.c_str(), F_OK) == 0) return ::access(place.path.c_str(), W_OK) == 0;
  auto parent = place.path.substr(0, place.path.rfind('/'));
  return ::access(parent.c_str(), W_OK) == 0 || place.own_components > 1;
}

Finding scope_finding(Scope scope, const char* id, const char* title) {
  Finding finding{id, title, State::proven, {}, {}, {}};
  const auto place = transport::scope_directory(scope);
  const auto safe = place ? check_place(*place) : result<std::string>(place.error());
  if (safe && (scope != Scope::machine || may_make(*place))) {
    finding.found = *safe;
    return finding;
  }
  if (safe) {
    finding.state = State::note;
    finding.found = *safe;
    finding.meaning =
        "This user can connect there. Listeners are root's, or have a directory of their own (--directory).";
    return finding;
  }
  finding.state = State::lacking;
  finding.found = std::string(safe.error().sentence());
  finding.meaning = fmt::format("The scope {} has no place for names.", to_string(scope));
  return finding;
}

}  // namespace

void examine_places(std::vector<Finding>& findings) {
  auto user = scope_finding(Scope::user, "scope-user", "a place for names of this user");
  if (user.state == State::lacking) {
    user.remedy = fmt::format(
        "Log in with systemd-logind or elogind, which make it; or, as root: install -d -m 0700 -o {0} "
        "/run/user/{0}; or name a directory of yours with --directory.",
        ::geteuid());
  }
  findings.push_back(std::move(user));

  auto machine = scope_finding(Scope::machine, "scope-machine", "a place for names of this machine");
  if (machine.state == State::lacking)
    machine.remedy = "As root: install -d -m 0755 /run/penstock (and see tmpfiles.d(5)).";
  findings.push_back(std::move(machine));

  auto session = scope_finding(Scope::session, "scope-session", "a place for names of this login session");
  if (session.state == State::lacking) {
    session.meaning = "The scope session refuses: which login this process belongs to is not known.";
    session.remedy = "Use the scope user, or log in through PAM with pam_loginuid (containers mostly have none).";
  } else if (const auto number = transport::own_login_session()) {
    session.found += fmt::format("; this is session {}", *number);
  }
  findings.push_back(std::move(session));
}

}  // namespace penstock::tool
