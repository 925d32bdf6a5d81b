// penstock demo
#include <fmt/format.h>

#include <set>

#include "tool/command.hpp"
#include "tool/demo_play.hpp"
#include "tool/terminal.hpp"

namespace penstock::tool {
namespace {

struct Words {
  bool json = false;
};

constexpr std::array four{"impostor", "squatter", "relay", "replayer"};

/// Main job done, and every attempt of each of the four refused.
bool is_good(const MainJob& job, const std::vector<Attempt>& attempts, const std::vector<Check>& end) {
  std::set<std::string> refused;
  for (const auto& attempt : attempts) {
    if (!attempt.refused()) return false;
    refused.insert(attempt.attacker);
  }
  return all_held(job.checks) && all_held(end) && refused == std::set<std::string>(four.begin(), four.end());
}

result<int> play(const Words& words, const Interrupts& interrupts) {
  const auto stage = DemoStage::build();
  // A program of ours that is missing is not a listener that is missing.
  if (!stage && stage.error() == Error::not_found) return complain(Exit::cannot_start, stage.error().sentence());
  if (!stage) return stage.error();
  const auto say = [&](const std::string& text) { return words.json ? done : answer(text); };
  if (const int printed = say(describe(*stage)); printed != done) return printed;

  DemoPlay play(*stage, interrupts);
  if (auto started = play.start_helper(); !started) return started.error();
  const auto job = play.main_job();
  if (!job) return job.error();
  if (const int printed = say(describe(*job, *stage)); printed != done) return printed;

  std::vector<result<Attempt> (DemoPlay::*)()> acts{
      &DemoPlay::impostor_program, &DemoPlay::impostor_without_handshake, &DemoPlay::squatter_first,
      &DemoPlay::squatter_second,  &DemoPlay::relay,                      &DemoPlay::replayer};
  if (stage->as_root) acts.insert(acts.begin(), &DemoPlay::impostor_user);
  std::vector<Attempt> attempts;
  for (const auto act : acts) {
    auto attempt = (play.*act)();
    if (!attempt) return attempt.error();
    const bool first = attempts.empty() || attempts.back().attacker != attempt->attacker;
    if (const int printed = say(describe(*attempt, *stage, first)); printed != done) return printed;
    attempts.push_back(std::move(*attempt));
  }
  auto end = play.end();
  if (!end) return end.error();

  const bool good = is_good(*job, attempts, *end);
  if (words.json) return answer(as_json(*stage, *job, attempts, good), good ? done : answered_no);
  const Paint paint(Stream::output);
  std::string text = "\n";
  for (const auto& check : *end)
    text += fmt::format("  {} {}\n", check.held ? paint.green("✓") : paint.red("✗ NOT SO:"), check.text);
  text += '\n';
  text += good ? paint.green("The main job was done, and all four attackers were refused.")
               : paint.red("This did not end as it must: see the lines marked NOT SO.");
  return answer(text + '\n', good ? done : answered_no);
}

int run(const Words& words) {
  const Interrupts interrupts;
  const auto ended = play(words, interrupts);
  return ended ? *ended : complain(ended.error());
}

}  // namespace

void add_demo(CLI::App& app, Chosen& chosen) {
  auto* command = add_command(
      app, "demo", group_channels, "See a privileged helper serve its application, and four attackers refused",
      "[--json]",
      "As root, the helper runs as root and the application as nobody; without root, and on Windows, both as you. It takes\n"
      "seconds, "
      "uses real files and processes in a directory of its own, and removes everything, also after Ctrl-C.\n"
      "Exit code 0 only when the main job was done and every attacker was refused, judged from audit events.\n");
  auto words = std::make_shared<Words>();
  command->add_flag("--json", words->json, "One JSON object");
  command->callback([&chosen, words] { chosen.action = [words] { return run(*words); }; });
}

}  // namespace penstock::tool
