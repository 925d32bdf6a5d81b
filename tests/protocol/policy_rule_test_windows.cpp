// Programs in rules: paths of Windows, and programs that others could replace.
#include <windows.h>

#include <filesystem>

#include "crypto/windows_text.hpp"
#include "protocol/policy_system.hpp"
#include "tests/protocol/program_fault.hpp"
#include "tests/support/scratch.hpp"

namespace penstock {

std::vector<test::Fault> test::program_faults() {
  return {
      {"executable", "not absolute", [](Rule& rule) { rule.executable = "notepad.exe"; }},
      {"executable", "not absolute", [](Rule& rule) { rule.executable = ""; }},
      {"executable", "not absolute", [](Rule& rule) { rule.executable = "\\windows\\notepad.exe"; }},
      {"executable", "not absolute", [](Rule& rule) { rule.executable = "C:notepad.exe"; }},
      {"executable", "not absolute", [](Rule& rule) { rule.executable = "\\\\server\\share\\x.exe"; }},
      {"executable", "not absolute", [](Rule& rule) { rule.executable = "\\\\?\\C:\\windows\\notepad.exe"; }},
      {"executable", "cannot be looked at", [](Rule& rule) { rule.executable = "C:\\windows\\no-such-program.exe"; }},
      {"executable", "cannot be looked at", [](Rule& rule) { rule.executable = "C:\\no\\such\\program.exe"; }},
      {"executable", "not a program", [](Rule& rule) { rule.executable = "C:\\windows\\system32"; }},
      {"executable", "is no program", [](Rule& rule) { rule.executable = "C:\\windows\\"; }},
      {"executable", "is no program", [](Rule& rule) { rule.executable = "C:\\windows\\notepad.exe:stream"; }},
      {"executable", "is no program", [](Rule& rule) { rule.executable = "C:\\windows\\.."; }},
      {"executable", "is no program", [](Rule& rule) { rule.executable = std::string("C:\\x.exe\0y", 10); }},
  };
}

namespace {

using test::mentions;
using test::program_fault;

TEST(PolicyRule, AProgramOfTheSystemIsTrusted) {
  EXPECT_EQ(program_fault("C:\\windows\\system32\\cmd.exe"), "");
  EXPECT_EQ(program_fault("C:/windows/system32/cmd.exe"), "");
}

TEST(PolicyRule, WhatWindowsCannotRunIsNoProgram) {
  const test::Scratch scratch;
  EXPECT_TRUE(mentions(program_fault(scratch.write("app.exe", "#!/bin/sh\n", 0755)), "not a program"));
  EXPECT_TRUE(mentions(program_fault(scratch.write("app.exe", "M", 0755)), "not a program"));
  EXPECT_TRUE(mentions(program_fault(scratch.write("app.exe", "", 0755)), "not a program"));
}

// What a rule compares is what a process's own file says.
TEST(PolicyRule, AProgramAndTheFileOfThatProgramAreOne) {
  wchar_t name[1024];
  ASSERT_NE(::GetModuleFileNameW(nullptr, name, 1024), 0u);
  const auto self = protocol::find_file(to_utf8(name));
  ASSERT_TRUE(self) << self.error().sentence();
  EXPECT_NE(self->inode, 0u);
  const test::Scratch scratch;
  const auto program = scratch.write("app.exe", test::program_text, 0755);
  const auto found = protocol::find_trusted_program(program);
  ASSERT_TRUE(found) << found.error().sentence();
  EXPECT_EQ(found->device, protocol::find_file(program)->device);
  EXPECT_EQ(found->inode, protocol::find_file(program)->inode);
  EXPECT_NE(found->inode, self->inode);
}

TEST(PolicyUsers, NamesAreLookedUpAndMustFit) {
  EXPECT_EQ(*protocol::find_user("S-1-5-18"), test::known_user());
  EXPECT_EQ(*protocol::find_user(test::known_user_name()), test::known_user());
  EXPECT_EQ(*protocol::find_group(test::known_group_name()), test::known_group());
  for (const auto& name :
       {std::string(), std::string("no-such-user-here"), test::known_group_name(), std::string("Everyone"),
        std::string("S-1-5-"), std::string("SYSTEM\0x", 8), std::string("\xff")}) {
    ASSERT_FALSE(protocol::find_user(name)) << name;
    EXPECT_EQ(protocol::find_user(name).error(), Error::policy_invalid);
  }
  EXPECT_FALSE(protocol::numbered_user(0));
}

TEST(PolicyUsers, AUserHasANumberOfItsOwnInThePrologue) {
  // SHA-256 of 010100000000000512000000, as any other program makes it.
  EXPECT_EQ(protocol::user_number(test::known_user()), 0xf53c7fa26c1476dcu);
  EXPECT_NE(protocol::user_number(test::known_user()), protocol::user_number(test::known_group()));
  EXPECT_EQ(protocol::effective_user(), test::own_user());
}

}  // namespace
}  // namespace penstock
