// What only Windows has: handles and their rights, names that mean something else.
#include <gtest/gtest.h>
#include <windows.h>

#include <fstream>

#include "examples/file_broker/vault.hpp"
#include "tests/support/temp_directory.hpp"

namespace file_broker {
namespace {

TEST(Vault, HandleIsForReadingAndNotInherited) {
  const penstock::test::TempDirectory here;
  std::ofstream(here.file("a")) << "text";
  const Vault vault(here.path(), {"a"});
  ASSERT_TRUE(vault.is_open()) << vault.trouble();
  const auto opened = vault.open("a");
  ASSERT_EQ(opened.outcome, Outcome::opened);
  DWORD flags = HANDLE_FLAG_INHERIT;
  EXPECT_TRUE(GetHandleInformation(opened.file.get(), &flags));
  EXPECT_EQ(flags & HANDLE_FLAG_INHERIT, 0u);
  char byte = 'x';
  DWORD moved = 0;
  EXPECT_FALSE(WriteFile(opened.file.get(), &byte, 1, &moved, nullptr));
  EXPECT_TRUE(ReadFile(opened.file.get(), &byte, 1, &moved, nullptr));
  EXPECT_EQ(byte, 't');
}

TEST(Vault, NamesThatMeanSomethingElseAreNone) {
  for (const auto* path :
       {"NUL", "nul", "docs/NUL", "NUL.txt", "docs/con", "CON .txt", "aux", "PRN", "com1", "COM1.log", "LPT9", "COM\u00b9",
        "lpt\u00b3.x", "CONIN$", "conout$", "a.", "a ", "a/b./c", "docs/...", "a:b", "C:", "C:/a", "a::$DATA", "\\\\.\\pipe\\x",
        "a\\b", "\\a", "..\\a", "a*", "a?", "a\"", "<a", "a>", "a|b"}) {
    EXPECT_FALSE(well_formed(path)) << path;
  }
  for (const auto* path : {"null", "console", "com", "COM10", "lpt", "a.b", ".hidden", "a/../b", "con1", "nul-x", " a"})
    EXPECT_TRUE(well_formed(path)) << path;
}

TEST(Vault, OtherSpellingsOfANameAreNotTheRules) {
  const penstock::test::TempDirectory here;
  std::ofstream(here.file("one.txt")) << "one";
  const Vault vault(here.path(), {"one.txt"});
  EXPECT_EQ(vault.open("one.txt").outcome, Outcome::opened);
  EXPECT_EQ(vault.open("ONE.TXT").outcome, Outcome::not_allowed);
  EXPECT_EQ(vault.open("./one.txt").outcome, Outcome::not_allowed);
}

TEST(Vault, NoReparsePointIsFollowed) {
  const penstock::test::TempDirectory here;
  std::ofstream(here.file("file")) << "file";
  const auto link = std::wstring(here.path().begin(), here.path().end()) + L"\\link";
  const bool made = CreateSymbolicLinkW(link.c_str(), L"file", SYMBOLIC_LINK_FLAG_ALLOW_UNPRIVILEGED_CREATE) != 0;
  const auto attributes = GetFileAttributesW(link.c_str());
  if (!made || attributes == INVALID_FILE_ATTRIBUTES || (attributes & FILE_ATTRIBUTE_REPARSE_POINT) == 0)
    GTEST_SKIP() << "this Windows makes no links (Wine 8 has no reparse points)";
  const Vault vault(here.path(), {"link"});
  EXPECT_EQ(vault.open("link").outcome, Outcome::outside);
}

}  // namespace
}  // namespace file_broker
