#include "tool/demo_stage.hpp"

#include <fmt/format.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace penstock::tool {
namespace {

namespace fs = std::filesystem;

Failure failed(const std::string& what, int number) {
  return Failure(Error::io_error,
                 fmt::format("the demo's {} cannot be made ({}); see that there is room and that this user may", what,
                             std::generic_category().message(number)));
}

// NOLINTBEGIN(concurrency-mt-unsafe): the command has one thread
DemoUser user_named(const char* name, std::uint32_t otherwise) {
  const auto* entry = ::getpwnam(name);
  return {entry == nullptr ? otherwise : entry->pw_uid, name};
}
DemoUser this_user() {
  const auto* entry = ::getpwuid(::geteuid());
  return {::geteuid(), entry == nullptr ? "this user" : entry->pw_name};
}
// NOLINTEND(concurrency-mt-unsafe)

/// Programs are run from there, so it must not be mounted noexec, as /run often is.
result<std::string> make_directory(bool as_root) {
  for (const char* parent : {"/tmp", "/var/tmp", "/run"}) {
    struct statvfs system{};
    if (::statvfs(parent, &system) != 0 || (system.f_flag & ST_NOEXEC) != 0) continue;
    std::string path = fmt::format("{}/penstock-demo-XXXXXX", parent);
    if (::mkdtemp(path.data()) == nullptr) continue;
    // The application's user must get at its program and at the names, and change neither.
    if (::chmod(path.c_str(), as_root ? 0755 : 0700) == 0) return path;
    ::rmdir(path.c_str());
  }
  return failed("directory", errno);
}

/// Beside this program, in the build tree, or where `cmake --install` puts it.
result<std::string> find_broker() {
  std::error_code error;
  const auto here = fs::read_symlink("/proc/self/exe", error).parent_path();
  for (const auto* place : {"", "../examples/file_broker", "../libexec/penstock"}) {
    const auto path = (here / place / "penstock-file-broker").lexically_normal();
    if (::access(path.c_str(), X_OK) == 0) return path.string();
  }
  return Failure(Error::not_found,
                 fmt::format("the demo's program penstock-file-broker is neither in {} nor in ../libexec/penstock; "
                             "build or install the examples too",
                             here.string()));
}

result<void> write_file(const std::string& path, std::string_view text, mode_t mode) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (!file || ::chmod(path.c_str(), mode) != 0) return failed(path, errno);
  return {};
}

std::string policy(const char* name, const DemoUser& user, const std::string& executable, bool bind_process,
                   const char* operations) {
  auto text =
      fmt::format("version = 1\n\n[[rule]]\nname = \"{}\"\ntrust = \"os-identity\"\nusers = [{}]\n", name, user.id);
  if (!executable.empty()) text += fmt::format("executable = \"{}\"\n", executable);
  text += fmt::format("binding = \"{}\"\n", bind_process ? "process" : "user");
  return text + fmt::format("operations = [{}]\n", operations);
}

}  // namespace

std::string DemoUser::text() const {
  return fmt::format("{} ({})", name, id);
}

DemoStage::DemoStage(DemoStage&& other) noexcept
    : as_root(other.as_root),
      helper(std::move(other.helper)),
      application(std::move(other.application)),
      stranger(std::move(other.stranger)),
      path(std::exchange(other.path, {})) {}

DemoStage::~DemoStage() {
  if (path.empty()) return;
  std::error_code ignored;
  fs::remove_all(path, ignored);
}

result<DemoStage> DemoStage::build() {
  const auto broker = find_broker();
  if (!broker) return broker.error();
  DemoStage stage;
  stage.as_root = ::geteuid() == 0;
  stage.helper = this_user();
  stage.application = stage.as_root ? user_named("nobody", 65534) : stage.helper;
  stage.stranger = stage.as_root ? user_named("daemon", 1) : stage.helper;
  auto path = make_directory(stage.as_root);
  if (!path) return path.error();
  stage.path = std::move(*path);
  if (auto furnished = stage.furnish(*broker); !furnished) return furnished.error();
  return stage;
}

result<void> DemoStage::furnish(const std::string& broker) {
  for (const auto& directory : {path + "/bin", path + "/elsewhere", run(), weaker(), squat(), relay()}) {
    if (::mkdir(directory.c_str(), 0755) != 0 || ::chmod(directory.c_str(), 0755) != 0) return failed(directory, errno);
  }
  if (::mkdir(vault().c_str(), 0700) != 0) return failed(vault(), errno);
  if (as_root && ::chown(squat().c_str(), application.id, application.id) != 0) return failed(squat(), errno);
  for (const auto& program : {genuine(), copy()}) {
    std::error_code error;
    fs::copy_file(broker, program, error);
    if (error || ::chmod(program.c_str(), 0755) != 0) return failed(program, error ? error.value() : errno);
  }
  // Which program a root process runs is not told to other users, so that rule names the user alone.
  const auto helper_program = as_root ? std::string() : genuine();
  const std::pair<std::string, std::string> files[] = {
      {helper_policy(), policy("application", application, genuine(), true, "\"open\"")},
      {application_policy(), policy("helper", helper, helper_program, true, "\"message\"")},
      {weaker_helper_policy(), policy("application, user alone", application, genuine(), false, "\"open\"")},
      {weaker_application_policy(), policy("helper, user alone", helper, helper_program, false, "\"message\"")},
  };
  for (const auto& [file, text] : files) {
    if (auto written = write_file(file, text, 0644); !written) return written;
  }
  if (auto written = write_file(vault() + '/' + report, report_text, 0600); !written) return written;
  return write_file(vault() + '/' + payroll, "What everybody earns.\n", 0600);
}

}  // namespace penstock::tool
