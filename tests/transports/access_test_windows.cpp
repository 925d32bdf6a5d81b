// Who may open a pipe of ours: what was meant, what the live pipe has, and how it was made (ATK-07, ATK-08).
#include "transports/pipe_access_windows.hpp"

#include <gtest/gtest.h>
#include <windows.h>

#include <sddl.h>

#include <algorithm>
#include <set>

#include "tests/support/users.hpp"
#include "tests/transports/meeting.hpp"
#include "tests/transports/pipe_pair_windows.hpp"
#include "transports/identify_windows.hpp"
#include "transports/os_token_windows.hpp"

namespace penstock::transport {
namespace {

using namespace testing;

user_id sid(const char* text) { return user_id::parse(text).value(); }

Token token_of(Integrity integrity = Integrity::medium) {
  Token token;
  token.user = sid("S-1-5-21-1-2-3-1000");
  token.logon = sid("S-1-5-5-0-4711");
  token.facts.integrity = integrity;
  return token;
}

TEST(Atk08, WhatIsMeantIsWrittenOutForEachScope) {
  const auto sddl = [](Scope scope, Integrity integrity = Integrity::medium) { return to_sddl(intended_access(scope, token_of(integrity)).value()); };
  const std::string owner = "O:S-1-5-21-1-2-3-1000D:P(D;;0x10000000;;;S-1-5-2)(A;;0x114;;;S-1-5-21-1-2-3-1000)";
  const std::string label = "S:(ML;;NW;;;S-1-16-8192)";
  EXPECT_EQ(sddl(Scope::user), owner + "(A;;0x12008b;;;S-1-5-21-1-2-3-1000)" + label);
  EXPECT_EQ(sddl(Scope::session), owner + "(A;;0x12008b;;;S-1-5-5-0-4711)" + label);
  EXPECT_EQ(sddl(Scope::machine), owner + "(A;;0x12008b;;;S-1-5-21-1-2-3-1000)(A;;0x12008b;;;S-1-5-11)" + label);
  EXPECT_TRUE(sddl(Scope::user, Integrity::high).ends_with("S:(ML;;NW;;;S-1-16-8192)"));
  EXPECT_TRUE(sddl(Scope::user, Integrity::low).ends_with("S:(ML;;NW;;;S-1-16-4096)"));
  EXPECT_TRUE(sddl(Scope::user, Integrity::untrusted).ends_with("S:(ML;;NW;;;S-1-16-0)"));
  // A client that could make instances could stand in for us.
  constexpr std::uint32_t create_instance = 4;
  EXPECT_EQ(client_rights & create_instance, 0u);
  EXPECT_EQ((client_rights | instance_rights) & (WRITE_DAC | WRITE_OWNER | DELETE), 0u);
  auto nowhere = token_of();
  nowhere.logon.reset();
  EXPECT_EQ(intended_access(Scope::session, nowhere).error(), Error::unsupported);
}

TEST(Atk07, WhoCameOverANetworkOpensNoListener) {
  auto remote = token_of();
  remote.groups = {sid("S-1-5-2")};
  for (const auto scope : {Scope::session, Scope::user, Scope::machine}) EXPECT_EQ(intended_access(scope, remote).error(), Error::unsupported);
}

TEST(Atk01, AnElevatedListenersInstancesAreTheAdministratorsAlone) {
  auto elevated = token_of(Integrity::high);
  elevated.facts.elevated = true;
  elevated.groups = {sid("S-1-5-32-544")};
  const auto access = intended_access(Scope::user, elevated).value();
  EXPECT_EQ(access.entries[1], (AccessEntry{true, sid("S-1-5-32-544"), instance_rights}));
  EXPECT_EQ(access.entries[2], (AccessEntry{true, elevated.user, client_rights}));
  elevated.groups.clear();  // elevated, and no administrator: nobody else could be meant
  EXPECT_EQ(intended_access(Scope::user, elevated).value().entries[1].who, elevated.user);
}

struct AccessRow {
  const char* name;
  void (*change)(PipeAccess&);
};

void PrintTo(const AccessRow& row, std::ostream* out) { *out << row.name; }

class Atk08Table : public ::testing::TestWithParam<AccessRow> {};

TEST_P(Atk08Table, AnythingButWhatWasMeantIsRefused) {
  const auto meant = intended_access(Scope::machine, token_of()).value();
  ASSERT_TRUE(check_access(meant, meant, "pipe"));
  auto live = meant;
  GetParam().change(live);
  EXPECT_EQ(check_access(live, meant, "pipe").error(), Error::socket_unsafe);
}

INSTANTIATE_TEST_SUITE_P(
    Rows, Atk08Table,
    ::testing::Values(AccessRow{"owner", [](PipeAccess& a) { a.owner = sid("S-1-5-21-1-2-3-1001"); }},
                      AccessRow{"no_owner", [](PipeAccess& a) { a.owner = no_user; }},
                      AccessRow{"inherits", [](PipeAccess& a) { a.is_protected = false; }},
                      AccessRow{"null_list", [](PipeAccess& a) { a.has_dacl = false; }},
                      AccessRow{"null_list_without_entries", [](PipeAccess& a) { a.has_dacl = false; a.entries.clear(); }},
                      AccessRow{"empty_list", [](PipeAccess& a) { a.entries.clear(); }},
                      AccessRow{"one_more", [](PipeAccess& a) { a.entries.push_back({true, sid("S-1-1-0"), 1}); }},
                      AccessRow{"one_more_in_front", [](PipeAccess& a) { a.entries.insert(a.entries.begin(), {true, sid("S-1-1-0"), 1}); }},
                      AccessRow{"one_twice", [](PipeAccess& a) { a.entries.push_back(a.entries.back()); }},
                      AccessRow{"one_less", [](PipeAccess& a) { a.entries.pop_back(); }},
                      AccessRow{"no_denial", [](PipeAccess& a) { a.entries.erase(a.entries.begin()); }},
                      AccessRow{"denial_last", [](PipeAccess& a) { std::ranges::rotate(a.entries, a.entries.begin() + 1); }},
                      AccessRow{"other_order", [](PipeAccess& a) { std::swap(a.entries[2], a.entries[3]); }},
                      AccessRow{"denial_allows", [](PipeAccess& a) { a.entries[0].allow = true; }},
                      AccessRow{"denial_of_less", [](PipeAccess& a) { a.entries[0].mask = client_rights; }},
                      AccessRow{"denial_of_another", [](PipeAccess& a) { a.entries[0].who = sid("S-1-5-7"); }},
                      AccessRow{"wider_mask", [](PipeAccess& a) { a.entries[3].mask |= 4; }},
                      AccessRow{"narrower_mask", [](PipeAccess& a) { a.entries[1].mask &= ~0x100u; }},
                      AccessRow{"all_for_clients", [](PipeAccess& a) { a.entries[3].mask = 0x001F01FF; }},
                      AccessRow{"another_who", [](PipeAccess& a) { a.entries[3].who = sid("S-1-1-0"); }},
                      AccessRow{"unknown_entry", [](PipeAccess& a) { a.all_known = false; }},
                      AccessRow{"lower_label", [](PipeAccess& a) { a.label = sid("S-1-16-4096"); }},
                      AccessRow{"higher_label", [](PipeAccess& a) { a.label = sid("S-1-16-12288"); }}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(Atk08, WhatThePlatformWritesDifferentlyIsTheSame) {
  const auto meant = intended_access(Scope::machine, token_of()).value();
  auto live = meant;
  live.label.reset();  // Wine tells none
  EXPECT_TRUE(check_access(live, meant, "pipe"));
  live.entries[0].mask = 0x001F01FF;  // GENERIC_ALL, as files have it
  EXPECT_TRUE(check_access(live, meant, "pipe"));
}

/// A pipe of this user with that list, as it is read back.
result<PipeAccess> read_back(ACL* list, bool is_protected) {
  const TempDirectory directory;
  const auto owner = test::own_user();
  std::vector<std::byte> sid_bytes(owner.bytes().begin(), owner.bytes().end());
  SECURITY_DESCRIPTOR descriptor{};
  ::InitializeSecurityDescriptor(&descriptor, SECURITY_DESCRIPTOR_REVISION);
  ::SetSecurityDescriptorOwner(&descriptor, sid_bytes.data(), FALSE);
  ::SetSecurityDescriptorDacl(&descriptor, TRUE, list, FALSE);
  ::SetSecurityDescriptorControl(&descriptor, SE_DACL_PROTECTED, is_protected ? SE_DACL_PROTECTED : 0);
  SECURITY_ATTRIBUTES attributes{sizeof(SECURITY_ATTRIBUTES), &descriptor, FALSE};
  const auto pipe = make_instance(test::address_of(test::endpoint_in(directory)), &attributes);
  if (!pipe) return Error::io_error;
  return read_access(pipe.get());
}

/// One entry for this user, of that type and with those flags.
struct OneEntry {
  explicit OneEntry(BYTE type = ACCESS_ALLOWED_ACE_TYPE, BYTE flags = 0) {
    const auto who = test::own_user();
    std::vector<std::byte> sid_bytes(who.bytes().begin(), who.bytes().end());
    ::InitializeAcl(get(), sizeof memory, ACL_REVISION);
    ::AddAccessAllowedAce(get(), ACL_REVISION, FILE_ALL_ACCESS, sid_bytes.data());
    void* ace = nullptr;
    ::GetAce(get(), 0, &ace);
    static_cast<ACE_HEADER*>(ace)->AceType = type;
    static_cast<ACE_HEADER*>(ace)->AceFlags = flags;
  }
  [[nodiscard]] ACL* get() { return reinterpret_cast<ACL*>(memory.data()); }
  alignas(ACL) std::array<std::byte, 256> memory{};
};

// What the comparison rests on: nothing of a live list may be read as less than it is.
TEST(Atk08, ALiveListIsReadAsItIs) {
  const auto plain = read_back(OneEntry().get(), true);
  ASSERT_TRUE(plain) << plain.error().sentence();
  EXPECT_TRUE(plain->has_dacl && plain->is_protected && plain->all_known);
  EXPECT_EQ(plain->entries, (std::vector<AccessEntry>{{true, test::own_user(), FILE_ALL_ACCESS}}));
  const auto open_to_heirs = read_back(OneEntry().get(), false);
  ASSERT_TRUE(open_to_heirs);
  EXPECT_FALSE(open_to_heirs->is_protected);
  const auto none = read_back(nullptr, true);
  ASSERT_TRUE(none);
  EXPECT_FALSE(none->has_dacl);
  const auto flagged = read_back(OneEntry(ACCESS_ALLOWED_ACE_TYPE, OBJECT_INHERIT_ACE).get(), true);
  ASSERT_TRUE(flagged);
  EXPECT_FALSE(flagged->all_known);
  const auto of_another_kind = read_back(OneEntry(SYSTEM_AUDIT_ACE_TYPE).get(), true);
  ASSERT_TRUE(of_another_kind);
  EXPECT_FALSE(of_another_kind->all_known);
}

TEST(Token, EachLevelBeginsAtItsNumber) {
  const std::pair<unsigned, Integrity> rows[] = {
      {0, Integrity::untrusted},          {0x0FFF, Integrity::untrusted}, {0x1000, Integrity::low},  {0x1FFF, Integrity::low},
      {0x2000, Integrity::medium},        {0x20FF, Integrity::medium},    {0x2100, Integrity::medium_plus},
      {0x2FFF, Integrity::medium_plus},   {0x3000, Integrity::high},      {0x3FFF, Integrity::high}, {0x4000, Integrity::system}};
  for (const auto& [number, level] : rows) EXPECT_EQ(integrity_of(sid(("S-1-16-" + std::to_string(number)).c_str())), level) << number;
}

TEST(Token, AGroupThatOnlyDeniesIsNone) {
  HANDLE raw = nullptr;
  ASSERT_NE(::OpenProcessToken(::GetCurrentProcess(), TOKEN_QUERY | TOKEN_DUPLICATE | TOKEN_ASSIGN_PRIMARY, &raw), 0);
  const Handle own(raw);
  const auto before = read_token(own.get());
  ASSERT_TRUE(before && !before->groups.empty());
  const auto denied = before->groups.front();
  std::vector<std::byte> sid_bytes(denied.bytes().begin(), denied.bytes().end());
  SID_AND_ATTRIBUTES disabled{sid_bytes.data(), 0};
  ASSERT_NE(::CreateRestrictedToken(own.get(), 0, 1, &disabled, 0, nullptr, 0, nullptr, &raw), 0) << ::GetLastError();
  const Handle filtered(raw);
  const auto after = read_token(filtered.get());
  ASSERT_TRUE(after) << after.error().sentence();
  EXPECT_EQ(std::ranges::count(after->groups, denied), 0);
  EXPECT_EQ(after->groups.size() + 1, before->groups.size());
}

/// Every listening end that this process has.
std::set<HANDLE> server_ends() {
  std::set<HANDLE> found;
  for (std::uintptr_t value = 4; value < 0x4000; value += 4) {
    const auto raw = reinterpret_cast<HANDLE>(value);
    DWORD flags = 0;
    if (::GetFileType(raw) == FILE_TYPE_PIPE && ::GetNamedPipeInfo(raw, &flags, nullptr, nullptr, nullptr) != 0 && (flags & PIPE_SERVER_END) != 0)
      found.insert(raw);
  }
  return found;
}

TEST(Atk08, TheLivePipeOfEachScopeIsExactlyAsMeant) {
  const auto self = os().open_self();
  const auto token = os().process_token(self->get());
  ASSERT_TRUE(token) << token.error().sentence();
  for (const auto scope : {Scope::session, Scope::user, Scope::machine}) {
    const TempDirectory directory;
    const auto endpoint = test::endpoint_in(directory, "test", scope);
    const auto meant = intended_access(scope, *token);
    if (!meant) {
      // Wine has no logon sessions.
      EXPECT_TRUE(is_wine() && scope == Scope::session && meant.error() == Error::unsupported);
      EXPECT_EQ(PipeListener::open(endpoint, 4).error(), Error::unsupported);
      continue;
    }
    const auto before = server_ends();
    const WaitingPipe listener(endpoint);
    auto ends = server_ends();
    for (const auto raw : before) ends.erase(raw);
    ASSERT_GE(ends.size(), 2u) << "the instances of this listener";
    for (const auto raw : ends) {
      const auto live = read_access(raw);
      ASSERT_TRUE(live) << live.error().sentence();
      EXPECT_EQ(live->owner, test::own_user());
      EXPECT_TRUE(live->is_protected && live->has_dacl && live->all_known);
      ASSERT_EQ(live->entries.size(), meant->entries.size());
      // ATK-07: before all else, nobody who came over a network.
      EXPECT_FALSE(live->entries[0].allow);
      EXPECT_EQ(live->entries[0].who, sid("S-1-5-2"));
      EXPECT_TRUE(check_access(*live, *meant, "pipe")) << to_sddl(*live);
      EXPECT_FALSE(test::is_inherited(raw));
    }
    const auto client = open_instance(test::address_of(endpoint));
    ASSERT_TRUE(client);
    const auto seen = read_access(client.get());
    ASSERT_TRUE(seen) << seen.error().sentence();
    EXPECT_TRUE(check_access(*seen, *meant, "pipe")) << to_sddl(*seen);
  }
}

// The flag that rejects remote clients cannot be read back under Wine, which has none; the type, the ends and the bound can.
TEST(Atk07, FlagsReadBackFromTheLivePipe) {
  const TempDirectory directory;
  const auto before = server_ends();
  const WaitingPipe listener(test::endpoint_in(directory));
  auto ends = server_ends();
  for (const auto raw : before) ends.erase(raw);
  ASSERT_GE(ends.size(), 2u);
  for (const auto raw : ends) {
    DWORD flags = 0, out = 0, in = 0, most = 0;
    ASSERT_NE(::GetNamedPipeInfo(raw, &flags, &out, &in, &most), 0);
    EXPECT_EQ(flags & PIPE_TYPE_MESSAGE, 0u);
    EXPECT_GE(most, DWORD{PIPE_UNLIMITED_INSTANCES});  // Wine: 2^32 - 1
    DWORD state = 0;
    ASSERT_NE(::GetNamedPipeHandleStateW(raw, &state, nullptr, nullptr, nullptr, nullptr, 0), 0);
    EXPECT_EQ(state & (PIPE_NOWAIT | PIPE_READMODE_MESSAGE), 0u);
  }
}

TEST(Atk07, WhoMayOnlyBeAClientMakesNoInstance) {
  const TempDirectory directory;
  const auto address = test::address_of(test::endpoint_in(directory));
  PipeAccess access;
  access.owner = test::own_user();
  access.is_protected = access.has_dacl = true;
  access.entries = {{true, test::own_user(), client_rights}};
  PSECURITY_DESCRIPTOR descriptor = nullptr;
  ASSERT_NE(::ConvertStringSecurityDescriptorToSecurityDescriptorW(to_wide(to_sddl(access)).value().c_str(), SDDL_REVISION_1, &descriptor, nullptr), 0);
  SECURITY_ATTRIBUTES attributes{sizeof(SECURITY_ATTRIBUTES), descriptor, FALSE};
  const auto first = make_instance(address, &attributes);
  ASSERT_TRUE(first);
  const auto second = make_instance(address, &attributes);
  const auto error = ::GetLastError();
  ::LocalFree(descriptor);
  EXPECT_TRUE(open_instance(address));
  if (second && is_wine()) GTEST_SKIP() << "this Wine lets everybody make instances";
  EXPECT_FALSE(second);
  EXPECT_EQ(error, DWORD{ERROR_ACCESS_DENIED});
}

}  // namespace
}  // namespace penstock::transport
