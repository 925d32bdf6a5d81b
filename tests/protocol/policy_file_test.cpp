// The policy file: what it says, and each way in which it may not say it.
#include "tests/protocol/policy_refusal.hpp"
#include "tests/protocol/policy_testing.hpp"
#include "tests/support/scratch.hpp"

namespace penstock {
namespace {

using test::mentions;
using test::Refusal;
using test::rule_with;

const std::string hex_1(64, '1');
const std::string hex_2(64, '2');

std::string problem(const std::string& text) {
  const auto policy = Policy::parse(text, "test.toml");
  if (policy) return "";
  EXPECT_EQ(policy.error().code(), Error::policy_invalid);
  return std::string(policy.error().sentence());
}

TEST(PolicyFile, EveryKeyArrivesInItsField) {
  const test::Scratch scratch;
  const auto program = scratch.write("app", test::program_text, 0755);
  const auto policy = Policy::parse(
      "version = 1\n"
      "# comment\n"
      "[[rule]]\n"
      "name = \"desktop app\"\n"
      "trust = \"static-key\"\n"
      "users = [\"" +
      test::known_user_name() + "\", " + test::test_user_toml(1000) +
      "]\n"
      "groups = [\"" +
      test::known_group_name() + "\", " + test::test_user_toml(7) +
      "]\n"
      "executable = '" +
      program +
      "'\n"
      "executable_sha256 = \"" +
      hex_1 +
      "\"\n"
      "executable_fs_verity = '" +
      hex_2 +
      "'\n"
      "label = \"unconfined\"\n"
      "login_session = 3\n"
      "cgroup = \"/user.slice/*\"\n"
      "public_keys = [\"" +
      hex_1 + "\", \"" + hex_2 +
      "\"]\n"
      "min_strength = \"connected\"\n"
      "binding = \"user\"\n"
      "operations = [\"open\", \"message\"]\n"
      "[[rule]]\n"
      "name = \"helper\"\n"
      "trust = \"launch-secret\"\n"
      "operations = [\"*\"]\n");
  ASSERT_TRUE(policy) << policy.error().sentence();
  ASSERT_EQ(policy->rules().size(), 2u);
  Rule wanted;
  wanted.name = "desktop app";
  wanted.trust = Trust::static_key;
  wanted.users = {test::known_user(), test::test_user(1000)};
  wanted.groups = {test::known_group(), test::test_user(7)};
  wanted.executable = program;
  wanted.executable_sha256 = hex_1;
  wanted.executable_fs_verity = hex_2;
  wanted.label = "unconfined";
  wanted.login_session = 3;
  wanted.cgroup = "/user.slice/*";
  wanted.public_keys = {test::key_of(0x11), test::key_of(0x22)};
  wanted.min_strength = Strength::connected;
  wanted.binding = Binding::user;
  wanted.operations = {"open", "message"};
  EXPECT_EQ(policy->rules()[0], wanted);

  Rule least;
  least.name = "helper";
  least.trust = Trust::launch_secret;
  least.operations = {"*"};
  EXPECT_EQ(policy->rules()[1], least);
  EXPECT_EQ(policy->rules()[1].min_strength, Strength::pinned);
  EXPECT_EQ(policy->rules()[1].binding, Binding::process);
}

std::vector<Refusal> refusals() {
  const std::string good = rule_with("");
  const std::string key = "public_keys = [\"" + hex_1 + "\"]";
  return {
      {"empty", "", 1, "no version"},
      {"only a version", "version = 1\n", 1, "no rules"},
      {"no version", good.substr(good.find('\n') + 1), 1, "version = 1"},
      {"unknown version", "version = 2\n" + good.substr(12), 1, "version 2 is not known"},
      {"version as text", "version = \"1\"\n" + good.substr(12), 1, "text in quotes, where a number"},
      {"version with a fraction", "version = 1.0\n" + good.substr(12), 1, "a number with a fraction"},
      {"not TOML", "version = 1\n[[rule\n", 2, "not TOML"},
      {"invalid UTF-8", "version = 1\n# \xff\n" + good.substr(12), 2, "not UTF-8"},
      {"a byte order mark", "\xef\xbb\xbf" + good, 1, "beyond ASCII"},
      {"a letter beyond ASCII outside of quotes", "version = 1\nr\xc3\xa9gle = 1\n", 2, "beyond ASCII"},
      {"a no-break space",
       "version =\xc2\xa0"
       "1\n",
       1, "beyond ASCII"},
      {"a letter beyond ASCII in single quotes", rule_with("label = '\xc3\xa9'"), 5, "write it in \" quotes"},
      {"an escape that is none", rule_with("label = \"\\\xc3\xa9\""), 5, "no such escape"},
      {"a text of several lines", rule_with("label = \"\"\"\nx\"\"\""), 5, "several lines"},
      {"a literal of several lines", rule_with("label = '''x'''"), 5, "several lines"},
      {"a text without an end", rule_with("label = \"x"), 5, "no closing quote"},
      {"a last text without an end", "version = 1\nx = \"x\\\"", 2, "no closing quote"},
      {"three brackets", "version = 1\n[[[rule]]]\n", 1, "not TOML"},
      {"brackets and nothing", "version = 1\n[[=", 1, "not TOML"},
      {"duplicate key at the top", "version = 1\nversion = 1\n" + good.substr(12), 2, "not TOML"},
      {"duplicate key in a rule", rule_with("users = [1]\nusers = [2]"), 6, "not TOML"},
      {"unknown key at the top", "version = 1\nrules = []\n" + good.substr(12), 2,
       "unknown key \"rules\"; did you mean \"rule\"?"},
      {"unknown table", "version = 1\n[limits]\nhalf_open = 3\n" + good.substr(12), 2, "unknown key \"limits\""},
      {"a rule with one bracket", "version = 1\n[rule]\nname = \"r\"\n", 2, "write [[rule]]"},
      {"rules that are no tables", "version = 1\nrule = [1]\n", 2, "where a rule must stand"},
      {"rules that are a number", "version = 1\nrule = 1\n", 2, "where a list"},
      {"an empty list of rules", "version = 1\nrule = []\n", 2, "empty"},
      {"an empty rule", "version = 1\n[[rule]]\n", 2, "has no name"},
      {"unknown key in a rule", rule_with("frobnicate = 1"), 5,
       "unknown key \"frobnicate\"; write one of \"name\", \"trust\""},
      {"a typo", rule_with("executeable = \"/bin/true\""), 5, "did you mean \"executable\"?"},
      {"another typo", rule_with("user = [1]"), 5, "did you mean \"users\"?"},
      {"a key that acts on the terminal", rule_with("\"\\u001b[31m\" = 1"), 5, "unknown key \"?[31m\""},
      {"a subtable", rule_with("[rule.users]\nalice = 1"), 5, "this is a table, where a list"},
      {"no name", "version = 1\n[[rule]]\ntrust = \"os-identity\"\noperations = [\"*\"]\n", 2, "has no name"},
      {"no trust", "version = 1\n[[rule]]\nname = \"r\"\noperations = [\"*\"]\n", 2, "has no trust"},
      {"no operations", "version = 1\n[[rule]]\nname = \"r\"\ntrust = \"os-identity\"\n", 2, "has no operations"},
      {"operations before a restriction",
       "version = 1\n[[rule]]\nname = \"r\"\noperations = [\"*\"]\ntrust = \"os-identity\"\n", 4, "last key"},
      {"unknown trust", rule_with("", "os_identity"), 4,
       "\"os_identity\" is not known here; did you mean \"os-identity\"?"},
      {"empty trust", rule_with("", ""), 4, "write one of \"os-identity\", \"static-key\", \"launch-secret\""},
      {"name as a number", "version = 1\n[[rule]]\nname = 3\n", 3, "where text in quotes"},
      {"name with a newline",
       "version = 1\n[[rule]]\nname = \"a\\nb\"\ntrust = \"os-identity\"\noperations = [\"*\"]\n", 3, "name: "},
      {"users as text", rule_with("users = \"root\""), 5, "where a list"},
      {"users empty", rule_with("users = []"), 5, "the list is empty"},
      {"users unknown", rule_with("users = [\"no-such-user-here\"]"), 5, "no user \"no-such-user-here\""},
      {"users with an empty name", rule_with("users = [\"\"]"), 5, "may not be empty"},
      {"users negative", rule_with("users = [-1]"), 5, "-1 is outside 0 to 4294967295"},
      {"users too large", rule_with("users = [4294967296]"), 5, "outside"},
      {"users by fraction", rule_with("users = [1.5]"), 5,
       "a number with a fraction, where a name in quotes or a number"},
      {"users nested", rule_with("users = [[1]]"), 5, "this is a list, where"},
      {"users on a later line", rule_with("users = [\n  " + test::test_user_toml(1) + ",\n  true,\n]"), 7,
       "true or false"},
      {"groups unknown", rule_with("groups = [\"no-such-group-here\"]"), 5, "no group"},
      {"digest too short", rule_with("executable_sha256 = \"abc\""), 5, "64 lower-case hex digits"},
      {"digest in capitals", rule_with("executable_sha256 = \"" + std::string(64, 'A') + "\""), 5,
       "64 lower-case hex digits"},
      {"verity as a date", rule_with("executable_fs_verity = 1979-05-27"), 5, "a date or time"},
      {"label empty", rule_with("label = \"\""), 5, "label: "},
      {"login session too large", rule_with("login_session = 5000000000"), 5, "outside"},
      {"login session unset", rule_with("login_session = 4294967295"), 5, "no session was set"},
      {"login session as text", rule_with("login_session = \"3\""), 5, "where a number"},
      {"cgroup relative", rule_with("cgroup = \"user.slice/*\""), 5, "cgroup: "},
      {"static-key without keys", rule_with("", "static-key"), 4, "needs public_keys"},
      {"keys without static-key", rule_with(key), 5, "never be looked at"},
      {"keys empty", rule_with("public_keys = []", "static-key"), 5, "the list is empty"},
      {"key in capitals", rule_with("public_keys = [\"" + std::string(64, 'A') + "\"]", "static-key"), 5,
       "is no public key"},
      {"key too short", rule_with("public_keys = [\"11\"]", "static-key"), 5, "\"11\" is no public key"},
      {"key of zeros", rule_with("public_keys = [\"" + std::string(64, '0') + "\"]", "static-key"), 5, "nobody's"},
      {"key twice", rule_with("public_keys = [\"" + hex_1 + "\", \"" + hex_1 + "\"]", "static-key"), 5, "twice"},
      {"claimed", rule_with("min_strength = \"claimed\"", "challenge"), 5, "never authorises alone"},
      {"claimed, and a process", rule_with(key + "\nmin_strength = \"claimed\"", "static-key"), 6, "no process to bind"},
      {"unknown strength", rule_with("min_strength = \"pined\""), 5, "did you mean \"pinned\"?"},
      {"os-identity below pinned", rule_with("min_strength = \"connected\"\nbinding = \"user\""), 5,
       "needs \"pinned\""},
      {"connected bound to a process", rule_with(key + "\nmin_strength = \"connected\"", "static-key"), 6,
       "add binding = \"user\""},
      {"unknown binding", rule_with("binding = \"session\""), 5, "write one of \"process\", \"user\""},
      {"operations as text", "version = 1\n[[rule]]\nname = \"r\"\ntrust = \"os-identity\"\noperations = \"*\"\n", 5,
       "where a list"},
      {"operations empty", "version = 1\n[[rule]]\nname = \"r\"\ntrust = \"os-identity\"\noperations = []\n", 5,
       "the list is empty"},
      {"operations mixed",
       "version = 1\n[[rule]]\nname = \"r\"\ntrust = \"os-identity\"\noperations = [\"a\", \"*\"]\n", 5, "alone"},
      {"operations by number", "version = 1\n[[rule]]\nname = \"r\"\ntrust = \"os-identity\"\noperations = [1]\n", 5,
       "where text"},
      {"two rules of one name", good + good.substr(12), 8, "another rule is called \"r\" too"},
      {"more than 1 MiB", std::string((1u << 20) + 1, '\n'), 1, "more than 1 MiB"},
  };
}

TEST(PolicyFile, EveryRefusalNamesFileLineAndRemedy) {
  ASSERT_EQ(problem(rule_with("")), "");
  auto all = refusals();
  std::ranges::copy(test::platform_refusals(), std::back_inserter(all));
  for (const auto& refusal : all) {
    const auto sentence = problem(refusal.text);
    const auto where = "test.toml:" + std::to_string(refusal.line) + ": ";
    EXPECT_TRUE(sentence.starts_with(where)) << refusal.title << "\n  wanted " << where << "\n  got " << sentence;
    EXPECT_TRUE(mentions(sentence, refusal.says))
        << refusal.title << "\n  wanted " << refusal.says << "\n  got " << sentence;
    // What is wrong; what to do.
    EXPECT_TRUE(mentions(sentence, "; ") || sentence.ends_with("?")) << sentence;
    EXPECT_EQ(sentence.find('\n'), std::string::npos) << sentence;
  }
}

TEST(PolicyFile, ExplicitUserBindingOfOsIdentityIsAllowed) {
  const auto policy = Policy::parse(rule_with("binding = \"user\""));
  ASSERT_TRUE(policy) << policy.error().sentence();
  EXPECT_EQ(policy->rules()[0].binding, Binding::user);
}

TEST(PolicyFile, OtherAlphabetsStandInTextsAndComments) {
  const auto policy = Policy::parse(
      "version = 1 # r\xc3\xa8gle \xf0\x9f\x94\x91\n[[rule]]\nname = \"caf\xc3\xa9 \\\" \xf0\x9f\x94\x91 # x\"\n"
      "trust = \"os-identity\"\nlabel = 'c:\\x # \"' # \"\noperations = [\"*\"]\n");
  ASSERT_TRUE(policy) << policy.error().sentence();
  EXPECT_EQ(policy->rules()[0].name, "caf\xc3\xa9 \" \xf0\x9f\x94\x91 # x");
  EXPECT_EQ(policy->rules()[0].label, "c:\\x # \"");
}

TEST(PolicyFile, InlineRulesAreReadAlike) {
  const auto policy =
      Policy::parse("version = 1\nrule = [{name = \"a\", trust = \"os-identity\", operations = [\"*\"]}]\n");
  ASSERT_TRUE(policy) << policy.error().sentence();
  EXPECT_EQ(policy->rules()[0], test::plain_rule("a"));
  EXPECT_TRUE(mentions(problem("version = 1\nrule = [{operations = [\"*\"], name = \"a\", trust = \"os-identity\"}]\n"),
                       "last key"));
}

}  // namespace
}  // namespace penstock
