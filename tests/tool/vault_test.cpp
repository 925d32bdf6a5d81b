// The example's own rule, asked directly: which paths it looks at, and what its descriptors allow.
#include "examples/file_broker/vault.hpp"

#include <gtest/gtest.h>

#include <filesystem>
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

TEST(Vault, KernelStopsAtTheDirectoryThatTheRuleNames) {
  const penstock::test::TempDirectory here;
  std::filesystem::create_directories(here.file("root/docs"));
  std::ofstream(here.file("root/docs/in")) << "in";
  std::ofstream(here.file("root/other")) << "other";
  std::ofstream(here.file("outside")) << "outside";
  const Vault vault(here.file("root"), {"docs/*", "../outside", "docs/../../outside"});
  EXPECT_EQ(vault.open("docs/in").outcome, Outcome::opened);
  EXPECT_EQ(vault.open("docs/./../docs/in").outcome, Outcome::outside);
  EXPECT_EQ(vault.open("docs/../docs/in").outcome, Outcome::outside);
  EXPECT_EQ(vault.open("docs/../other").outcome, Outcome::outside);
  EXPECT_EQ(vault.open("docs/../../outside").outcome, Outcome::outside);
  EXPECT_EQ(vault.open("../outside").outcome, Outcome::outside);  // whatever an administrator wrote
  EXPECT_EQ(vault.open("docs").outcome, Outcome::not_allowed);
  EXPECT_EQ(vault.open("docs/").outcome, Outcome::not_allowed);
  EXPECT_EQ(vault.open("other").outcome, Outcome::not_allowed);
  EXPECT_EQ(vault.open("docs/.").outcome, Outcome::not_a_file);
  EXPECT_EQ(vault.open("docs/in/x").outcome, Outcome::not_found);
  EXPECT_EQ(vault.open("docs/in/").outcome, Outcome::not_found);
  EXPECT_EQ(vault.open("docs/none").outcome, Outcome::not_found);
}

TEST(Vault, SaysWhyItsDirectoryCannotBeOpened) {
  const penstock::test::TempDirectory here;
  std::ofstream(here.file("file")) << "no directory";
  EXPECT_FALSE(Vault(here.file("missing"), {"*"}).is_open());
  const Vault of_a_file(here.file("file"), {"*"});
  EXPECT_FALSE(of_a_file.is_open());
  EXPECT_NE(of_a_file.trouble(), "");
}

}  // namespace
}  // namespace file_broker
