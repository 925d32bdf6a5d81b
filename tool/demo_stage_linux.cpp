#include <fmt/format.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "tool/demo_stage.hpp"
#include "tool/demo_system.hpp"

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
DemoUser own_user() {
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
    const auto path = (here / place / DemoStage::broker_name).lexically_normal();
    if (::access(path.c_str(), X_OK) == 0) return path.string();
  }
  return Failure(Error::not_found,
                 fmt::format("the demo's program {} is neither in {} nor in ../libexec/penstock; "
                             "build or install the examples too",
                             DemoStage::broker_name, here.string()));
}

}  // namespace

const char DemoStage::separator = '/';
const bool DemoStage::handles_pass_a_relay = true;
const char* const DemoStage::broker_name = "penstock-file-broker";

result<void> write_demo_file(const std::string& path, std::string_view text, Readers readers) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  const mode_t mode = readers == Readers::everybody ? 0644 : 0600;
  if (!file || ::chmod(path.c_str(), mode) != 0) return failed(path, errno);
  return {};
}

void remove_tree(const std::string& path) noexcept {
  std::error_code ignored;
  fs::remove_all(path, ignored);
}

DemoPlace DemoStage::place(const char* which) const {
  const auto directory = fmt::format("{}/{}", path, which);
  return {{"--name", name, "--scope", "machine", "--directory", directory}, fmt::format("{}/{}.sock", directory, name)};
}

DemoPlace DemoStage::relay_to(const DemoPlace& /*target*/) const {
  return place("relay");
}

std::string DemoStage::stands_at(const DemoPlace& place) {
  struct stat found{};
  return ::lstat(place.address.c_str(), &found) == 0 ? fmt::format("{} {}", found.st_dev, found.st_ino) : "";
}

result<void> DemoStage::set_up() {
  const auto broker = find_broker();
  if (!broker) return broker.error();
  as_root = ::geteuid() == 0;
  helper = own_user();
  application = as_root ? user_named("nobody", 65534) : helper;
  stranger = as_root ? user_named("daemon", 1) : helper;
  if (as_root) file_printer = "/bin/cat";
  if (!as_root) one_user_note = "Without root both are the same user; run it as root to see two users meet.";
  auto made = make_directory(as_root);
  if (!made) return made.error();
  path = std::move(*made);

  const auto squatted = path + "/squat";
  for (const auto* directory : {"bin", "elsewhere", "run", "weaker", "squat", "relay"}) {
    const auto one = fmt::format("{}/{}", path, directory);
    if (::mkdir(one.c_str(), 0755) != 0 || ::chmod(one.c_str(), 0755) != 0) return failed(one, errno);
  }
  if (::mkdir(vault().c_str(), 0700) != 0) return failed(vault(), errno);
  if (as_root && ::chown(squatted.c_str(), application.id, application.id) != 0) return failed(squatted, errno);
  for (const auto& program : {genuine(), copy()}) {
    std::error_code error;
    fs::copy_file(*broker, program, error);
    if (error || ::chmod(program.c_str(), 0755) != 0) return failed(program, error ? error.value() : errno);
  }
  return {};
}

}  // namespace penstock::tool
