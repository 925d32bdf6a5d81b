// penstock doctor
#include <fmt/format.h>

#include "tool/command.hpp"
#include "tool/finding.hpp"
#include "tool/terminal.hpp"
#include "tool/this_user.hpp"
#include "tool/to_json.hpp"

namespace penstock::tool {
namespace {

struct Words {
  bool json = false;
};

const char* name_of(State state) {
  switch (state) {
    case State::proven:
      return "proven";
    case State::lacking:
      return "lacking";
    case State::note:
      return "note";
  }
  return "unknown";
}

std::string as_json(const std::vector<Finding>& findings, std::size_t lacking) {
  nlohmann::ordered_json out{
      {"user", user_json(this_user())}, {"lacking", lacking}, {"findings", nlohmann::ordered_json::array()}};
  for (const auto& one : findings) {
    out["findings"].push_back({{"id", one.id},
                               {"state", name_of(one.state)},
                               {"title", one.title},
                               {"found", one.found},
                               {"meaning", one.meaning},
                               {"remedy", one.remedy}});
  }
  return json_line(out);
}

std::string as_text(const std::vector<Finding>& findings, std::size_t lacking) {
  constexpr std::size_t indent = 12;
  const Paint paint(Stream::output);
  auto out = paint.bold(fmt::format("What this machine can prove, for user {}", to_text(this_user()))) + "\n\n";
  for (const auto& one : findings) {
    const auto padded = fmt::format("{:<8}", name_of(one.state));
    const auto mark = one.state == State::proven    ? paint.green(padded)
                      : one.state == State::lacking ? paint.red(padded)
                                                    : paint.yellow(padded);
    out += fmt::format("  {}  {}\n", mark, one.title);
    for (const auto& [label, text] : {std::pair{"", one.found}, {"", one.meaning}, {"To do: ", one.remedy}}) {
      if (!text.empty()) out += std::string(indent, ' ') + paint.dim(wrapped(label + printable(text), indent)) + '\n';
    }
  }
  out += '\n';
  if (lacking == 0) return out + paint.green("Nothing is lacking.") + '\n';
  return out + fmt::format("{}\n", paint.red(fmt::format("{} of {} lacking.", lacking, findings.size())));
}

int run(const Words& words) {
  std::vector<Finding> findings;
  for (const auto examine : {examine_kernel, examine_memory, examine_places, examine_surroundings}) examine(findings);
  const auto lacking = static_cast<std::size_t>(std::ranges::count(findings, State::lacking, &Finding::state));
  return answer(words.json ? as_json(findings, lacking) : as_text(findings, lacking),
                lacking == 0 ? done : answered_no);
}

}  // namespace

void add_doctor(CLI::App& app, Chosen& chosen) {
  auto* command =
      add_command(app, "doctor", group_look, "Try what this machine can prove, and say what to do about each lack",
                  "[--json]", "Exit code 0 when nothing is lacking, 1 when something is.\n");
  auto words = std::make_shared<Words>();
  command->add_flag("--json", words->json, "One JSON object");
  command->callback([&chosen, words] { chosen.action = [words] { return run(*words); }; });
}

}  // namespace penstock::tool
