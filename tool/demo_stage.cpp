#include "tool/demo_stage.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <utility>

#include "tool/demo_system.hpp"
#include "tool/this_user.hpp"
#include "tool/to_json.hpp"

namespace penstock::tool {
namespace {

/// As TOML has text between quotation marks; JSON's rules are a subset of it.
std::string quoted(const std::string& text) {
  return nlohmann::ordered_json(text).dump();
}

std::string policy(const char* name, const DemoUser& user, const std::string& executable, bool bind_process,
                   const char* operations) {
  auto text = fmt::format("version = 1\n\n[[rule]]\nname = \"{}\"\ntrust = \"os-identity\"\nusers = [{}]\n", name,
                          user_json(user.id).dump());
  if (!executable.empty()) text += fmt::format("executable = \"{}", quoted(executable).substr(1)) + '\n';
  text += fmt::format("binding = \"{}\"\n", bind_process ? "process" : "user");
  return text + fmt::format("operations = [{}]\n", operations);
}

}  // namespace

std::string DemoUser::text() const {
  return fmt::format("{} ({})", name, to_text(id));
}

DemoStage::DemoStage(DemoStage&& other) noexcept
    : as_root(other.as_root),
      helper(std::move(other.helper)),
      application(std::move(other.application)),
      stranger(std::move(other.stranger)),
      path(std::exchange(other.path, {})),
      one_user_note(std::move(other.one_user_note)),
      helper_options(std::move(other.helper_options)),
      file_printer(std::move(other.file_printer)) {}

DemoStage::~DemoStage() {
  if (path.empty()) return;
  remove_tree(path);
}

result<DemoStage> DemoStage::build() {
  DemoStage stage;
  if (auto set = stage.set_up(); !set) return set.error();
  if (auto furnished = stage.furnish(); !furnished) return furnished.error();
  return stage;
}

result<void> DemoStage::furnish() const {
  // Which program a root process runs is not told to other users, so that rule names the user alone.
  const auto helper_program = as_root ? std::string() : genuine();
  const std::pair<std::string, std::string> files[] = {
      {helper_policy(), policy("application", application, genuine(), true, "\"open\"")},
      {application_policy(), policy("helper", helper, helper_program, true, "\"message\"")},
      {weaker_helper_policy(), policy("application, user alone", application, genuine(), false, "\"open\"")},
      {weaker_application_policy(), policy("helper, user alone", helper, helper_program, false, "\"message\"")},
  };
  for (const auto& [file, text] : files) {
    if (auto written = write_demo_file(file, text, Readers::everybody); !written) return written;
  }
  if (auto written = write_demo_file(vault() + separator + report, report_text, Readers::this_user); !written) return written;
  return write_demo_file(vault() + separator + payroll, "What everybody earns.\n", Readers::this_user);
}

}  // namespace penstock::tool
