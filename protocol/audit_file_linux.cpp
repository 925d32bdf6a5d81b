// Where audit lines go. Sources: open(2), write(2), flock(2), ftruncate(2).
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "crypto/trusted_file.hpp"
#include "protocol/audit_sink.hpp"

namespace penstock::protocol {
namespace {

Failure unavailable(std::string sentence) {
  return Failure(Error::audit_unavailable, std::move(sentence));
}

std::string reason(int number) {
  return std::generic_category().message(number);
}

Written write_once(native_handle file, std::string_view bytes) {
  ssize_t written = 0;
  do {
    written = ::write(file, bytes.data(), bytes.size());
  } while (written < 0 && errno == EINTR);
  if (written < 0) return {0, reason(errno)};
  return {static_cast<std::size_t>(written), "it took nothing"};
}

result<Handle> open_file(const std::string& path) {
  const auto split = crypto::split_path(path, Error::audit_unavailable);
  if (!split) return split.error();
  const auto directory =
      crypto::open_trusted_directory(split->directory, Error::audit_unavailable, Error::audit_unavailable);
  if (!directory) return directory.error();
  // Without O_NONBLOCK a FIFO could hold us; O_NOFOLLOW refuses a link; reading is for the last byte.
  constexpr int flags = O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  Handle file(::openat(directory->get(), split->name.c_str(), flags, 0600));
  if (!file) {
    const char* what = errno == ELOOP ? "it is a symbolic link; name the file itself" : "check its owner and mode";
    return unavailable(fmt::format("The audit file {} cannot be opened ({}): {}.", path, reason(errno), what));
  }
  struct stat status {};
  if (::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
    return unavailable(fmt::format("{} is not a regular file: name another for the audit log.", path));
  }
  if (status.st_uid != 0 && status.st_uid != ::geteuid()) {
    return unavailable(
        fmt::format("The audit file {} belongs to user {}, who could rewrite it: move it away, or run: chown {} {}",
                    path, status.st_uid, ::geteuid(), path));
  }
  if ((status.st_mode & 022u) != 0) {
    return unavailable(fmt::format("The audit file {} (mode {:04o}) may be written by others: run: chmod go-w {}", path,
                                   status.st_mode & 07777u, path));
  }
  // A second name could be somebody else's file, which root would now fill, or a way to read or cut this one.
  if (status.st_nlink != 1) {
    return unavailable(fmt::format("The audit file {} has {} names (hard links): move it away and start a new one.",
                                   path, status.st_nlink));
  }
  // Two writers could each take back the other's line.
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    return unavailable(fmt::format("Another process records to the audit file {}: give each process its own.", path));
  }
  return file;
}

class LinuxAuditFile final : public AuditFile {
 public:
  explicit LinuxAuditFile(Handle file) noexcept : file_(std::move(file)) {}

  Written write(std::string_view bytes) final { return write_once(file_.get(), bytes); }

  std::optional<Status> status() final {
    struct stat status {};
    if (::fstat(file_.get(), &status) != 0) return std::nullopt;
    return Status{static_cast<std::uint64_t>(status.st_size), status.st_nlink == 0};
  }

  std::optional<char> last_byte(std::uint64_t size) final {
    char last = 0;
    if (::pread(file_.get(), &last, 1, static_cast<off_t>(size - 1)) != 1) return std::nullopt;
    return last;
  }

  bool cut_to(std::uint64_t size) final { return ::ftruncate(file_.get(), static_cast<off_t>(size)) == 0; }

 private:
  Handle file_;
};

class DescriptorOutput final : public AuditOutput {
 public:
  explicit DescriptorOutput(native_handle handle) noexcept : handle_(handle) {}
  Written write(std::string_view bytes) final { return write_once(handle_, bytes); }

 private:
  native_handle handle_;
};

}  // namespace

result<std::unique_ptr<AuditFile>> open_audit_file(const std::string& path) {
  auto file = open_file(path);
  if (!file) return file.error();
  return std::unique_ptr<AuditFile>(std::make_unique<LinuxAuditFile>(std::move(*file)));
}

}  // namespace penstock::protocol

namespace penstock {

std::shared_ptr<AuditSink> json_audit_to(native_handle handle) {
  return protocol::make_output_sink(std::make_unique<protocol::DescriptorOutput>(handle));
}

}  // namespace penstock
