// The command `penstock`. Every subcommand is a file of its own: command_NAME.cpp.
#include "tool/command.hpp"
#include "tool/help_format.hpp"
#include "tool/help_text.hpp"
#include "tool/process_start.hpp"

namespace {

using namespace penstock::tool;  // NOLINT(google-build-using-namespace): this is the program itself

// What stands after the first `--` is the wrapped program's own, whatever it looks like.
std::vector<std::string> split(const std::vector<std::string>& words, Chosen& chosen) {
  std::vector<std::string> ours;
  for (const auto& word : words) {
    if (chosen.has_program) {
      chosen.program.push_back(word);
    } else if (word == "--") {
      chosen.has_program = true;
    } else {
      ours.push_back(word);
    }
  }
  return ours;
}

const CLI::App* innermost(const CLI::App& app) {
  const auto* command = &app;
  while (!command->get_subcommands().empty()) command = command->get_subcommands().front();
  return command;
}

int parse(CLI::App& app, std::vector<std::string> words) {
  try {
    std::reverse(words.begin(), words.end());  // CLI11 takes them from the back
    app.parse(std::move(words));
    return -1;
  } catch (const CLI::CallForVersion&) {
    return answer(std::string(version_text) + '\n');
  } catch (const CLI::Success&) {
    return answer(innermost(app)->help());
  } catch (const CLI::ParseError& error) {
    return complain(Exit::usage, usage_sentence(error.what(), full_name(innermost(app))));
  }
}

int run(const std::vector<std::string>& arguments) {
  Chosen chosen;
  CLI::App app;
  app.name("penstock");
  app.formatter(std::make_shared<HelpFormat>());
  set_usage(app, "penstock COMMAND [OPTIONS]", tool_description);
  app.footer(tool_footer);
  app.set_help_flag("-h,--help", "Print this help and exit");
  app.set_version_flag("--version", version_text, "Print the version and exit");
  app.require_subcommand(0, 1);  // `penstock connect call` connects to a channel of that name
  for (const auto add :
       {add_demo, add_serve, add_connect, add_call, add_dde_gate, add_keygen, add_policy, add_inspect, add_doctor, add_help}) {
    add(app, chosen);
  }
  auto words = split(arguments, chosen);
  if (const int ended = parse(app, std::move(words)); ended >= 0) return ended;
  if (chosen.action) return chosen.action();
  const auto* command = innermost(app);
  if (command == &app && arguments.empty()) return answer(app.help());
  return complain(Exit::usage, usage_sentence("a command is missing", full_name(command)));
}

}  // namespace

int main(int count, char** arguments) {
  if (!prepare_process()) return static_cast<int>(Exit::resource);
  try {
    return run(arguments_of(count, arguments));
  } catch (const std::exception& error) {
    return complain(Exit::internal, std::string("this should not have happened (") + error.what() +
                                        "); please report it, with what you did");
  }
}
