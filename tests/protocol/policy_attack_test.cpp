// ATK-28: a policy file that is unreadable, half-written, or in a place where others could have put it.
#include <filesystem>

#include "tests/protocol/policy_attack_testing.hpp"
#include "tests/protocol/policy_testing.hpp"
#include "tests/support/scratch.hpp"

namespace penstock {
namespace {

using test::load_error;
using test::mentions;

const std::string whole = test::whole_policy();

TEST(Atk28, APolicyFileCutAnywhereIsRefusedOrGrantsLess) {
  const test::Scratch scratch;
  const auto full = Policy::load(scratch.write("whole.toml", whole, 0644));
  ASSERT_TRUE(full) << full.error().sentence();
  ASSERT_EQ(full->rules().size(), 3u);
  std::size_t refused = 0;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto path = scratch.write("cut.toml", whole.substr(0, size), 0644);
    const auto cut = Policy::load(path);
    if (!cut) {
      EXPECT_EQ(cut.error().code(), Error::policy_invalid) << size;
      ++refused;
      continue;
    }
    // What is left is the first rules, each whole: none has lost a restriction.
    ASSERT_LE(cut->rules().size(), full->rules().size()) << size;
    for (std::size_t at = 0; at < cut->rules().size(); ++at) EXPECT_EQ(cut->rules()[at], full->rules()[at]) << size;
  }
  // Accepted only between a whole rule and the header of the next.
  EXPECT_GT(refused, whole.size() * 3 / 4);
}

// Without the order that is demanded of a rule, this cut would have widened it to every user.
TEST(Atk28, ARestrictionAfterTheGrantIsRefusedBecauseACutWouldLoseIt) {
  const std::string text =
      "version = 1\n[[rule]]\nname = \"r\"\ntrust = \"os-identity\"\noperations = [\"*\"]\nusers = [" +
      test::test_user_toml(0) + "]\n";
  EXPECT_FALSE(Policy::parse(text));
  EXPECT_TRUE(mentions(Policy::parse(text).error().sentence(), "operations must be the last key"));
}

TEST(Atk28, APolicyFileThatOthersMayWriteIsRefused) {
  const test::Scratch scratch;
  for (const unsigned mode : {0664u, 0646u, 0666u, 0777u}) {
    EXPECT_EQ(load_error(scratch.write("policy.toml", whole, mode)), Error::policy_unsafe) << mode;
  }
  for (const unsigned mode : {0600u, 0644u, 0444u}) {
    EXPECT_EQ(load_error(scratch.write("policy.toml", whole, mode)), Error::none) << mode;
  }
}

TEST(Atk28, APolicyFileInADirectoryThatOthersMayWriteIsRefused) {
  const test::Scratch scratch;
  std::filesystem::create_directory(scratch / "etc");
  test::set_mode(scratch / "etc", 0755);
  const auto path = scratch.write("etc/policy.toml", whole, 0644);
  ASSERT_EQ(load_error(path), Error::none);
  for (const unsigned mode : {0775u, 0757u, 01777u}) {
    test::set_mode(scratch / "etc", mode);
    EXPECT_EQ(load_error(path), Error::policy_unsafe) << mode;
  }
  test::set_mode(scratch / "etc", 0755);
  test::set_mode(scratch.path(), 0777);
  EXPECT_EQ(load_error(path), Error::policy_unsafe);
}

TEST(Atk28, WhatIsNoRegularFileIsRefusedAtOnce) {
  const test::Scratch scratch;
  EXPECT_EQ(load_error(scratch.path()), Error::policy_unsafe);
  EXPECT_NE(load_error("/dev/null"), Error::none);
  EXPECT_EQ(load_error(scratch / "missing.toml"), Error::policy_unreadable);
  EXPECT_EQ(load_error(scratch / "missing/policy.toml"), Error::policy_unreadable);
  EXPECT_EQ(load_error(""), Error::policy_unreadable);
}

TEST(Atk28, AHugePolicyFileIsNotRead) {
  const test::Scratch scratch;
  std::string text = whole;
  text.resize(std::size_t{1} << 20, '\n');
  EXPECT_EQ(load_error(scratch.write("policy.toml", text, 0600)), Error::none);
  text += '\n';
  EXPECT_EQ(load_error(scratch.write("policy.toml", text, 0600)), Error::policy_unreadable);
}

}  // namespace
}  // namespace penstock
