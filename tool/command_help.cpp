// penstock help
#include <fmt/format.h>

#include "tool/command.hpp"
#include "tool/help_text.hpp"

namespace penstock::tool {
namespace {

constexpr std::array exits{Exit::ok,        Exit::usage,    Exit::cannot_start,     Exit::peer_refused,
                           Exit::not_found, Exit::no_keys,  Exit::channel_broken,   Exit::deadline,
                           Exit::resource,  Exit::internal, Exit::operation_refused};

std::string exit_codes() {
  std::string out = "Exit codes of penstock:\n";
  const auto line = [&](int number, std::string_view text) { out += fmt::format("  {:>2}  {}\n", number, text); };
  for (const auto code : exits) {
    line(static_cast<int>(code), protocol::to_string(code));
    if (code == Exit::ok)
      line(answered_no, "asked and answered: no (a call's status, no rule matches, something is lacking)");
  }
  return out + exit_code_text;
}

int show(const CLI::App& app, const std::string& topic) {
  if (topic.empty()) return answer(app.help());
  if (topic == "exit-codes") return answer(exit_codes());
  for (const auto* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (command->get_name() == topic) return answer(command->help());
  }
  return complain(Exit::usage, fmt::format("there is no help on \"{}\"; name a command, or exit-codes", topic));
}

}  // namespace

std::string usage_sentence(const std::string& what, const std::string& command) {
  auto text = what;
  while (!text.empty() && (text.back() == '\n' || text.back() == '.')) text.pop_back();
  return fmt::format("{}; `{} --help` shows what it takes", text, command);
}

void add_help(CLI::App& app, Chosen& chosen) {
  auto* command =
      add_command(app, "help", group_look, "Explain a command, or the exit codes", "[COMMAND | exit-codes]", "");
  auto topic = std::make_shared<std::string>();
  command->add_option("topic", *topic, "A command, or exit-codes")->type_name("");
  command->callback([&app, &chosen, topic] { chosen.action = [&app, topic] { return show(app, *topic); }; });
}

}  // namespace penstock::tool
