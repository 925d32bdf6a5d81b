#include "tool/demo_report.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "tool/terminal.hpp"
#include "tool/this_user.hpp"
#include "tool/to_json.hpp"

namespace penstock::tool {
namespace {

constexpr std::size_t column = 40;

std::string mark(const Paint& paint, bool held) {
  return held ? paint.green("✓") : paint.red("✗");
}

/// A backslash of a path, as sentences and audit events spell it, for people.
std::string unescaped(std::string text) {
  constexpr std::string_view spelt = "\\x5c";
  for (auto at = text.find(spelt); at != std::string::npos; at = text.find(spelt, at + 1)) text.replace(at, spelt.size(), 1, '\\');
  return text;
}

/// The stage's long path is known from the first lines.
std::string shortened(std::string text, const DemoStage& stage) {
  text = unescaped(std::move(text));
  for (auto at = text.find(stage.path); at != std::string::npos; at = text.find(stage.path)) {
    text.replace(at, stage.path.size(), "…");
  }
  return printable(text);
}

std::string lines_of(const std::vector<Check>& checks, const DemoStage& stage, const Paint& paint) {
  std::string out;
  for (const auto& check : checks) {
    if (check.held && check.only_if_not) continue;
    out += fmt::format("     {} {}{}\n", mark(paint, check.held), check.held ? "" : paint.red("NOT SO: "),
                       wrapped(shortened(check.text, stage), 7));
  }
  return out;
}

/// What one end's event says of the other.
struct Proof {
  std::string process, user, program, rule, transcript;
};

Proof proof_of(const Json& event, const DemoUser& expected) {
  Proof proof;
  if (!event.contains("peer")) return proof;
  const auto& peer = event["peer"];
  const auto uid = peer.value("uid", Json());
  proof.process = fmt::format("{} ({})", peer.value("pid", std::int64_t{0}), peer.value("strength", "?"));
  proof.user = uid == user_json(expected.id) ? expected.text() : uid.dump();
  const auto program = peer.contains("executable") ? unescaped(peer["executable"].value("path", "?")) : std::string();
  proof.program = program.empty() ? "not told to this user" : program.substr(program.find_last_of("/\\") + 1);
  proof.rule = fmt::format("\"{}\"", event.value("rule", "?"));
  proof.transcript = event.value("transcript", "").substr(0, 16) + "…";
  return proof;
}

std::string row(const Paint& paint, const char* label, const std::string& left, const std::string& right) {
  return fmt::format("     {}{:<{}}{}\n", paint.dim(fmt::format("{:<12}", label)), printable(left), column,
                     printable(right));
}

}  // namespace

bool all_held(const std::vector<Check>& checks) {
  return !checks.empty() && std::ranges::all_of(checks, &Check::held);
}

bool Attempt::refused() const {
  return all_held(checks);
}

std::string describe(const DemoStage& stage) {
  const Paint paint(Stream::output);
  auto out = paint.bold("Penstock: a privileged helper, its application, and four who are neither") + "\n\n";
  out += fmt::format("  helper       runs as {} and opens files that only it may read\n", stage.helper.text());
  out += fmt::format("  application  runs as {} and asks for them\n", stage.application.text());
  out += fmt::format("  stage        {} (…), removed afterwards\n", stage.path);
  if (!stage.one_user_note.empty()) out += paint.yellow("  " + stage.one_user_note) + '\n';
  return out;
}

std::string describe(const MainJob& job, const DemoStage& stage) {
  const Paint paint(Stream::output);
  auto out = '\n' + paint.bold("1  The main job") + '\n' + lines_of(job.checks, stage, paint) + '\n';
  const auto left = proof_of(job.helper_saw, stage.application);
  const auto right = proof_of(job.application_saw, stage.helper);
  out +=
      fmt::format("     {:<12}{}{}\n", "", paint.bold(fmt::format("{:<{}}", "the helper proved of its peer", column)),
                  paint.bold("the application proved of its peer"));
  out += row(paint, "process", left.process, right.process);
  out += row(paint, "user", left.user, right.user);
  out += row(paint, "program", left.program, right.program);
  out += row(paint, "rule", left.rule, right.rule);
  out += row(paint, "transcript", left.transcript, right.transcript);
  out += row(paint, "suite", job.helper_saw.value("suite", "?"), job.application_saw.value("suite", "?"));
  return out + '\n' + paint.bold("2  Four attackers") + '\n';
}

std::string describe(const Attempt& attempt, const DemoStage& stage, bool first_of_its_kind) {
  const Paint paint(Stream::output);
  const auto name = first_of_its_kind ? paint.bold(fmt::format("{:<10}", attempt.attacker)) : std::string(10, ' ');
  auto out = fmt::format("\n  {} {}\n", name, wrapped(shortened(attempt.how, stage), 13));
  out += fmt::format("     {} by {}: {}\n", attempt.refused() ? paint.green("refused") : paint.red("NOT REFUSED"),
                     attempt.noticed_by.empty() ? "nobody" : attempt.noticed_by, paint.bold(printable(attempt.reason)));
  if (!attempt.sentence.empty()) out += "       " + paint.dim(wrapped(shortened(attempt.sentence, stage), 7)) + '\n';
  return out + lines_of(attempt.checks, stage, paint);
}

std::string as_json(const DemoStage& stage, const MainJob& job, const std::vector<Attempt>& attempts, bool good) {
  const auto list = [](const std::vector<Check>& checks) {
    auto out = Json::array();
    for (const auto& check : checks) out.push_back({{"text", check.text}, {"held", check.held}});
    return out;
  };
  Json out{{"good", good},
           {"as_root", stage.as_root},
           {"helper_user", user_json(stage.helper.id)},
           {"application_user", user_json(stage.application.id)}};
  out["main_job"] = {{"done", all_held(job.checks)},
                     {"checks", list(job.checks)},
                     {"helper_saw", job.helper_saw},
                     {"application_saw", job.application_saw}};
  out["attempts"] = Json::array();
  for (const auto& one : attempts) {
    out["attempts"].push_back({{"attacker", one.attacker},
                               {"how", one.how},
                               {"refused", one.refused()},
                               {"noticed_by", one.noticed_by},
                               {"reason", one.reason},
                               {"sentence", one.sentence},
                               {"checks", list(one.checks)}});
  }
  return json_line(out);
}

}  // namespace penstock::tool
