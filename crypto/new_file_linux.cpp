// A new file appears whole or not at all. Sources: link(2), fsync(2).
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "crypto/secret.hpp"
#include "crypto/trusted_file.hpp"

namespace penstock::crypto {
namespace {

Error code_of(int number) noexcept {
  switch (number) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case EMFILE:
    case ENFILE:
      return Error::resource_exhausted;
    case EACCES:
    case EPERM:
    case EROFS:
      return Error::permission_denied;
    default:
      return Error::io_error;
  }
}

Failure cannot_write(const std::string& path, int number) {
  return Failure(code_of(number),
                 fmt::format("{} cannot be written ({}): nothing was left behind; make room or choose another "
                             "place, and try again.",
                             path, std::generic_category().message(number)));
}

// A name in a directory that is removed again unless kept.
class PendingName {
 public:
  PendingName(const Handle& directory, std::string name) : directory_(directory), name_(std::move(name)) {}
  PendingName(const PendingName&) = delete;
  PendingName& operator=(const PendingName&) = delete;
  ~PendingName() {
    if (!kept_) ::unlinkat(directory_.get(), name_.c_str(), 0);
  }
  void keep() noexcept { kept_ = true; }

 private:
  const Handle& directory_;
  std::string name_;
  bool kept_ = false;
};

std::string temporary_name() {
  std::uint64_t number = 0;
  fill_random(std::as_writable_bytes(std::span(&number, 1)));
  return fmt::format(".penstock-{:016x}.new", number);
}

// 0, or errno.
int write_all(const Handle& file, bytes_view contents) noexcept {
  while (!contents.empty()) {
    const auto put = ::write(file.get(), contents.data(), contents.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return errno;
    contents = contents.subspan(static_cast<std::size_t>(put));
  }
  return ::fsync(file.get()) == 0 ? 0 : errno;
}

}  // namespace

result<void> write_new_file(const std::string& path, unsigned permissions, bytes_view contents, Error unreadable,
                            Error unsafe_) {
  if (auto ready = initialise(); !ready) return ready.error();
  auto split = split_path(path, unreadable);
  if (!split) return split.error();
  auto trusted = open_trusted_directory(split->directory, unreadable, unsafe_);
  if (!trusted) return trusted.error();
  // The walk's descriptor is O_PATH, which cannot be synced.
  const Handle directory(::openat(trusted->get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return cannot_write(path, errno);

  const auto temporary = temporary_name();
  const Handle file(
      ::openat(directory.get(), temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) return cannot_write(path, errno);
  const PendingName pending(directory, temporary);
  if (::fchmod(file.get(), permissions) != 0) return cannot_write(path, errno);
  if (const int number = write_all(file, contents); number != 0) return cannot_write(path, number);

  // link(2) and not rename(2): it never replaces what stands there.
  if (::linkat(directory.get(), temporary.c_str(), directory.get(), split->name.c_str(), 0) != 0) {
    if (errno != EEXIST) return cannot_write(path, errno);
    return Failure(Error::invalid_argument,
                   fmt::format("{} exists and is never overwritten: move it away, or choose another path.", path));
  }
  PendingName made(directory, split->name);
  if (::fsync(directory.get()) != 0) return cannot_write(path, errno);
  made.keep();
  return {};
}

}  // namespace penstock::crypto
