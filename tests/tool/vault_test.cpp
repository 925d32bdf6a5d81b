// The example's own rule, asked directly: which paths it looks at, and what its descriptors allow.
#include "examples/file_broker/vault.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "tests/support/temp_directory.hpp"

namespace file_broker {
namespace {

TEST(Vault, LooksAtWellFormedPathsOnly) {
  using namespace std::string_view_literals;
  for (const auto path : {"a"sv, "a/b"sv, "a b"sv, "\u00fc"sv, "\u20ac"sv, "\U0001F600"sv, ".."sv})
    EXPECT_TRUE(well_formed(path)) << path;
  for (const auto path :
       {""sv, "/a"sv, "a\0b"sv, "a\nb"sv, "\x7f"sv, "\x80"sv, "\xc3"sv, "\xc0\xaf"sv, "\xe0\x80\xaf"sv,
        "\xed\xa0\x80"sv, "\xf0\x80\x80\xaf"sv, "\xf4\x90\x80\x80"sv, "\xf5\x80\x80\x80"sv, "\xff"sv}) {
    EXPECT_FALSE(well_formed(path)) << path;
  }
  EXPECT_TRUE(well_formed(std::string(1024, 'a')));
  EXPECT_FALSE(well_formed(std::string(1025, 'a')));
}

TEST(Vault, DescriptorIsForReadingAndNotInherited) {
  const penstock::test::TempDirectory here;
  std::ofstream(here.file("a")) << "text";
  const Vault vault(here.path(), {"a"});
  ASSERT_TRUE(vault.is_open());
  const auto opened = vault.open("a");
  ASSERT_EQ(opened.outcome, Outcome::opened);
  EXPECT_EQ(::fcntl(opened.file.get(), F_GETFL) & O_ACCMODE, O_RDONLY);
  EXPECT_NE(::fcntl(opened.file.get(), F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_EQ(::write(opened.file.get(), "x", 1), -1);
}

TEST(Vault, KernelStopsAtTheDirectoryThatTheRuleNames) {
  const penstock::test::TempDirectory here;
  ::mkdir(here.file("root").c_str(), 0700);
  ::mkdir(here.file("root/docs").c_str(), 0700);
  std::ofstream(here.file("root/docs/in")) << "in";
  std::ofstream(here.file("root/other")) << "other";
  std::ofstream(here.file("outside")) << "outside";
  const Vault vault(here.file("root"), {"docs/*", "../outside", "docs/../../outside"});
  EXPECT_EQ(vault.open("docs/in").outcome, Outcome::opened);
  EXPECT_EQ(vault.open("docs/../docs/in").outcome, Outcome::outside);
  EXPECT_EQ(vault.open("docs/../other").outcome, Outcome::outside);
  EXPECT_EQ(vault.open("docs/../../outside").outcome, Outcome::outside);
  EXPECT_EQ(vault.open("../outside").outcome, Outcome::outside);  // whatever an administrator wrote
  EXPECT_EQ(vault.open("docs").outcome, Outcome::not_allowed);
  EXPECT_EQ(vault.open("docs/").outcome, Outcome::not_allowed);
  EXPECT_EQ(vault.open("other").outcome, Outcome::not_allowed);
}

TEST(Vault, NoLinkIsFollowedAnywhere) {
  const penstock::test::TempDirectory here;
  ::mkdir(here.file("docs").c_str(), 0700);
  std::ofstream(here.file("docs/file")) << "file";
  ASSERT_EQ(::symlink("file", here.file("docs/last").c_str()), 0);
  ASSERT_EQ(::symlink("docs", here.file("first").c_str()), 0);
  const Vault vault(here.path(), {"docs/*", "first/*"});
  EXPECT_EQ(vault.open("docs/last").outcome, Outcome::outside);
  EXPECT_EQ(vault.open("first/file").outcome, Outcome::outside);
}

}  // namespace
}  // namespace file_broker
