#include "tool/help_format.hpp"

#include <fmt/format.h>

#include "tool/command.hpp"
#include "tool/terminal.hpp"

namespace penstock::tool {
namespace {

constexpr std::size_t description_column = 30;
constexpr std::size_t help_width = 110;

std::pair<std::string, std::string> usage_and_description(const CLI::App* app) {
  const auto text = app->get_description();
  const auto end = text.find('\n');
  if (end == std::string::npos) return {"", text};
  return {text.substr(0, end), text.substr(end + 1)};
}

}  // namespace

void set_usage(CLI::App& app, const std::string& usage, const std::string& description) {
  app.description(usage + '\n' + description);
}

std::string HelpFormat::make_help(const CLI::App* app, std::string, CLI::AppFormatMode mode) const {
  const auto [usage, description] = usage_and_description(app);
  std::string out = wrapped(description, 0, help_width) + "\n\nUsage: " + usage + "\n";
  out += make_groups(app, mode);
  out += make_subcommands(app, mode);
  while (out.ends_with("\n\n")) out.pop_back();
  if (const auto footer = app->get_footer(); !footer.empty()) out += "\n" + footer;
  if (!out.ends_with('\n')) out += '\n';
  return out;
}

std::string HelpFormat::make_option_opts(const CLI::Option* option) const {
  if (option->get_type_size() == 0) return "";
  const auto type = option->get_type_name();  // CLI11 appends the names of its checks after a colon
  return " " + type.substr(0, type.find(':'));
}

std::string HelpFormat::make_option_desc(const CLI::Option* option) const {
  return wrapped(option->get_description(), 0, help_width - description_column);  // CLI11 indents the lines
}

std::string HelpFormat::make_subcommand(const CLI::App* sub) const {
  return fmt::format("  {:<{}}{}\n", sub->get_name(), description_column - 2,
                     wrapped(usage_and_description(sub).second, description_column, help_width));
}

std::string full_name(const CLI::App* command) {
  if (command->get_parent() == nullptr) return command->get_name();
  return full_name(command->get_parent()) + ' ' + command->get_name();
}

CLI::App* add_command(CLI::App& app, const char* name, const char* group, const char* description, const char* usage,
                      const char* footer) {
  auto* command = app.add_subcommand(name);
  set_usage(*command, fmt::format("{} {}", full_name(command), usage), description);
  command->group(group);
  command->footer(footer);
  command->set_help_flag("-h,--help", "Print this help and exit");
  return command;
}

}  // namespace penstock::tool
