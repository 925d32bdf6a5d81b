// Sources: openat(2), path_resolution(7), inode(7).
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "crypto/trusted_file.hpp"

namespace penstock::crypto {
namespace {

std::string reason(int number) {
  return std::generic_category().message(number);
}

bool owner_trusted(const struct stat& status) noexcept {
  return status.st_uid == 0 || status.st_uid == ::geteuid();
}

std::string bits(const struct stat& status) {
  return fmt::format("{:04o}", status.st_mode & 07777u);
}

Failure wrong_owner(Error code, const std::string& path, const struct stat& status) {
  return Failure(
      code, fmt::format("{} belongs to user {} (mode {}), who could change it: it must belong to root or to user {}. "
                        "Look at what is in it, then run: chown {} {}",
                        path, status.st_uid, bits(status), ::geteuid(), ::geteuid(), path));
}

Failure is_link(Error code, const std::string& path) {
  return Failure(code, fmt::format("{} is a symbolic link, which may lead elsewhere tomorrow: name the file itself, as "
                                   "`realpath {}` prints it.",
                                   path, path));
}

Failure cannot_open(Error code, const std::string& path, int number) {
  return Failure(code, fmt::format("{} cannot be opened ({}): check that it exists and that user {} may use it.", path,
                                   reason(number), ::geteuid()));
}

// A link fails with ENOTDIR or ELOOP, depending on the flags; the sentence should say that it is a link.
Failure explain_open(int directory, const char* name, const std::string& path, Error unreadable, Error unsafe_) {
  const int number = errno;
  struct stat status {};
  if (::fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(status.st_mode)) {
    return is_link(unsafe_, path);
  }
  return cannot_open(unreadable, path, number);
}

result<void> check_directory(const Handle& directory, const std::string& path, bool last, Error unreadable,
                             Error unsafe_) {
  struct stat status {};
  if (::fstat(directory.get(), &status) != 0) return cannot_open(unreadable, path, errno);
  if (!owner_trusted(status)) return wrong_owner(unsafe_, path, status);
  // In a sticky directory nobody can rename or remove what belongs to another.
  const bool sticky_parent = !last && (status.st_mode & S_ISVTX) != 0;
  if ((status.st_mode & 022u) != 0 && !sticky_parent) {
    return Failure(unsafe_,
                   fmt::format("The directory {} (owner {}, mode {}) may be written by others, who could replace "
                               "what is in it: run: chmod go-w {}",
                               path, status.st_uid, bits(status), path));
  }
  return {};
}

}  // namespace

result<SplitPath> split_path(const std::string& path, Error unreadable) {
  const auto slash = path.rfind('/');
  SplitPath split;
  if (slash != std::string::npos) split.directory = path.substr(0, slash + 1);
  split.name = path.substr(slash == std::string::npos ? 0 : slash + 1);
  const bool names_file = !split.name.empty() && split.name != "." && split.name != "..";
  if (!names_file || path.find('\0') != std::string::npos) {
    return Failure(unreadable, fmt::format("\"{}\" names no file: give the path of one.", path));
  }
  return split;
}

result<Handle> open_trusted_directory(const std::string& path, Error unreadable, Error unsafe_) {
  std::string absolute = path;
  if (!path.starts_with('/')) {
    char current[4096];
    if (::getcwd(current, sizeof current) == nullptr) return cannot_open(unreadable, "The current directory", errno);
    absolute = std::string(current) + '/' + path;
  }
  while (absolute.size() > 1 && absolute.back() == '/') absolute.pop_back();

  constexpr int flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  Handle directory(::open("/", flags));
  if (!directory) return cannot_open(unreadable, "/", errno);
  for (std::size_t at = 0;;) {
    const auto start = absolute.find_first_not_of('/', at);
    const bool last = start == std::string::npos;
    const auto so_far = at == 0 ? std::string("/") : absolute.substr(0, at);
    if (auto checked = check_directory(directory, so_far, last, unreadable, unsafe_); !checked) return checked.error();
    if (last) return directory;

    at = std::min(absolute.find('/', start), absolute.size());
    const auto name = absolute.substr(start, at - start);
    Handle next(::openat(directory.get(), name.c_str(), flags));
    if (!next) return explain_open(directory.get(), name.c_str(), absolute.substr(0, at), unreadable, unsafe_);
    directory = std::move(next);
  }
}

result<Handle> open_trusted_file(const std::string& path, const TrustedFileRules& rules) {
  auto split = split_path(path, rules.unreadable);
  if (!split) return split.error();
  auto directory = open_trusted_directory(split->directory, rules.unreadable, rules.unsafe_);
  if (!directory) return directory.error();

  // Without O_NONBLOCK a FIFO would hold us here for ever.
  const char* const name = split->name.c_str();
  Handle file(::openat(directory->get(), name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!file) return explain_open(directory->get(), name, path, rules.unreadable, rules.unsafe_);

  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return cannot_open(rules.unreadable, path, errno);
  if (!S_ISREG(status.st_mode)) {
    return Failure(rules.unsafe_, fmt::format("{} is not a regular file: name one that is.", path));
  }
  if (!owner_trusted(status)) return wrong_owner(rules.unsafe_, path, status);
  const unsigned forbidden = rules.secret ? 077u : 022u;
  if ((status.st_mode & forbidden) != 0) {
    return Failure(rules.unsafe_, fmt::format("{} (owner {}, mode {}) may be {} by others: run: chmod {} {}", path,
                                              status.st_uid, bits(status), rules.secret ? "read or written" : "written",
                                              rules.secret ? "600" : "go-w", path));
  }
  if (static_cast<unsigned long long>(status.st_size) > rules.max_size) {
    return Failure(rules.unreadable, fmt::format("{} has {} bytes, more than the {} that are read: name another file.",
                                                 path, status.st_size, rules.max_size));
  }
  return file;
}

result<std::size_t> read_up_to(const Handle& file, bytes_span out) {
  std::size_t size = 0;
  while (size < out.size()) {
    const auto got = ::read(file.get(), out.data() + size, out.size() - size);
    if (got == 0) break;
    if (got < 0 && errno == EINTR) continue;
    if (got < 0)
      return Failure(Error::io_error, fmt::format("A file cannot be read ({}): see the system's log.", reason(errno)));
    size += static_cast<std::size_t>(got);
  }
  return size;
}

}  // namespace penstock::crypto
