// Rules built in code: what a file could not say is refused here too.
#include <algorithm>
#include <filesystem>
#include <iterator>

#include "tests/protocol/program_fault.hpp"
#include "tests/protocol/policy_testing.hpp"
#include "tests/support/scratch.hpp"

namespace penstock {
namespace {

using test::Fault;
using test::key_of;
using test::mentions;
using test::plain_rule;
using test::program_fault;
using test::test_user;

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
    {"users", "means nobody", [](Rule& rule) { rule.users = {no_user}; }},
    {"users", "twice",
     [](Rule& rule) {
       rule.users = {test_user(1), test_user(2), test_user(1)};
     }},
    {"users", "more than 1000", [](Rule& rule) { rule.users.resize(1001); }},
    {"groups", "means nobody", [](Rule& rule) { rule.groups = {no_user}; }},
    {"groups", "twice",
     [](Rule& rule) {
       rule.groups = {test_user(0), test_user(0)};
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
};

TEST(PolicyRule, WhatAFileMayNotSayIsRefusedInCodeToo) {
  ASSERT_TRUE(Policy::of({plain_rule("sound")}));
  std::vector<Fault> all(std::begin(faults), std::end(faults));
  std::ranges::copy(test::program_faults(), std::back_inserter(all));
  for (const auto& fault : all) {
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

TEST(PolicyRule, AProgramThatOthersCouldReplaceIsRefused) {
  const test::Scratch scratch;
  std::filesystem::create_directory(scratch / "bin");
  test::set_mode(scratch / "bin", 0755);
  const auto program = scratch.write("bin/app", test::program_text, 0755);
  ASSERT_EQ(program_fault(program), "");

  for (const unsigned mode : {0775u, 0757u, 0777u}) {
    test::set_mode(program, mode);
    EXPECT_TRUE(mentions(program_fault(program), "others could replace")) << mode;
  }
  test::set_mode(program, 0755);
  // The directory itself, sticky or not, and one further up.
  for (const unsigned mode : {0775u, 0757u, 01777u}) {
    test::set_mode(scratch / "bin", mode);
    EXPECT_TRUE(mentions(program_fault(program), test::remedy("go-w", scratch / "bin"))) << mode;
  }
  test::set_mode(scratch / "bin", 0755);
  test::set_mode(scratch.path(), 0777);
  EXPECT_TRUE(mentions(program_fault(program), test::remedy("go-w", scratch.path())));
}

}  // namespace
}  // namespace penstock
