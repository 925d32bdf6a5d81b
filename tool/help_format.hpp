// CLI11's help, with usage lines written by hand and descriptions wrapped.
#pragma once

#include <CLI/CLI.hpp>

namespace penstock::tool {

class HelpFormat : public CLI::Formatter {
 public:
  HelpFormat() { column_width(30); }
  std::string make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const override;
  std::string make_option_opts(const CLI::Option* option) const override;
  std::string make_option_desc(const CLI::Option* option) const override;
  std::string make_subcommand(const CLI::App* sub) const override;
};

/// The usage line of a command, kept apart from its description by a newline in CLI11's one field for both.
void set_usage(CLI::App& app, const std::string& usage, const std::string& description);

}  // namespace penstock::tool
