// Programs in rules: what Linux has besides: links, sticky directories, files of other users.
#include <unistd.h>

#include <filesystem>

#include "tests/protocol/program_fault.hpp"
#include "tests/support/scratch.hpp"

namespace penstock {

std::vector<test::Fault> test::program_faults() {
  return {
      {"executable", "not absolute", [](Rule& rule) { rule.executable = "bin/true"; }},
      {"executable", "not absolute", [](Rule& rule) { rule.executable = ""; }},
      {"executable", "\"..\"", [](Rule& rule) { rule.executable = "/usr/bin/../bin/env"; }},
      {"executable", "\"..\"", [](Rule& rule) { rule.executable = "/usr//bin/env"; }},
      {"executable", "\"..\"", [](Rule& rule) { rule.executable = "/usr/bin/env/"; }},
      {"executable", "cannot be looked at", [](Rule& rule) { rule.executable = "/usr/bin/no-such-program"; }},
      {"executable", "not a program", [](Rule& rule) { rule.executable = "/usr/bin"; }},
      {"executable", "not a program", [](Rule& rule) { rule.executable = "/etc/passwd"; }},
      {"executable", "empty", [](Rule& rule) { rule.executable = "/"; }},
      {"executable", "not absolute", [](Rule& rule) { rule.executable = std::string("/usr/bin/env\0x", 14); }},
  };
}

namespace {

using test::mentions;
using test::program_fault;

TEST(PolicyRule, AStickyParentIsAsSafeAsWhatStandsBelowIt) {
  const test::Scratch scratch;
  std::filesystem::create_directory(scratch / "bin");
  const auto program = scratch.write("bin/app", test::program_text, 0755);
  test::set_mode(scratch.path(), 0777);
  EXPECT_NE(program_fault(program), "");
  test::set_mode(scratch.path(), 01777);  // as /tmp itself
  EXPECT_EQ(program_fault(program), "");
}

TEST(PolicyRule, AProgramBehindALinkIsRefused) {
  const test::Scratch scratch;
  std::filesystem::create_directory(scratch / "bin");
  const auto program = scratch.write("bin/app", test::program_text, 0755);
  std::filesystem::create_symlink("app", scratch / "bin/link");
  std::filesystem::create_symlink("bin", scratch / "usr");
  EXPECT_TRUE(mentions(program_fault(scratch / "bin/link"), "is a symbolic link"));
  EXPECT_TRUE(mentions(program_fault(scratch / "usr/app"), (scratch / "usr") + " is a symbolic link"));
}

TEST(PolicyRule, AProgramBelongsToRootOrToOneUserAllTheWayUp) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to give files away";
  constexpr uid_t alice = 54321;
  constexpr uid_t mallory = 54322;
  const test::Scratch scratch;
  std::filesystem::create_directory(scratch / "home");
  const auto program = scratch.write("home/app", test::program_text, 0755);
  const auto owners = [&](uid_t directory, uid_t file) {
    EXPECT_EQ(::chown((scratch / "home").c_str(), directory, 0), 0);
    EXPECT_EQ(::chown(program.c_str(), file, 0), 0);
    return program_fault(program);
  };
  EXPECT_EQ(owners(0, 0), "");
  // Mallory owns the directory of root's program, or of alice's.
  EXPECT_TRUE(mentions(owners(mallory, 0), "neither to root nor"));
  EXPECT_TRUE(mentions(owners(mallory, alice), "neither to root nor"));
  // Alice owns both, but /tmp is sticky: when she takes her directory away, mallory can make one of that name.
  EXPECT_TRUE(mentions(owners(alice, alice), "may be written by them")) << owners(alice, alice);
}

}  // namespace
}  // namespace penstock
