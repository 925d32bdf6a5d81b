// ATK-28: which owner and which entries of an access-control list make a file untrusted. Plain facts, without a file.
#include "crypto/file_access_windows.hpp"

#include <gtest/gtest.h>
#include <windows.h>

#include <array>
#include <vector>

#include "penstock/handle.hpp"
#include "tests/support/users.hpp"

namespace penstock::crypto {
namespace {

Sid sid(const char* text) {
  return Sid::parse(text).value();
}

const Sid self = test::test_user(1000);
const Sid mallory = test::test_user(1001);
const Sid system_ = sid("S-1-5-18");
const Sid administrators = sid("S-1-5-32-544");
const Sid trusted_installer = sid("S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464");
const Sid everyone = sid("S-1-1-0");
const Sid authenticated = sid("S-1-5-11");
const Sid users = sid("S-1-5-32-545");
const Sid anonymous = sid("S-1-5-7");
const Sid creator_owner = sid("S-1-3-0");
const Sid owner_rights = sid("S-1-3-4");

FileAccess access_of(std::vector<AccessEntry> entries, const Sid& owner = self) {
  return {owner, true, false, std::move(entries)};
}

AccessEntry allow(const Sid& who, std::uint32_t rights) {
  return {who, rights, true, false};
}

bool trusted(const FileAccess& access, FileRole role) {
  return !find_access_fault(access, role, self);
}

constexpr FileRole roles[] = {FileRole::parent, FileRole::directory, FileRole::file, FileRole::secret_file};

TEST(FileAccess, TheOwnerIsUsOrTheSystem) {
  for (const auto role : roles) {
    for (const auto& owner : {self, system_, administrators, trusted_installer})
      EXPECT_TRUE(trusted(access_of({}, owner), role));
    for (const auto& owner : {mallory, everyone, users, anonymous, creator_owner, Sid()}) {
      const auto fault = find_access_fault(access_of({}, owner), role, self);
      ASSERT_TRUE(fault) << to_text(owner);
      EXPECT_EQ(fault->kind, AccessFault::Kind::owner);
      EXPECT_EQ(fault->who, owner);
    }
  }
}

// A process whose user is not known trusts the system's files and no others, not even nobody's.
TEST(FileAccess, WhoDoesNotKnowItselfTrustsNobodysFiles) {
  EXPECT_TRUE(find_access_fault(access_of({}, Sid()), FileRole::file, Sid()));
  EXPECT_TRUE(find_access_fault(access_of({allow(Sid(), FILE_WRITE_DATA)}, system_), FileRole::file, Sid()));
  EXPECT_FALSE(find_access_fault(access_of({}, system_), FileRole::file, Sid()));
}

TEST(FileAccess, ANullListLetsEverybodyDoEverything) {
  for (const auto role : roles) {
    const auto fault = find_access_fault({self, false, false, {}}, role, self);
    ASSERT_TRUE(fault);
    EXPECT_EQ(fault->kind, AccessFault::Kind::no_list);
    EXPECT_TRUE(trusted(access_of({}), role)) << "an empty list lets nobody do anything";
  }
}

TEST(FileAccess, EveryRightOfAnotherInEveryRole) {
  struct Row {
    const char* right;
    std::uint32_t mask;
    bool parent, directory, file, secret;  // trusted all the same?
  };
  const Row rows[] = {
      {"read data, list", FILE_READ_DATA, true, true, true, false},
      {"write data, add file", FILE_WRITE_DATA, true, false, false, false},
      {"append, add directory", FILE_APPEND_DATA, true, false, false, false},
      {"read attributes", FILE_READ_ATTRIBUTES | FILE_READ_EA | READ_CONTROL | SYNCHRONIZE, true, true, true, true},
      {"write attributes", FILE_WRITE_ATTRIBUTES, true, false, false, false},
      {"write extended attributes", FILE_WRITE_EA, true, false, false, false},
      {"execute, traverse", FILE_EXECUTE, true, true, true, false},
      {"delete a child", FILE_DELETE_CHILD, false, false, true, true},
      {"delete", DELETE, false, false, false, false},
      {"change the list", WRITE_DAC, false, false, false, false},
      {"take over", WRITE_OWNER, false, false, false, false},
      {"generic all", GENERIC_ALL, false, false, false, false},
      {"generic write", GENERIC_WRITE, true, false, false, false},
      {"generic read", GENERIC_READ, true, true, true, false},
      {"generic execute", GENERIC_EXECUTE, true, true, true, false},
      {"what icacls calls RX", FILE_GENERIC_READ | FILE_GENERIC_EXECUTE, true, true, true, false},
      {"what icacls calls M", FILE_GENERIC_READ | FILE_GENERIC_WRITE | FILE_GENERIC_EXECUTE | DELETE, false, false,
       false, false},
      {"what icacls calls F", FILE_ALL_ACCESS, false, false, false, false},
      {"nothing", 0, true, true, true, true},
  };
  for (const auto& row : rows) {
    const bool wanted[] = {row.parent, row.directory, row.file, row.secret};
    for (std::size_t at = 0; at < std::size(roles); ++at) {
      for (const auto& who : {mallory, everyone, authenticated, users, anonymous}) {
        EXPECT_EQ(trusted(access_of({allow(who, row.mask)}), roles[at]), wanted[at]) << row.right << " role " << at;
      }
      for (const auto& who : {self, system_, administrators, trusted_installer, creator_owner, owner_rights}) {
        EXPECT_TRUE(trusted(access_of({allow(who, row.mask)}), roles[at])) << row.right << " role " << at;
      }
    }
  }
}

TEST(FileAccess, OnlyWhatAppliesToTheFileItselfCounts) {
  for (const auto role : roles) {
    EXPECT_TRUE(trusted(access_of({{everyone, FILE_ALL_ACCESS, true, true}}), role)) << "inherit only";
    EXPECT_TRUE(trusted(access_of({{everyone, FILE_ALL_ACCESS, false, false}}), role)) << "a denial gives nothing";
    // And takes nothing: its order and the groups of whoever asks decide that.
    EXPECT_FALSE(
        trusted(access_of({{everyone, FILE_ALL_ACCESS, false, false}, allow(everyone, FILE_ALL_ACCESS)}), role));
    // One entry among good ones is enough.
    EXPECT_FALSE(trusted(
        access_of({allow(self, FILE_ALL_ACCESS), allow(mallory, DELETE), allow(system_, FILE_ALL_ACCESS)}), role));
    // An entry that could not be read.
    EXPECT_FALSE(trusted(access_of({{Sid(), GENERIC_ALL, true, false}}), role));
  }
}

/// An object of this user with that list, as it is read. Wine keeps no such list of a file.
std::optional<FileAccess> read_back(ACL* list) {
  const auto owner = process_user();
  std::vector<std::byte> sid_bytes(owner.bytes().begin(), owner.bytes().end());
  SECURITY_DESCRIPTOR descriptor{};
  ::InitializeSecurityDescriptor(&descriptor, SECURITY_DESCRIPTOR_REVISION);
  ::SetSecurityDescriptorOwner(&descriptor, sid_bytes.data(), FALSE);
  ::SetSecurityDescriptorDacl(&descriptor, TRUE, list, FALSE);
  SECURITY_ATTRIBUTES attributes{sizeof(SECURITY_ATTRIBUTES), &descriptor, FALSE};
  const Handle event(::CreateEventW(&attributes, TRUE, FALSE, nullptr));
  return read_file_access(event.get());
}

// What the rules rest on: nothing may be read as less than it is.
TEST(FileAccess, AListIsReadAsItIs) {
  const auto null_list = read_back(nullptr);
  ASSERT_TRUE(null_list);
  EXPECT_FALSE(null_list->has_list);
  std::vector<std::byte> sid_bytes(everyone.bytes().begin(), everyone.bytes().end());
  alignas(ACL) std::array<std::byte, 256> memory{};
  auto* const list = reinterpret_cast<ACL*>(memory.data());
  const auto read_with_type = [&](BYTE type) {
    ::InitializeAcl(list, sizeof memory, ACL_REVISION);
    EXPECT_NE(::AddAccessAllowedAce(list, ACL_REVISION, FILE_READ_DATA, sid_bytes.data()), 0);
    void* ace = nullptr;
    EXPECT_NE(::GetAce(list, 0, &ace), 0);
    static_cast<ACE_HEADER*>(ace)->AceType = type;
    return read_back(list);
  };
  const auto plain = read_with_type(ACCESS_ALLOWED_ACE_TYPE);
  ASSERT_TRUE(plain && plain->entries.size() == 1);
  EXPECT_EQ(plain->owner, process_user());
  EXPECT_EQ(plain->entries[0].who, everyone);
  EXPECT_EQ(plain->entries[0].rights, std::uint32_t{FILE_READ_DATA});
  const auto denial = read_with_type(ACCESS_DENIED_ACE_TYPE);
  ASSERT_TRUE(denial && denial->entries.size() == 1);
  EXPECT_FALSE(denial->entries[0].allow);
  // One of a kind that no rule knows: it may allow anything to anybody.
  const auto unknown = read_with_type(SYSTEM_AUDIT_ACE_TYPE);
  ASSERT_TRUE(unknown && unknown->entries.size() == 1);
  EXPECT_FALSE(find_access_fault(*plain, FileRole::parent, process_user()));
  EXPECT_TRUE(find_access_fault(*unknown, FileRole::parent, process_user()));
}

// A sandboxed worker runs as its broker's user: the list cannot tell them apart, the label can.
TEST(FileAccess, ALowLabelIsRefusedWhateverTheListSays) {
  for (const auto role : roles) {
    const auto fault = find_access_fault({self, true, true, {allow(self, FILE_ALL_ACCESS)}}, role, self);
    ASSERT_TRUE(fault);
    EXPECT_EQ(fault->kind, AccessFault::Kind::low_label);
  }
}

// The lists that Windows 10 gives its own directories.
TEST(FileAccess, TheListsOfARealWindows) {
  const std::uint32_t modify = 0x1301bf;
  const FileAccess drive{trusted_installer,
                         true, false,
                         {allow(administrators, FILE_ALL_ACCESS),
                          allow(system_, FILE_ALL_ACCESS),
                          allow(users, 0x1200a9),
                          {authenticated, modify, true, true},
                          allow(authenticated, FILE_ADD_SUBDIRECTORY)}};
  EXPECT_TRUE(trusted(drive, FileRole::parent));
  EXPECT_FALSE(trusted(drive, FileRole::directory));
  const FileAccess program_data{
      system_,
      true, false,
      {allow(system_, FILE_ALL_ACCESS),
       allow(administrators, FILE_ALL_ACCESS),
       {creator_owner, GENERIC_ALL, true, true},
       allow(users, 0x1200a9),
       allow(users, FILE_ADD_FILE | FILE_ADD_SUBDIRECTORY | FILE_WRITE_EA | FILE_WRITE_ATTRIBUTES)}};
  EXPECT_TRUE(trusted(program_data, FileRole::parent));
  EXPECT_FALSE(trusted(program_data, FileRole::directory));
  // C:\anything, made by an administrator: inherits that users may modify it.
  const FileAccess made_below_drive{administrators,
                                    true, false,
                                    {allow(administrators, FILE_ALL_ACCESS), allow(system_, FILE_ALL_ACCESS),
                                     allow(users, 0x1200a9), allow(authenticated, modify)}};
  for (const auto role : roles) EXPECT_FALSE(trusted(made_below_drive, role));
  const FileAccess system32_file{
      trusted_installer,
      true, false,
      {allow(trusted_installer, FILE_ALL_ACCESS), allow(administrators, 0x1200a9), allow(system_, 0x1200a9),
       allow(users, 0x1200a9), allow(sid("S-1-15-2-1"), 0x1200a9)}};
  EXPECT_TRUE(trusted(system32_file, FileRole::file));
  EXPECT_FALSE(trusted(system32_file, FileRole::secret_file));
  const FileAccess profile{
      system_,
      true, false,
      {allow(system_, FILE_ALL_ACCESS), allow(administrators, FILE_ALL_ACCESS), allow(self, FILE_ALL_ACCESS)}};
  for (const auto role : roles) EXPECT_TRUE(trusted(profile, role));
}

TEST(FileAccess, EveryFaultSaysWhatToRun) {
  const FileAccess faulty[] = {access_of({}, mallory),
                               {self, false, false, {}},
                               {self, true, true, {}},
                               access_of({allow(everyone, FILE_ALL_ACCESS)}),
                               access_of({{Sid(), GENERIC_ALL, true, false}})};
  for (const auto& access : faulty) {
    const auto fault = find_access_fault(access, FileRole::file, self);
    ASSERT_TRUE(fault);
    const auto failure = access_failure(Error::key_unsafe, "C:\\keys\\key", FileRole::file, *fault, self);
    EXPECT_EQ(failure.code(), Error::key_unsafe);
    EXPECT_NE(failure.sentence().find("icacls \"C:\\keys\\key\" /"), std::string_view::npos) << failure.sentence();
  }
}

TEST(FileAccess, AnIcaclsLineNamesWhoAndWhat) {
  const auto sentence = [](FileRole role, std::uint32_t rights) {
    const auto fault = find_access_fault(access_of({allow(everyone, rights)}), role, self);
    return fault ? std::string(access_failure(Error::key_unsafe, "C:\\x", role, *fault, self).sentence())
                 : std::string();
  };
  EXPECT_NE(sentence(FileRole::file, FILE_WRITE_DATA).find("lets S-1-1-0 change it (access rights 0x00000002)"),
            std::string::npos);
  EXPECT_NE(sentence(FileRole::secret_file, FILE_READ_DATA).find("lets S-1-1-0 read it"), std::string::npos);
  EXPECT_NE(sentence(FileRole::parent, FILE_DELETE_CHILD).find("replace it or what is in it"), std::string::npos);
  EXPECT_NE(sentence(FileRole::directory, FILE_ADD_FILE).find("put other files into it"), std::string::npos);
  EXPECT_NE(sentence(FileRole::file, DELETE).find("/inheritance:d /remove:g *S-1-1-0"), std::string::npos);
}

}  // namespace
}  // namespace penstock::crypto
