// Sources: GetTokenInformation, IsTokenRestricted, GetSecurityInfo, [MS-DTYP] 2.4.4 (ACE), "Mandatory Integrity Control".
#include "transports/os_token_windows.hpp"

#include <windows.h>

#include <aclapi.h>
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "crypto/windows_text.hpp"

namespace penstock::transport {
namespace {

// winnt.h: SECURITY_MANDATORY_MEDIUM_PLUS_RID, which mingw-w64's does not have.
constexpr DWORD medium_plus_rid = SECURITY_MANDATORY_MEDIUM_RID + 0x100;

struct FreeLocal {
  void operator()(void* memory) const noexcept { ::LocalFree(memory); }
};
using LocalMemory = std::unique_ptr<void, FreeLocal>;

std::optional<user_id> sid_of(PSID raw) noexcept {
  if (raw == nullptr || ::IsValidSid(raw) == 0) return std::nullopt;
  return user_id::from_bytes({static_cast<const std::byte*>(raw), ::GetLengthSid(raw)});
}

Failure unanswered(const char* what) {
  return Failure(Error::peer_unidentified,
                 fmt::format("Windows does not tell {} of a token ({}).", what, windows_reason(::GetLastError())));
}

/// The answer of one class, aligned for what stands in it. Empty where there is none.
class Answer {
 public:
  Answer(native_handle token, TOKEN_INFORMATION_CLASS kind) {
    DWORD size = 0;
    ::GetTokenInformation(token, kind, nullptr, 0, &size);
    // Groups may be added between two questions only by a new token, so the second has room.
    if (size == 0) return;
    memory_ = std::make_unique<std::max_align_t[]>(size / sizeof(std::max_align_t) + 1);
    if (::GetTokenInformation(token, kind, memory_.get(), size, &size) == 0) memory_.reset();
  }
  template <class T>
  [[nodiscard]] const T* as() const noexcept {
    return reinterpret_cast<const T*>(memory_.get());
  }

 private:
  std::unique_ptr<std::max_align_t[]> memory_;
};

void read_groups(const TOKEN_GROUPS& answer, Token& out) {
  for (const auto& group : std::span(answer.Groups, answer.GroupCount)) {
    const auto sid = sid_of(group.Sid);
    if (!sid) continue;
    if ((group.Attributes & SE_GROUP_LOGON_ID) == SE_GROUP_LOGON_ID) out.logon = *sid;
    // A group that only denies admits to nothing.
    const bool usable = (group.Attributes & SE_GROUP_ENABLED) != 0 && (group.Attributes & SE_GROUP_USE_FOR_DENY_ONLY) == 0;
    if (usable) out.groups.push_back(*sid);
  }
  std::ranges::sort(out.groups);
}

void read_entries(PACL acl, PipeAccess& out) {
  for (DWORD index = 0; index < acl->AceCount; ++index) {
    void* raw = nullptr;
    if (::GetAce(acl, index, &raw) == 0) {
      out.all_known = false;
      return;
    }
    const auto& header = *static_cast<const ACE_HEADER*>(raw);
    // Both have the same layout.
    auto* entry = static_cast<ACCESS_ALLOWED_ACE*>(raw);
    const bool plain = header.AceType == ACCESS_ALLOWED_ACE_TYPE || header.AceType == ACCESS_DENIED_ACE_TYPE;
    const auto who = plain ? sid_of(&entry->SidStart) : std::nullopt;
    if (!who || header.AceFlags != 0) {
      out.all_known = false;
      continue;
    }
    out.entries.push_back({header.AceType == ACCESS_ALLOWED_ACE_TYPE, *who, entry->Mask});
  }
}

std::optional<user_id> read_label(PACL acl) {
  for (DWORD index = 0; acl != nullptr && index < acl->AceCount; ++index) {
    void* raw = nullptr;
    if (::GetAce(acl, index, &raw) == 0) return std::nullopt;
    if (static_cast<const ACE_HEADER*>(raw)->AceType != SYSTEM_MANDATORY_LABEL_ACE_TYPE) continue;
    auto* label = static_cast<SYSTEM_MANDATORY_LABEL_ACE*>(raw);
    // Only "no write up" of this very object is the label that was meant.
    if (label->Mask != SYSTEM_MANDATORY_LABEL_NO_WRITE_UP || label->Header.AceFlags != 0) return std::nullopt;
    return sid_of(&label->SidStart);
  }
  return std::nullopt;
}

}  // namespace

Integrity integrity_of(const user_id& label) noexcept {
  const auto level = label.last();
  if (level >= SECURITY_MANDATORY_SYSTEM_RID) return Integrity::system;
  if (level >= SECURITY_MANDATORY_HIGH_RID) return Integrity::high;
  if (level >= medium_plus_rid) return Integrity::medium_plus;
  if (level >= SECURITY_MANDATORY_MEDIUM_RID) return Integrity::medium;
  return level >= SECURITY_MANDATORY_LOW_RID ? Integrity::low : Integrity::untrusted;
}

result<Token> read_token(native_handle token) {
  Token out;
  const Answer user(token, TokenUser);
  const auto* who = user.as<TOKEN_USER>();
  const auto sid = who != nullptr ? sid_of(who->User.Sid) : std::nullopt;
  if (!sid) return unanswered("the user");
  out.user = *sid;

  const Answer group(token, TokenPrimaryGroup);
  const auto* primary = group.as<TOKEN_PRIMARY_GROUP>();
  const auto primary_sid = primary != nullptr ? sid_of(primary->PrimaryGroup) : std::nullopt;
  if (!primary_sid) return unanswered("the primary group");
  out.group = *primary_sid;

  const Answer groups(token, TokenGroups);
  if (groups.as<TOKEN_GROUPS>() == nullptr) return unanswered("the groups");
  read_groups(*groups.as<TOKEN_GROUPS>(), out);

  const Answer session(token, TokenSessionId);
  if (session.as<DWORD>() == nullptr) return unanswered("the session");
  out.session = *session.as<DWORD>();

  const Answer label(token, TokenIntegrityLevel);
  const auto* mandatory = label.as<TOKEN_MANDATORY_LABEL>();
  const auto label_sid = mandatory != nullptr ? sid_of(mandatory->Label.Sid) : std::nullopt;
  if (!label_sid) return unanswered("the integrity level");
  out.facts.integrity = integrity_of(*label_sid);

  const Answer elevation(token, TokenElevation);
  if (elevation.as<TOKEN_ELEVATION>() == nullptr) return unanswered("the elevation");
  out.facts.elevated = elevation.as<TOKEN_ELEVATION>()->TokenIsElevated != 0;

  const Answer statistics(token, TokenStatistics);
  if (statistics.as<TOKEN_STATISTICS>() == nullptr) return unanswered("the logon session");
  const auto& logon = statistics.as<TOKEN_STATISTICS>()->AuthenticationId;
  out.facts.logon_id = std::uint64_t{static_cast<std::uint32_t>(logon.HighPart)} << 32 | logon.LowPart;

  const Answer contained(token, TokenIsAppContainer);
  if (contained.as<DWORD>() == nullptr) return unanswered("whether it is an AppContainer's");
  if (*contained.as<DWORD>() != 0) {
    const Answer container(token, TokenAppContainerSid);
    const auto* information = container.as<TOKEN_APPCONTAINER_INFORMATION>();
    const auto container_sid = information != nullptr ? sid_of(information->TokenAppContainer) : std::nullopt;
    if (!container_sid) return unanswered("the AppContainer");
    out.facts.app_container = to_text(*container_sid);
  }
  // IsTokenRestricted answers "no" to a question that failed, too. Wine, which restricts nothing, knows no other.
  const Answer restricting(token, TokenRestrictedSids);
  const auto* sids = restricting.as<TOKEN_GROUPS>();
  if (sids == nullptr && !is_wine()) return unanswered("whether it is restricted");
  out.facts.restricted = sids != nullptr ? sids->GroupCount != 0 : ::IsTokenRestricted(token) != 0;
  return out;
}

result<ImpersonationLevel> read_level(native_handle token) {
  const Answer answer(token, TokenImpersonationLevel);
  if (answer.as<SECURITY_IMPERSONATION_LEVEL>() == nullptr) return unanswered("the impersonation level");
  switch (*answer.as<SECURITY_IMPERSONATION_LEVEL>()) {
    case SecurityIdentification:
      return ImpersonationLevel::identification;
    case SecurityImpersonation:
      return ImpersonationLevel::impersonation;
    case SecurityDelegation:
      return ImpersonationLevel::delegation;
    default:
      return ImpersonationLevel::anonymous;
  }
}

result<PipeAccess> read_access(native_handle pipe) {
  PSID owner = nullptr;
  PACL dacl = nullptr;
  PACL sacl = nullptr;
  PSECURITY_DESCRIPTOR descriptor = nullptr;
  constexpr SECURITY_INFORMATION wanted =
      OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION | LABEL_SECURITY_INFORMATION;
  if (const auto error = ::GetSecurityInfo(pipe, SE_KERNEL_OBJECT, wanted, &owner, nullptr, &dacl, &sacl, &descriptor);
      error != ERROR_SUCCESS) {
    return Failure(windows_error(error),
                   fmt::format("The pipe's access control cannot be read ({}).", windows_reason(error)));
  }
  const LocalMemory memory(descriptor);
  PipeAccess out;
  const auto who = sid_of(owner);
  if (!who) return Failure(Error::peer_unidentified, "The pipe has no owner.");
  out.owner = *who;
  SECURITY_DESCRIPTOR_CONTROL control = 0;
  DWORD revision = 0;
  if (::GetSecurityDescriptorControl(descriptor, &control, &revision) == 0) return Error::io_error;
  out.is_protected = (control & SE_DACL_PROTECTED) != 0;
  out.has_dacl = dacl != nullptr;
  if (dacl != nullptr) read_entries(dacl, out);
  out.label = read_label(sacl);
  return out;
}

}  // namespace penstock::transport
