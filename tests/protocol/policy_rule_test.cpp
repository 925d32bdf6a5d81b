// Rules built in code: what a file could not say is refused here too.
#include <functional>

#include "tests/crypto/scratch.hpp"
#include "tests/protocol/policy_testing.hpp"

namespace penstock {
namespace {

using test::key_of;
using test::mentions;
using test::plain_rule;

struct Fault {
  const char* key;
  const char* sentence;
  std::function<void(Rule&)> apply;
};

const Fault faults[] = {
    {"name", "1 to 64", [](Rule& rule) { rule.name = ""; }},
    {"name", "1 to 64", [](Rule& rule) { rule.name = std::string(65, 'n'); }},
    {"name", "printable", [](Rule& rule) { rule.name = "a\nb"; }},
    {"name", "printable", [](Rule& rule) { rule.name = "a\x1b[31m"; }},
    {"name", "printable", [](Rule& rule) { rule.name = "a\xc2\x9b"; }},      // CSI, the control that terminals obey
    {"name", "printable", [](Rule& rule) { rule.name = "a\xe2\x80\xae"; }},  // turns the direction of what follows
    {"name", "printable", [](Rule& rule) { rule.name = "a\xff"; }},
    {"name", "printable", [](Rule& rule) { rule.name = "a\xc0\xaf"; }},
    {"trust", "no such", [](Rule& rule) { rule.trust = static_cast<Trust>(9); }},
    {"binding", "no such", [](Rule& rule) { rule.binding = static_cast<Binding>(9); }},
    {"min_strength", "no such", [](Rule& rule) { rule.min_strength = static_cast<Strength>(9); }},
    {"users", "means nobody", [](Rule& rule) { rule.users = {0xFFFFFFFF}; }},
    {"users", "twice",
     [](Rule& rule) {
       rule.users = {1, 2, 1};
     }},
    {"users", "more than 1000", [](Rule& rule) { rule.users.resize(1001); }},
    {"groups", "means nobody", [](Rule& rule) { rule.groups = {0xFFFFFFFF}; }},
    {"groups", "twice",
     [](Rule& rule) {
       rule.groups = {0, 0};
     }},
    {"executable_sha256", "64 lower-case", [](Rule& rule) { rule.executable_sha256 = std::string(63, 'a'); }},
    {"executable_sha256", "64 lower-case", [](Rule& rule) { rule.executable_sha256 = std::string(64, 'A'); }},
    {"executable_fs_verity", "64 lower-case", [](Rule& rule) { rule.executable_fs_verity = ""; }},
    {"label", "1 to 4096", [](Rule& rule) { rule.label = ""; }},
    {"label", "1 to 4096", [](Rule& rule) { rule.label = std::string("a\0b", 3); }},
    {"login_session", "no session", [](Rule& rule) { rule.login_session = 0xFFFFFFFF; }},
    {"cgroup", "absolute", [](Rule& rule) { rule.cgroup = "user.slice"; }},
    {"cgroup", "absolute", [](Rule& rule) { rule.cgroup = "/a*"; }},
    {"cgroup", "absolute", [](Rule& rule) { rule.cgroup = "/*/a"; }},
    {"cgroup", "absolute", [](Rule& rule) { rule.cgroup = "/a/../b"; }},
    {"cgroup", "absolute", [](Rule& rule) { rule.cgroup = ""; }},
    {"trust", "needs public_keys", [](Rule& rule) { rule.trust = Trust::static_key; }},
    {"public_keys", "never be looked at", [](Rule& rule) { rule.public_keys = {key_of(1)}; }},
    {"public_keys", "nobody's",
     [](Rule& rule) {
       rule.trust = Trust::static_key;
       rule.public_keys = {PublicKey()};
     }},
    {"public_keys", "twice",
     [](Rule& rule) {
       rule.trust = Trust::static_key;
       rule.public_keys = {key_of(1), key_of(1)};
     }},
    {"min_strength", "only claims", [](Rule& rule) { rule.min_strength = Strength::claimed; }},
    {"min_strength", "needs \"pinned\"", [](Rule& rule) { rule.min_strength = Strength::connected; }},
    {"min_strength", "binding = \"user\"",
     [](Rule& rule) {
       rule.trust = Trust::launch_secret;
       rule.min_strength = Strength::connected;
     }},
    {"operations", "no operations", [](Rule& rule) { rule.operations = {}; }},
    {"operations", "stand alone",
     [](Rule& rule) {
       rule.operations = {"open", "*"};
     }},
    {"operations", "twice",
     [](Rule& rule) {
       rule.operations = {"open", "open"};
     }},
    {"operations", "1 to 64", [](Rule& rule) { rule.operations = {""}; }},
    {"operations", "1 to 64", [](Rule& rule) { rule.operations = {"op en"}; }},
    {"operations", "1 to 64", [](Rule& rule) { rule.operations = {std::string(65, 'o')}; }},
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

TEST(PolicyRule, WhatAFileMayNotSayIsRefusedInCodeToo) {
  ASSERT_TRUE(Policy::of({plain_rule("sound")}));
  for (const auto& fault : faults) {
    auto rule = plain_rule("faulty");
    fault.apply(rule);
    const auto policy = Policy::of({plain_rule("sound"), rule});
    ASSERT_FALSE(policy) << fault.key << " " << fault.sentence;
    EXPECT_EQ(policy.error().code(), Error::policy_invalid);
    const std::string sentence(policy.error().sentence());
    EXPECT_TRUE(sentence.starts_with("rule 2 (" + std::string(fault.key) + "): ")) << sentence;
    EXPECT_TRUE(mentions(sentence, fault.sentence)) << sentence;
  }
}

TEST(PolicyRule, ThereIsAtLeastOneRuleAtMostAThousandAndNoNameTwice) {
  ASSERT_FALSE(Policy::of({}));
  EXPECT_TRUE(mentions(Policy::of({}).error().sentence(), "no rules"));
  EXPECT_TRUE(
      mentions(Policy::of({plain_rule("a"), plain_rule("b"), plain_rule("a")}).error().sentence(), "rule 3 (name)"));
  std::vector<Rule> rules;
  for (int at = 0; at < 1000; ++at) rules.push_back(plain_rule(std::to_string(at)));
  EXPECT_TRUE(Policy::of(rules));
  rules.push_back(plain_rule("one more"));
  ASSERT_FALSE(Policy::of(rules));
  EXPECT_TRUE(mentions(Policy::of(rules).error().sentence(), "more than 1000"));
}

std::string program_fault(const std::string& path) {
  auto rule = plain_rule("program");
  rule.executable = path;
  const auto policy = Policy::of({rule});
  return policy ? "" : std::string(policy.error().sentence());
}

TEST(PolicyRule, AProgramThatOthersCouldReplaceIsRefused) {
  const test::Scratch scratch;
  std::filesystem::create_directory(scratch / "bin");
  const auto program = scratch.write("bin/app", "#!/bin/true\n", 0755);
  ASSERT_EQ(program_fault(program), "");

  for (const unsigned mode : {0775u, 0757u, 0777u}) {
    ::chmod(program.c_str(), mode);
    EXPECT_TRUE(mentions(program_fault(program), "others could replace")) << mode;
  }
  ::chmod(program.c_str(), 0755);
  // The directory itself, sticky or not, and one further up.
  for (const unsigned mode : {0775u, 0757u, 01777u}) {
    ::chmod((scratch / "bin").c_str(), mode);
    EXPECT_TRUE(mentions(program_fault(program), "chmod go-w " + (scratch / "bin"))) << mode;
  }
  ::chmod((scratch / "bin").c_str(), 0755);
  ::chmod(scratch.path().c_str(), 0777);
  EXPECT_TRUE(mentions(program_fault(program), "chmod go-w " + scratch.path()));
  // A sticky parent is as safe as what stands below it: /tmp itself is one here.
  ::chmod(scratch.path().c_str(), 01777);
  EXPECT_EQ(program_fault(program), "");
}

TEST(PolicyRule, AProgramBehindALinkIsRefused) {
  const test::Scratch scratch;
  std::filesystem::create_directory(scratch / "bin");
  const auto program = scratch.write("bin/app", "#!/bin/true\n", 0755);
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
  const auto program = scratch.write("home/app", "#!/bin/true\n", 0755);
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
