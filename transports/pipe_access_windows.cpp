// Sources: "Named Pipe Security and Access Rights", "Mandatory Integrity Control", [MS-DTYP] 2.4.2.4 (well-known SIDs).
#include "transports/pipe_access_windows.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace penstock::transport {
namespace {

constexpr std::uint32_t all_rights = 0x10000000;  // GENERIC_ALL

user_id well_known(const char* text) { return user_id::parse(text).value_or(no_user); }

// No write up: a process of a lower level may not open the pipe for writing. A listener that is itself lower is reached by its
// equals; an elevated one by the programs of the desktop, and policy says by which.
user_id label_for(Integrity own) {
  return well_known(own < Integrity::low ? "S-1-16-0" : own < Integrity::medium ? "S-1-16-4096" : "S-1-16-8192");
}

}  // namespace

result<PipeAccess> intended_access(Scope scope, const Token& self) {
  if (std::ranges::binary_search(self.groups, well_known("S-1-5-2"))) {
    return Failure(Error::unsupported, "This process was started over a network (its token has the group NETWORK), which no pipe of "
                                       "Penstock lets in: start it from a desktop session or as a service.");
  }
  PipeAccess access;
  access.owner = self.user;
  access.is_protected = true;
  access.has_dacl = true;
  access.label = label_for(self.facts.integrity);
  // Before all else: nobody who logged on over a network, whatever other groups he has (ATK-07).
  access.entries.push_back({false, well_known("S-1-5-2"), all_rights});
  // Who may add instances: an elevated listener's are out of reach for the same user's other programs, in whose tokens the
  // administrators' group only denies.
  const auto administrators = well_known("S-1-5-32-544");
  const bool elevated = self.facts.elevated && std::ranges::binary_search(self.groups, administrators);
  access.entries.push_back({true, elevated ? administrators : self.user, instance_rights});
  switch (scope) {
    case Scope::session:
      if (!self.logon) {
        return Failure(Error::unsupported,
                       "This process belongs to no logon session (its token has no such group): use the scope user.");
      }
      access.entries.push_back({true, *self.logon, client_rights});
      return access;
    case Scope::user:
      access.entries.push_back({true, self.user, client_rights});
      return access;
    case Scope::machine:
      access.entries.push_back({true, self.user, client_rights});
      access.entries.push_back({true, well_known("S-1-5-11"), client_rights});  // Authenticated Users; policy decides
      return access;
  }
  return Error::invalid_argument;
}

std::string to_sddl(const PipeAccess& access) {
  auto text = fmt::format("O:{}D:{}", to_text(access.owner), access.is_protected ? "P" : "");
  for (const auto& entry : access.entries) {
    text += fmt::format("({};;0x{:x};;;{})", entry.allow ? 'A' : 'D', entry.mask, to_text(entry.who));
  }
  if (access.label) text += fmt::format("S:(ML;;NW;;;{})", to_text(*access.label));
  return text;
}

result<void> check_access(const PipeAccess& live, const PipeAccess& intended, const std::string& path) {
  const bool label = live.label == intended.label || (!live.label && is_wine());
  // The kernel maps GENERIC_ALL to what it means for a file.
  constexpr std::uint32_t mapped_all = 0x001F01FF;
  const auto same = [](const AccessEntry& a, const AccessEntry& b) {
    return a.allow == b.allow && a.who == b.who && (a.mask == b.mask || (b.mask == all_rights && a.mask == mapped_all));
  };
  const bool exact = live.owner == intended.owner && live.is_protected && live.has_dacl && live.all_known &&
                     std::ranges::equal(live.entries, intended.entries, same);
  if (exact && label) return {};
  return Failure(Error::socket_unsafe, fmt::format("The pipe {} has the access control {}, and {} was meant: it is another's, or "
                                                   "somebody changed it.",
                                                   path, to_sddl(live), to_sddl(intended)));
}

}  // namespace penstock::transport
