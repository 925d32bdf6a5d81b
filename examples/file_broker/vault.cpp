// Sources: openat2(2), path_resolution(7), proc(5).
#include "vault.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace file_broker {
namespace {

constexpr std::size_t longest_path = 1024;

// The kernel itself walks the path and stops where it would leave the directory or follow a link. Checking the text, or
// the result of realpath(3), would leave time to swap a component in between.
penstock::Handle open_beneath(const penstock::Handle& directory, const std::string& path) {
  open_how how{};
  // O_PATH: nothing happens to the file until it is known to be a plain one. Opening a device or a FIFO has effects.
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  return penstock::Handle(static_cast<int>(::syscall(SYS_openat2, directory.get(), path.c_str(), &how, sizeof how)));
}

Outcome outcome_of(int error) {
  switch (error) {
    case EXDEV:  // ".." left the root
    case ELOOP:  // a symbolic link
      return Outcome::outside;
    case ENOENT:
    case ENOTDIR:
      return Outcome::not_found;
    default:
      return Outcome::failed;
  }
}

/// The very file behind an O_PATH descriptor, for reading.
penstock::Handle reopen(const penstock::Handle& file) {
  const auto path = "/proc/self/fd/" + std::to_string(file.get());
  return penstock::Handle(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
}

}  // namespace

const char* sentence(Outcome outcome) noexcept {
  switch (outcome) {
    case Outcome::opened:
      return "The file is open.";
    case Outcome::path_malformed:
      return "This is no path that the helper looks at.";
    case Outcome::not_allowed:
      return "The helper's rule does not name this file.";
    case Outcome::outside:
      return "The path leads out of the directory that is served.";
    case Outcome::not_found:
      return "There is no such file.";
    case Outcome::not_a_file:
      return "This is not a regular file.";
    case Outcome::failed:
      break;
  }
  return "The file could not be opened.";
}

Vault::Vault(const std::string& root, std::vector<std::string> allowed)
    : root_(::open(root.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)), allowed_(std::move(allowed)) {}

Vault::Opened Vault::open(std::string_view path) const {
  if (!well_formed(path)) return {Outcome::path_malformed, {}};
  const auto start = find_rule(path);
  if (!start) return {Outcome::not_allowed, {}};
  const auto directory = open_beneath(root_, start->directory);
  if (!directory) return {outcome_of(errno), {}};
  const auto found = open_beneath(directory, start->path);
  if (!found) return {outcome_of(errno), {}};
  struct stat status{};
  if (::fstat(found.get(), &status) != 0) return {Outcome::failed, {}};
  if (!S_ISREG(status.st_mode)) return {Outcome::not_a_file, {}};
  auto file = reopen(found);
  if (!file) return {Outcome::failed, {}};
  return {Outcome::opened, std::move(file)};
}

std::optional<Vault::Start> Vault::find_rule(std::string_view path) const {
  for (const std::string_view rule : allowed_) {
    if (path == rule && !rule.ends_with("/*")) return Start{".", std::string(path)};
    if (!rule.ends_with("/*")) continue;
    const auto directory = rule.substr(0, rule.size() - 1);  // with its slash
    if (path.size() > directory.size() && path.starts_with(directory)) {
      return Start{std::string(directory), std::string(path.substr(directory.size()))};
    }
  }
  return std::nullopt;
}

bool well_formed(std::string_view path) noexcept {
  if (path.empty() || path.size() > longest_path || path.front() == '/') return false;
  for (std::size_t at = 0; at < path.size();) {
    const auto lead = static_cast<unsigned char>(path[at]);
    if (lead < 0x20 || lead == 0x7F) return false;  // NUL among them: the kernel would see a shorter path
    const std::size_t size = lead < 0x80                   ? 1
                             : lead >= 0xC2 && lead < 0xE0 ? 2
                             : lead >= 0xE0 && lead < 0xF0 ? 3
                             : lead >= 0xF0 && lead < 0xF5 ? 4
                                                           : 0;
    if (size == 0 || path.size() - at < size) return false;
    for (std::size_t i = 1; i < size; ++i) {
      if ((static_cast<unsigned char>(path[at + i]) & 0xC0u) != 0x80u) return false;
    }
    // Not the shortest form, a surrogate, or beyond U+10FFFF: several spellings of one name are refused.
    const auto second = size > 1 ? static_cast<unsigned char>(path[at + 1]) : 0u;
    if (lead == 0xE0 && second < 0xA0) return false;
    if (lead == 0xED && second > 0x9F) return false;
    if (lead == 0xF0 && second < 0x90) return false;
    if (lead == 0xF4 && second > 0x8F) return false;
    at += size;
  }
  return true;
}

}  // namespace file_broker
