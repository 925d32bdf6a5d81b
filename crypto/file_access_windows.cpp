// Sources: [MS-DTYP] 2.4.4 (access control entries), "Mandatory Integrity Control", "File Access Rights Constants", "Generic Access Rights",
// SECURITY_DESCRIPTOR.
#include "crypto/file_access_windows.hpp"

#include <fmt/format.h>
#include <windows.h>

#include <sddl.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "crypto/windows_text.hpp"

namespace penstock::crypto {
namespace {

constexpr std::string_view system_sid = "S-1-5-18";
constexpr std::string_view administrators_sid = "S-1-5-32-544";
constexpr std::string_view trusted_installer_sid = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464";
constexpr std::string_view creator_owner_sid = "S-1-3-0";  // stands in no token: it matters to what is made below only
constexpr std::string_view owner_rights_sid = "S-1-3-4";   // the owner, who has been looked at already

const Sid& known(std::string_view text) noexcept {
  static const std::array<std::pair<std::string_view, Sid>, 5> sids = [] {
    std::array<std::pair<std::string_view, Sid>, 5> made;
    std::size_t at = 0;
    for (const auto one :
         {system_sid, administrators_sid, trusted_installer_sid, creator_owner_sid, owner_rights_sid}) {
      made[at++] = {one, Sid::parse(one).value_or(Sid())};
    }
    return made;
  }();
  return std::ranges::find(sids, text, &std::pair<std::string_view, Sid>::first)->second;
}

// Whoever may change owner or list may then do everything; whoever may delete can put another in its place.
constexpr std::uint32_t taking_over = DELETE | WRITE_DAC | WRITE_OWNER | GENERIC_ALL;
constexpr std::uint32_t changing_file =
    FILE_WRITE_DATA | FILE_APPEND_DATA | FILE_WRITE_EA | FILE_WRITE_ATTRIBUTES | GENERIC_WRITE;
constexpr std::uint32_t changing_directory =
    FILE_ADD_FILE | FILE_ADD_SUBDIRECTORY | FILE_WRITE_EA | FILE_WRITE_ATTRIBUTES | FILE_DELETE_CHILD | GENERIC_WRITE;

// What entries of the plain form hold: allowing, denying, and the label.
std::optional<std::pair<Sid, std::uint32_t>> sid_and_mask(const ACE_HEADER& ace) noexcept {
  constexpr std::size_t sid_at = offsetof(ACCESS_ALLOWED_ACE, SidStart);
  constexpr std::size_t sid_head = 8;
  if (ace.AceSize < sid_at + sid_head) return std::nullopt;
  const auto bytes = std::as_bytes(std::span(reinterpret_cast<const char*>(&ace), ace.AceSize));
  const auto size = sid_head + 4 * std::to_integer<std::size_t>(bytes[sid_at + 1]);
  if (size > bytes.size() - sid_at) return std::nullopt;
  const auto sid = Sid::from_bytes(bytes.subspan(sid_at, size));
  std::uint32_t mask = 0;
  std::memcpy(&mask, bytes.data() + offsetof(ACCESS_ALLOWED_ACE, Mask), sizeof mask);
  if (!sid) return std::nullopt;
  return std::pair(*sid, mask);
}

AccessEntry entry_of(const ACE_HEADER& ace) noexcept {
  AccessEntry entry;
  entry.inherit_only = (ace.AceFlags & INHERIT_ONLY_ACE) != 0;
  entry.rights = GENERIC_ALL;
  switch (ace.AceType) {
    case ACCESS_DENIED_ACE_TYPE:
    case ACCESS_DENIED_CALLBACK_ACE_TYPE:
    case ACCESS_DENIED_OBJECT_ACE_TYPE:
    case ACCESS_DENIED_CALLBACK_OBJECT_ACE_TYPE:
      entry.allow = false;
      return entry;
    case ACCESS_ALLOWED_ACE_TYPE:
    case ACCESS_ALLOWED_CALLBACK_ACE_TYPE:  // on a condition, which may hold for anybody
      break;
    default:
      return entry;
  }
  if (const auto read = sid_and_mask(ace)) {
    entry.who = read->first;
    entry.rights = read->second;
  }
  return entry;
}

// Without a label a file counts as medium. With one it must be medium or more, and forbid those below to write.
bool is_low_label(const ACE_HEADER& ace) noexcept {
  if (ace.AceType != SYSTEM_MANDATORY_LABEL_ACE_TYPE || (ace.AceFlags & INHERIT_ONLY_ACE) != 0) return false;
  const auto label = sid_and_mask(ace);
  return !label || label->first.last() < SECURITY_MANDATORY_MEDIUM_RID ||
         (label->second & SYSTEM_MANDATORY_LABEL_NO_WRITE_UP) == 0;
}

const char* deed(FileRole role, std::uint32_t rights) noexcept {
  if (role == FileRole::secret_file && (rights & forbidden_rights(FileRole::file)) == 0) return "read it";
  if ((rights & ~(taking_over | FILE_DELETE_CHILD)) == 0) return "replace it or what is in it";
  return role == FileRole::file || role == FileRole::secret_file ? "change it" : "put other files into it";
}

}  // namespace

bool is_system(const Sid& sid) noexcept {
  return sid == known(system_sid) || sid == known(administrators_sid) || sid == known(trusted_installer_sid);
}

std::uint32_t forbidden_rights(FileRole role) noexcept {
  switch (role) {
    case FileRole::parent:
      // A new entry beside ours does not replace ours: the roots of Windows' own drives let users add directories, and
      // C:\ProgramData files too, as /tmp does with its sticky bit. What could replace ours is deleting (a directory's
      // right to delete any child, or ours) and taking over. Attributes do not matter either: a directory that is not
      // empty cannot be made a reparse point, and none of these is empty.
      return taking_over | FILE_DELETE_CHILD;
    case FileRole::directory:
      // Here a new entry does matter: while ours is away, another file of a trusted owner could be linked in its place.
      return taking_over | changing_directory;
    case FileRole::file:
      return taking_over | changing_file;
    case FileRole::secret_file:
      // Who may execute may map the contents to be executed, and what a processor may execute there it may read.
      return taking_over | changing_file | FILE_READ_DATA | FILE_EXECUTE | GENERIC_READ | GENERIC_EXECUTE;
  }
  return ~std::uint32_t{0};
}

std::optional<AccessFault> find_access_fault(const FileAccess& access, FileRole role, const Sid& self) {
  const auto trusted = [&](const Sid& sid) { return sid.valid() && (sid == self || is_system(sid)); };
  // The owner may always change the list.
  if (!trusted(access.owner)) return AccessFault{AccessFault::Kind::owner, access.owner, 0};
  if (!access.has_list) return AccessFault{AccessFault::Kind::no_list, {}, 0};
  // What the list allows us it allows a sandboxed worker that runs as us with low integrity, unless the label says no.
  if (access.low_label) return AccessFault{AccessFault::Kind::low_label, {}, 0};
  for (const auto& entry : access.entries) {
    if (!entry.allow || entry.inherit_only || trusted(entry.who)) continue;
    if (entry.who == known(creator_owner_sid) || entry.who == known(owner_rights_sid)) continue;
    const auto rights = entry.rights & forbidden_rights(role);
    if (rights != 0) return AccessFault{AccessFault::Kind::entry, entry.who, rights};
  }
  return std::nullopt;
}

Failure access_failure(Error code, const std::string& path, FileRole role, const AccessFault& fault, const Sid& self) {
  switch (fault.kind) {
    case AccessFault::Kind::owner:
      return Failure(
          code, fmt::format("{0} belongs to {1}, who could change it: it must belong to {2}, to Administrators or to "
                            "SYSTEM. Look at what is in it, then run: icacls \"{0}\" /setowner *{2}",
                            path, to_text(fault.who), to_text(self)));
    case AccessFault::Kind::no_list:
      return Failure(
          code, fmt::format("{} has no access-control list, so that everybody may change it: keep it on a drive that "
                            "has them (NTFS), and run there: icacls \"{}\" /reset",
                            path, path));
    case AccessFault::Kind::low_label:
      return Failure(code, fmt::format("{0} may be changed by sandboxed programs (its mandatory label is low): run: icacls "
                                       "\"{0}\" /setintegritylevel M",
                                       path));
    case AccessFault::Kind::entry:
      break;
  }
  if (!fault.who.valid()) {
    return Failure(
        code, fmt::format("The access-control list of {0} has an entry of a kind that is not known here: run: icacls "
                          "\"{0}\" /reset",
                          path));
  }
  return Failure(
      code, fmt::format("{0} lets {1} {2} (access rights 0x{3:08x}): run: icacls \"{0}\" /inheritance:d /remove:g *{1}",
                        path, to_text(fault.who), deed(role, fault.rights), fault.rights));
}

std::optional<FileAccess> read_file_access(native_handle file) {
  constexpr SECURITY_INFORMATION wanted =
      OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION | LABEL_SECURITY_INFORMATION;
  std::vector<std::byte> buffer(1024);
  for (DWORD needed = 0;
       !::GetKernelObjectSecurity(file, wanted, buffer.data(), static_cast<DWORD>(buffer.size()), &needed);) {
    // A list has at most 64 KiB; it can grow between two questions, so the second has room for all.
    constexpr std::size_t largest = std::size_t{128} << 10;
    if (::GetLastError() != ERROR_INSUFFICIENT_BUFFER || buffer.size() == largest) return std::nullopt;
    buffer.resize(largest);
  }
  FileAccess access;
  PSID owner = nullptr;
  BOOL defaulted = FALSE;
  BOOL present = FALSE;
  PACL list = nullptr;
  if (!::GetSecurityDescriptorOwner(buffer.data(), &owner, &defaulted) ||
      !::GetSecurityDescriptorDacl(buffer.data(), &present, &list, &defaulted)) {
    return std::nullopt;
  }
  if (owner != nullptr && ::IsValidSid(owner)) {
    const auto bytes = std::as_bytes(std::span(static_cast<const char*>(owner), ::GetLengthSid(owner)));
    access.owner = Sid::from_bytes(bytes).value_or(Sid());
  }
  access.has_list = present && list != nullptr;
  PACL labels = nullptr;
  BOOL labelled = FALSE;
  if (!::GetSecurityDescriptorSacl(buffer.data(), &labelled, &labels, &defaulted)) return std::nullopt;
  for (DWORD at = 0; labelled && labels != nullptr && at < labels->AceCount; ++at) {
    void* ace = nullptr;
    if (!::GetAce(labels, at, &ace)) return std::nullopt;
    access.low_label = access.low_label || is_low_label(*static_cast<const ACE_HEADER*>(ace));
  }
  if (!access.has_list) return access;
  for (DWORD at = 0; at < list->AceCount; ++at) {
    void* ace = nullptr;
    if (!::GetAce(list, at, &ace)) return std::nullopt;
    access.entries.push_back(entry_of(*static_cast<const ACE_HEADER*>(ace)));
  }
  return access;
}

const Sid& process_user() noexcept {
  static const Sid user = [] {
    HANDLE token = nullptr;
    if (!::OpenProcessToken(::GetCurrentProcess(), TOKEN_QUERY, &token)) return Sid();
    alignas(TOKEN_USER) std::array<std::byte, sizeof(TOKEN_USER) + Sid::max_size> buffer{};
    DWORD size = 0;
    const bool told = ::GetTokenInformation(token, TokenUser, buffer.data(), static_cast<DWORD>(buffer.size()), &size);
    ::CloseHandle(token);
    if (!told) return Sid();
    const auto* sid = static_cast<const char*>(reinterpret_cast<const TOKEN_USER*>(buffer.data())->User.Sid);
    return Sid::from_bytes(std::as_bytes(std::span(sid, ::GetLengthSid(const_cast<char*>(sid))))).value_or(Sid());
  }();
  return user;
}

std::string NewFileSecurity::text(bool others_may_read) {
  // P: protected, nothing is inherited. FA, FR: all, read. SY, BA, WD: SYSTEM, Administrators, everybody.
  return fmt::format("O:{0}D:P(A;;FA;;;{0})(A;;FA;;;SY)(A;;FA;;;BA){1}", to_text(process_user()),
                     others_may_read ? "(A;;FR;;;WD)" : "");
}

result<NewFileSecurity> NewFileSecurity::make(bool others_may_read) {
  const auto wide = to_wide(text(others_may_read));
  void* descriptor = nullptr;
  if (!wide ||
      !::ConvertStringSecurityDescriptorToSecurityDescriptorW(wide->c_str(), SDDL_REVISION_1, &descriptor, nullptr)) {
    return Failure(Error::io_error, fmt::format("The access-control list of a new file cannot be made ({}).",
                                                windows_reason(::GetLastError())));
  }
  return NewFileSecurity(descriptor);
}

void NewFileSecurity::Free::operator()(void* memory) const noexcept {
  ::LocalFree(memory);
}

}  // namespace penstock::crypto
