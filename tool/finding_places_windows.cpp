// Where names would stand: can a listener have one in each scope, with the access control that is meant? And which names there
// are already. Source: FindFirstFileW on \\.\pipe\.
#include <windows.h>

#include <fmt/format.h>
#include <sodium.h>

#include "crypto/windows_text.hpp"
#include "penstock/endpoint.hpp"
#include "tool/finding.hpp"
#include "transports/pipe.hpp"

namespace penstock::tool {
namespace {

Finding scope_finding(Scope scope, const char* id, const char* title) {
  Finding finding{id, title, State::proven, {}, {}, {}};
  const auto endpoint = Endpoint::make(fmt::format("doctor-{:08x}", randombytes_random()), scope);
  const auto listener =
      endpoint ? transport::PipeListener::open(*endpoint, 1) : result<std::unique_ptr<transport::PipeListener>>(endpoint.error());
  if (listener) {
    finding.found = fmt::format("a name was made in {}, was this process's own, and had the access control that it must have",
                                endpoint->directory());
    return finding;
  }
  finding.state = State::lacking;
  finding.found = std::string(listener.error().sentence());
  finding.meaning = fmt::format("The scope {} has no place for names.", to_string(scope));
  finding.remedy = "Run `penstock doctor` as the user who is to listen; see docs/WINDOWS.md.";
  return finding;
}

/// Names alone: to ask one who serves it would be to call.
std::vector<std::string> standing_names() {
  std::vector<std::string> names;
  WIN32_FIND_DATAW found{};
  const auto search = ::FindFirstFileW(L"\\\\.\\pipe\\*", &found);
  if (search == INVALID_HANDLE_VALUE) return names;
  do {
    auto name = to_utf8(found.cFileName);
    constexpr std::string_view ours = "penstock\\";
    if (name.starts_with(ours)) names.push_back(name.substr(ours.size()));
  } while (::FindNextFileW(search, &found) != 0);
  ::FindClose(search);
  return names;
}

Finding names_in_use() {
  constexpr std::size_t most_shown = 12;
  Finding finding{"names", "names that have a listener now", State::note, {}, {}, {}};
  const auto names = standing_names();
  finding.meaning = "Whose one is, `penstock connect` says: it refuses any but those whom its policy names.";
  if (names.empty()) finding.found = "none: every name is free";
  for (std::size_t i = 0; i < std::min(names.size(), most_shown); ++i) finding.found += (i == 0 ? "" : ", ") + names[i];
  if (names.size() > most_shown) finding.found += fmt::format(" and {} more", names.size() - most_shown);
  return finding;
}

}  // namespace

void examine_places(std::vector<Finding>& findings) {
  if (sodium_init() < 0) return;
  findings.push_back(names_in_use());
  findings.push_back(scope_finding(Scope::user, "scope-user", "a place for names of this user"));
  findings.push_back(scope_finding(Scope::machine, "scope-machine", "a place for names of this machine"));
  findings.push_back(scope_finding(Scope::session, "scope-session", "a place for names of this session"));
}

}  // namespace penstock::tool
