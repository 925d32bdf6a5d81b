// The command `penstock`. Every subcommand is a file of its own: command_NAME.cpp.
#include <fcntl.h>
#include <unistd.h>

#include <csignal>

#include "tool/command.hpp"
#include "tool/help_format.hpp"
#include "tool/help_text.hpp"

namespace {

using namespace penstock::tool;  // NOLINT(google-build-using-namespace): this is the program itself

// What stands after the first `--` is the wrapped program's own, whatever it looks like.
std::vector<std::string> split(int count, char** arguments, Chosen& chosen) {
  std::vector<std::string> ours;
  for (int i = 1; i < count; ++i) {
    const std::string word = arguments[i];
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

// A descriptor that was closed would be taken by the next socket or key file, and a message for people written into it.
bool occupy_standard_descriptors() {
  for (int raw = 0; raw <= 2; ++raw) {
    if (::fcntl(raw, F_GETFD) >= 0) continue;
    if (::open("/dev/null", O_RDWR) != raw) return false;
  }
  return true;
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

int run(int count, char** arguments) {
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
       {add_demo, add_serve, add_connect, add_call, add_keygen, add_policy, add_inspect, add_doctor, add_help}) {
    add(app, chosen);
  }
  auto words = split(count, arguments, chosen);
  if (const int ended = parse(app, std::move(words)); ended >= 0) return ended;
  if (chosen.action) return chosen.action();
  const auto* command = innermost(app);
  if (command == &app && count == 1) return answer(app.help());
  return complain(Exit::usage, usage_sentence("a command is missing", full_name(command)));
}

}  // namespace

int main(int count, char** arguments) {
  if (!occupy_standard_descriptors()) return static_cast<int>(Exit::resource);
  // A peer or a pipe that goes is an error to report, not the end of the process.
  // NOLINTBEGIN(cert-err33-c): it cannot fail for signals that exist
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // so is a file that may not grow
  // NOLINTEND(cert-err33-c)
  try {
    return run(count, arguments);
  } catch (const std::exception& error) {
    return complain(Exit::internal, std::string("this should not have happened (") + error.what() +
                                        "); please report it, with what you did");
  }
}
