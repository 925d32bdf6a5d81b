// Sources: openat(2), path_resolution(7), inode(7), proc(5).
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "transports/directory.hpp"
#include "transports/os_error.hpp"

namespace penstock::transport {
namespace {

constexpr int walk_flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

std::vector<std::string> components_of(const std::string& path) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < path.size();) {
    const auto end = std::min(path.find('/', at), path.size());
    if (end > at) out.push_back(path.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

result<void> check_opened(const Handle& directory, bool last, const TrustedUsers& users, const std::string& path) {
  struct stat status{};
  if (::fstat(directory.get(), &status) != 0)
    return Failure(error_of(errno), fmt::format("{}: {}.", path, reason(errno)));
  return check_directory({status.st_uid, status.st_mode & 07777u}, last, users, path);
}

Failure explain_missing(const Handle& parent, const std::string& name, const std::string& path, int number) {
  struct stat status{};
  const bool seen = ::fstatat(parent.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
  if (seen && S_ISLNK(status.st_mode)) {
    return Failure(
        Error::directory_unsafe,
        fmt::format("{} is a symbolic link, which others may point elsewhere: use the path it leads to.", path));
  }
  if (number == ENOTDIR || number == ELOOP) {
    return Failure(Error::directory_unsafe, fmt::format("{} is not a directory: remove it or use another path.", path));
  }
  if (number == ENOENT) {
    return Failure(
        Error::not_found,
        fmt::format("The directory {} does not exist: start the listener first.", path));
  }
  return Failure(error_of(number),
                 fmt::format("The directory {} cannot be entered ({}): check its mode and this user's rights.", path,
                             reason(number)));
}

/// The exact mode even under a umask that takes bits away. Only the directory just made is touched, in a parent that
/// has been checked. One that exists already is left for the checks to judge.
result<void> make_component(const Handle& parent, const std::string& name, unsigned mode, const std::string& path) {
  if (::mkdirat(parent.get(), name.c_str(), mode) == 0) {
    if (::fchmodat(parent.get(), name.c_str(), mode, 0) == 0) return {};
    return Failure(error_of(errno), fmt::format("The mode of {} cannot be set ({}).", path, reason(errno)));
  }
  if (errno == EEXIST) return {};
  const int number = errno;
  return Failure(error_of(number),
                 fmt::format("The directory {} is missing and cannot be made ({}): make it as its owner, with "
                             "`install -d -m {:04o} {}`.",
                             path, reason(number), mode, path));
}

result<Handle> walk(const ScopeDirectory& wanted, const TrustedUsers& users) {
  const auto names = components_of(wanted.path);
  Handle directory(::open("/", walk_flags));
  if (!directory) return Failure(error_of(errno), fmt::format("/ cannot be opened ({}).", reason(errno)));
  std::string path = "/";
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (auto safe = check_opened(directory, false, users, path); !safe) return safe.error();
    path += (path.size() > 1 ? "/" : "") + names[i];
    if (i + static_cast<std::size_t>(wanted.own_components) >= names.size()) {
      if (auto made = make_component(directory, names[i], wanted.mode, path); !made) return made.error();
    }
    Handle next(::openat(directory.get(), names[i].c_str(), walk_flags));
    if (!next) return explain_missing(directory, names[i], path, errno);
    directory = std::move(next);
  }
  if (auto safe = check_opened(directory, true, users, path); !safe) return safe.error();
  return directory;
}

}  // namespace

bool TrustedUsers::contains(std::uint32_t user) const noexcept {
  return user == 0 || user == self || std::ranges::find(servers, user) != servers.end();
}

result<void> check_directory(const DirectoryFacts& facts, bool last, const TrustedUsers& users,
                             const std::string& path) {
  if (!users.contains(facts.owner)) {
    return Failure(
        Error::directory_unsafe,
        fmt::format("The directory {} belongs to user {}, who could put anything there: use one of root's, of user {} "
                    "or of the server's user.",
                    path, facts.owner, users.self));
  }
  const bool others_write = (facts.mode & 022u) != 0;
  if (!others_write) return {};
  const bool sticky = (facts.mode & static_cast<unsigned>(S_ISVTX)) != 0;
  if (sticky && !last) return {};
  return Failure(
      Error::directory_unsafe,
      fmt::format("The directory {} (mode {:04o}) may be written by others{}: run `chmod go-w {}`, or use another.",
                  path, facts.mode, sticky ? ", who could take the name first" : "", path));
}

result<Handle> open_directory(const std::string& path, const TrustedUsers& users) {
  return walk({path, 0, 0}, users);
}

result<Handle> make_directory(const ScopeDirectory& directory, const TrustedUsers& users) {
  return walk(directory, users);
}

result<std::string> path_within(const Handle& directory, const std::string& name) {
  const auto base = fmt::format("/proc/self/fd/{}", directory.get());
  struct statfs system{};
  struct stat shown{};
  struct stat meant{};
  const bool same = ::statfs("/proc", &system) == 0 && system.f_type == PROC_SUPER_MAGIC &&
                    ::stat(base.c_str(), &shown) == 0 && ::fstat(directory.get(), &meant) == 0 &&
                    shown.st_dev == meant.st_dev && shown.st_ino == meant.st_ino;
  if (same) return base + '/' + name;
  return Failure(
      Error::unsupported,
      "/proc is not mounted, so a checked directory cannot be held while its socket is used: mount proc on /proc.");
}

}  // namespace penstock::transport
