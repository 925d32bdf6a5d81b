// The gate's file with every mistake, and what its rules let through.
#include "tool/dde_gate_rules.hpp"

#include <gtest/gtest.h>

#include "tool/dde_path.hpp"

namespace penstock::tool {
namespace {

const std::string head =
    "version = 1\napplication = \"Notes\"\ntopic = \"System\"\nendpoint = \"notes\"\nrate = { per_second = 5, burst = 10 }\n";

std::string with(const std::string& argument) { return head + "[[command]]\nname = \"open\"\narguments = [" + argument + "]\n"; }

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

const std::string whole = R"(version = 1
application = "Notes"
topic = "System"
endpoint = "notes"
scope = "session"
deadline_ms = 2500

[rate]
per_second = 50
burst = 100

[[command]]
name = "open"
arguments = [
  { name = "file", kind = "path", max_length = 260 },
  { name = "line", kind = "integer", min = -10, max = 1000 },
]

[[command]]
name = "view"
operation = "show.it"
arguments = [{ name = "how", kind = "word", words = ["large", "small"] }, { name = "title", kind = "text", max_length = 10 },
  { name = "from", kind = "path", max_length = 200, network = true }]

[[command]]
name = "close"
arguments = []
)";

TEST(DdeGateFile, AWholeOne) {
  const auto rules = DdeGateRules::parse(whole);
  ASSERT_TRUE(rules) << rules.error().sentence();
  EXPECT_EQ(rules->application, "Notes");
  EXPECT_EQ(rules->topic, "System");
  EXPECT_EQ(rules->endpoint, "notes");
  EXPECT_EQ(rules->scope, Scope::session);
  EXPECT_EQ(rules->deadline, std::chrono::milliseconds(2500));
  EXPECT_EQ(rules->per_second, 50u);
  EXPECT_EQ(rules->burst, 100u);
  ASSERT_EQ(rules->commands.size(), 3u);
  EXPECT_EQ(rules->commands[0].operation, "dde/open");
  EXPECT_EQ(rules->commands[1].operation, "show.it");
  EXPECT_EQ(rules->commands[0].arguments[1].min, -10);
  EXPECT_TRUE(rules->commands[1].arguments[2].network);
  EXPECT_TRUE(rules->commands[2].arguments.empty());
  EXPECT_NE(rules->describe().find("[open(file, line)]  as dde/open"), std::string::npos) << rules->describe();
}

// ATK-28: half a file refuses, or has the first of the same commands and no looser rate.
TEST(DdeGateFile, Atk28CutAnywhereItAllowsNoMore) {
  const auto all = *DdeGateRules::parse(whole);
  std::size_t accepted = 0;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto cut = DdeGateRules::parse(std::string_view(whole).substr(0, size));
    if (!cut) continue;
    ++accepted;
    ASSERT_LE(cut->commands.size(), all.commands.size());
    for (std::size_t at = 0; at < cut->commands.size(); ++at) {
      EXPECT_EQ(cut->commands[at].operation, all.commands[at].operation);
      EXPECT_EQ(cut->commands[at].arguments.size(), all.commands[at].arguments.size()) << size;
    }
    EXPECT_EQ(cut->burst, all.burst);
  }
  EXPECT_GT(accepted, 0u);
}

TEST(DdeGateFile, EveryMistakeIsNamedWithItsLine) {
  const std::string path = "{ name = \"f\", kind = \"path\", max_length = 9 }";
  const struct {
    std::string text;
    int line;
    std::string_view why;
  } table[] = {
      {"", 1, "no version"},
      {replaced(with(path), "version = 1", "version = 2"), 1, "version 2"},
      {replaced(with(path), "version = 1", "version = \"1\""), 1, "a number must stand"},
      {replaced(with(path), "application = \"Notes\"\n", ""), 1, "no application"},
      {replaced(with(path), "\"Notes\"", "\"\""), 2, "1 to 64"},
      {replaced(with(path), "\"Notes\"", "\"#12\""), 2, "1 to 64"},
      {replaced(with(path), "\"Notes\"", "\" a\""), 2, "1 to 64"},
      {replaced(with(path), "\"Notes\"", "\"a \""), 2, "1 to 64"},
      {replaced(with(path), "\"Notes\"", "\"\\u00FC\""), 2, "1 to 64"},
      {replaced(with(path), "\"Notes\"", '"' + std::string(65, 'a') + '"'), 2, "1 to 64"},
      {replaced(with(path), "\"Notes\"", "7"), 2, "text in quotes must stand"},
      {replaced(with(path), "topic = \"System\"\n", ""), 1, "no topic"},
      {replaced(with(path), "\"System\"", "\"*\\n\""), 3, "1 to 64"},
      {replaced(with(path), "endpoint = \"notes\"\n", ""), 1, "no endpoint"},
      {replaced(with(path), "\"notes\"", "\"a/b\""), 4, ""},
      {replaced(with(path), "\"notes\"", "\"\""), 4, ""},
      {replaced(with(path), "rate = { per_second = 5, burst = 10 }\n", ""), 1, "no rate"},
      {replaced(with(path), "{ per_second = 5, burst = 10 }", "5"), 5, "a table must stand"},
      {replaced(with(path), "per_second = 5, ", ""), 5, "no per_second"},
      {replaced(with(path), ", burst = 10", ""), 5, "no burst"},
      {replaced(with(path), "per_second = 5", "per_second = 0"), 5, "outside 1 to 1000"},
      {replaced(with(path), "burst = 10", "burst = 1001"), 5, "outside 1 to 1000"},
      {replaced(with(path), "burst = 10", "burst = 1.5"), 5, "a number must stand"},
      {replaced(with(path), "burst = 10", "bursts = 10"), 5, "did you mean \"burst\""},
      {replaced(with(path), "version = 1\n", "version = 1\nscope = \"galaxy\"\n"), 2, "not known"},
      {replaced(with(path), "version = 1\n", "version = 1\ndeadline_ms = 0\n"), 2, "outside 1 to 60000"},
      {replaced(with(path), "version = 1\n", "version = 1\ndeadline_ms = 60001\n"), 2, "outside"},
      {replaced(with(path), "version = 1\n", "version = 1\napplicaton = 1\n"), 2, "did you mean \"application\""},
      {replaced(with(path), "version = 1\n", "version = 1\nversion = 1\n"), 2, "TOML"},
      {head, 1, "no commands"},
      {head + "command = []\n", 6, "empty"},
      {head + "command = [1]\n", 6, "a command must stand"},
      {head + "[command]\nname = \"open\"\narguments = []\n", 6, "[[command]]"},
      {head + "[[command]]\narguments = []\n", 6, "no name"},
      {head + "[[command]]\nname = \"open\"\n", 6, "no arguments"},
      {head + "[[command]]\nname = \"\"\narguments = []\n", 7, "cannot name a command"},
      {head + "[[command]]\nname = \"a b\"\narguments = []\n", 7, "cannot name a command"},
      {head + "[[command]]\nname = \"" + std::string(33, 'a') + "\"\narguments = []\n", 7, "cannot name a command"},
      {head + "[[command]]\nname = \"a\"\noperation = \"a b\"\narguments = []\n", 8, "operation"},
      {head + "[[command]]\nname = \"a\"\noperation = \"\"\narguments = []\n", 8, "operation"},
      {head + "[[command]]\nname = \"a\"\narguments = []\noperation = \"b\"\n", 8, "last key"},
      {head + "[[command]]\nname = \"a\"\narguments = 1\n", 8, "a list in [ ]"},
      {head + "[[command]]\nname = \"a\"\nargument = []\narguments = []\n", 8, "did you mean \"arguments\""},
      {head + "[[command]]\nname = \"a\"\narguments = []\n[[command]]\nname = \"a\"\narguments = []\n", 10, "two commands are called a"},
      {head + "[[command]]\nname = \"a\"\n[[command.arguments]]\nname = \"f\"\nkind = \"text\"\nmax_length = 5\n", 8, "in { }"},
      {with("1"), 8, "an argument in { } must stand"},
      {with("{ kind = \"path\", max_length = 9 }"), 8, "no name"},
      {with("{ name = \"a-b\", kind = \"path\", max_length = 9 }"), 8, "cannot name an argument"},
      {with("{ name = \"f\", max_length = 9 }"), 8, "no kind"},
      {with("{ name = \"f\", kind = \"file\", max_length = 9 }"), 8, "not known here"},
      {with("{ name = \"f\", kind = \"path\" }"), 8, "no max_length"},
      {with("{ name = \"f\", kind = \"path\", max_length = 0 }"), 8, "outside 1 to 8192"},
      {with("{ name = \"f\", kind = \"path\", max_length = 8193 }"), 8, "outside"},
      {with("{ name = \"f\", kind = \"path\", max_length = 9, network = 1 }"), 8, "true or false"},
      {with("{ name = \"f\", kind = \"path\", max_length = 9, min = 1 }"), 8, "unknown key \"min\""},
      {with("{ name = \"f\", kind = \"text\" }"), 8, "no max_length"},
      {with("{ name = \"f\", kind = \"text\", max_length = 9, network = true }"), 8, "unknown key \"network\""},
      {with("{ name = \"f\", kind = \"integer\", max = 9 }"), 8, "no min"},
      {with("{ name = \"f\", kind = \"integer\", min = 9 }"), 8, "no max"},
      {with("{ name = \"f\", kind = \"integer\", min = 9, max = 8 }"), 8, "exchange them"},
      {with("{ name = \"f\", kind = \"integer\", min = \"0\", max = 8 }"), 8, "a number must stand"},
      {with("{ name = \"f\", kind = \"integer\", min = 0, max = 8, max_length = 1 }"), 8, "unknown key"},
      {with("{ name = \"f\", kind = \"word\" }"), 8, "no words"},
      {with("{ name = \"f\", kind = \"word\", words = [] }"), 8, "empty"},
      {with("{ name = \"f\", kind = \"word\", words = [1] }"), 8, "text in quotes"},
      {with("{ name = \"f\", kind = \"word\", words = [\"a b\"] }"), 8, "no word"},
      {with("{ name = \"f\", kind = \"word\", words = [\"a\", \"a\"] }"), 8, "twice"},
      {with(path + ", " + path), 8, "two arguments are called f"},
  };
  for (const auto& row : table) {
    const auto found = DdeGateRules::parse(row.text, "gate.toml");
    ASSERT_FALSE(found) << row.text;
    EXPECT_EQ(found.error(), Error::policy_invalid) << row.text;
    const auto sentence = found.error().sentence();
    EXPECT_TRUE(sentence.starts_with("gate.toml:" + std::to_string(row.line) + ": ")) << row.text << sentence;
    EXPECT_NE(sentence.find(row.why), std::string_view::npos) << row.text << sentence;
  }
}

TEST(DdeGateFile, CountsAreBounded) {
  auto commands = head;
  for (int i = 0; i < 256; ++i) commands += "[[command]]\nname = \"c" + std::to_string(i) + "\"\narguments = []\n";
  EXPECT_TRUE(DdeGateRules::parse(commands));
  EXPECT_FALSE(DdeGateRules::parse(commands + "[[command]]\nname = \"x\"\narguments = []\n"));
  std::string arguments;
  for (int i = 0; i < 16; ++i) arguments += "{ name = \"a" + std::to_string(i) + "\", kind = \"text\", max_length = 1 },";
  EXPECT_TRUE(DdeGateRules::parse(with(arguments)));
  EXPECT_FALSE(DdeGateRules::parse(with(arguments + "{ name = \"x\", kind = \"text\", max_length = 1 }")));
  EXPECT_FALSE(DdeGateRules::parse(with("") + std::string(1 << 20, '#')));
}

TEST(DdePath, OneFileAndNothingElse) {
  for (const auto* good : {
      R"(C:\a)", R"(c:\a b\c.txt)", R"(Z:\)", R"(C:\.hidden)", R"(C:\a..b)", R"(C:\com10)", R"(C:\console)", R"(C:\a.nul)",
      R"(C:\COM)", R"(C:\a~1)", R"(C:\[x] (1), 'y' &%)", "C:\\\xC3\xBC\\\xE2\x82\xAC"})
    EXPECT_EQ(dde_path_fault(good, false), nullptr) << good;
  for (const auto* bad : {
      R"()", R"(a)", R"(a\b)", R"(\a)", R"(C:)", R"(C:a)", R"(1:\a)", R"(CC:\a)", R"(C:/a)", R"(C:\a/b)", R"(C:\a\)", R"(C:\\a)",
      R"(C:\a\\b)", R"(C:\.)", R"(C:\..\a)", R"(C:\a\..\b)", R"(C:\a\.\b)", R"(C:\a.)", R"(C:\a )", R"(C:\a.\b)", R"(C:\...)",
      R"(C:\ )", R"(C:\a:b)", R"(C:\a::$DATA)", R"(C:\D:\a)", R"(C:\a*)", R"(C:\a?)", R"(C:\a|b)", R"(C:\<a>)", R"(C:\NUL)",
      R"(C:\nul.txt)", R"(C:\NUL .txt)", R"(C:\Con)", R"(C:\prn)", R"(C:\aux.h)", R"(C:\a\COM1)", R"(C:\com9.log)", R"(C:\LPT0)",
      R"(C:\CONIN$)", R"(C:\CONOUT$)", R"(C:\CLOCK$)", R"(C:\NUL\a)", R"(\\?\C:\a)", R"(\\.\C:)", R"(\\.\pipe\x)", R"(\??\C:\a)",
      R"(file:///C:/a)", R"(%TEMP%\a)", "C:\\a\"b", "C:\\a\tb", "C:\\\x7f", "C:\\COM\xC2\xB9", "C:\\lpt\xC2\xB3.txt"}) {
    EXPECT_NE(dde_path_fault(bad, false), nullptr) << bad;
    EXPECT_NE(dde_path_fault(bad, true), nullptr) << bad;
  }
  EXPECT_NE(dde_path_fault(R"(\\server\share\a)", false), nullptr);
  EXPECT_EQ(dde_path_fault(R"(\\server\share\a)", true), nullptr);
  for (const auto* bad : {R"(\\)", R"(\\server)", R"(\\server\share)", R"(\\server\share\)", R"(\\server\\a)", R"(\\server\share\..\x)",
                          R"(\\\server\share\a)"})
    EXPECT_NE(dde_path_fault(bad, true), nullptr) << bad;
}

TEST(DdeGateRules, ACommandFulfilsItsRuleToTheLastArgument) {
  const auto rules = *DdeGateRules::parse(whole);
  const struct {
    DdeCommand command;
    std::string_view why;  // empty: it does
  } table[] = {
      {{"open", {R"(C:\a.txt)", "5"}}, ""},
      {{"open", {R"(C:\a.txt)", "-10"}}, ""},
      {{"open", {R"(C:\a.txt)", "1000"}}, ""},
      {{"open", {R"(C:\a.txt)", "0"}}, ""},
      {{"close", {}}, ""},
      {{"view", {"small", "1234567890", R"(\\s\x\y)"}}, ""},
      {{"view", {"small", "", R"(C:\y)"}}, ""},
      {{"Open", {R"(C:\a.txt)", "5"}}, "No rule"},
      {{"opens", {}}, "No rule"},
      {{"open", {R"(C:\a.txt)"}}, "1 arguments"},
      {{"open", {}}, "0 arguments"},
      {{"open", {R"(C:\a.txt)", "5", "6"}}, "3 arguments"},
      {{"close", {""}}, "1 arguments"},
      {{"open", {"a.txt", "5"}}, "argument 1 (file): it is not absolute"},
      {{"open", {R"(\\s\x\y)", "5"}}, "another machine"},
      {{"open", {"C:\\" + std::string(258, 'a'), "5"}}, "too long"},
      {{"open", {R"(C:\a.txt)", "1001"}}, "argument 2 (line): it is outside"},
      {{"open", {R"(C:\a.txt)", "-11"}}, "outside"},
      {{"open", {R"(C:\a.txt)", ""}}, "no whole number"},
      {{"open", {R"(C:\a.txt)", "+5"}}, "no whole number"},
      {{"open", {R"(C:\a.txt)", "05"}}, "no whole number"},
      {{"open", {R"(C:\a.txt)", "-0"}}, "no whole number"},
      {{"open", {R"(C:\a.txt)", " 5"}}, "no whole number"},
      {{"open", {R"(C:\a.txt)", "5x"}}, "no whole number"},
      {{"open", {R"(C:\a.txt)", "0x5"}}, "no whole number"},
      {{"open", {R"(C:\a.txt)", "5.0"}}, "no whole number"},
      {{"open", {R"(C:\a.txt)", "99999999999999999999"}}, "no whole number"},
      {{"view", {"Small", "", R"(C:\y)"}}, "none of the words"},
      {{"view", {"", "", R"(C:\y)"}}, "none of the words"},
      {{"view", {"small", "12345678901", R"(C:\y)"}}, "too long"},
  };
  for (const auto& row : table) {
    const auto found = rules.check(row.command);
    EXPECT_EQ(found.has_value(), row.why.empty()) << to_dde_text(row.command);
    if (found) continue;
    EXPECT_EQ(found.error(), Error::operation_refused);
    EXPECT_NE(found.error().sentence().find(row.why), std::string_view::npos) << found.error().sentence();
  }
}

}  // namespace
}  // namespace penstock::tool
