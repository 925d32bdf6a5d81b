// Where audit lines go. Sources: open(2), write(2), flock(2), ftruncate(2).
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <mutex>
#include <optional>
#include <system_error>

#include "crypto/trusted_file.hpp"
#include "penstock/audit.hpp"

namespace penstock {
namespace {

Failure unavailable(std::string sentence) {
  return Failure(Error::audit_unavailable, std::move(sentence));
}

std::string reason(int number) {
  return std::generic_category().message(number);
}

std::int64_t now() {
  using namespace std::chrono;
  return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

ssize_t write_once(native_handle file, std::string_view line) noexcept {
  ssize_t written = 0;
  do {
    written = ::write(file, line.data(), line.size());
  } while (written < 0 && errno == EINTR);
  return written;
}

// Numbers the events and writes them one after the other. The number counts every event, kept or not: a gap is an event
// that could not be kept.
class NumberingSink : public AuditSink {
 public:
  result<void> record(const AuditEvent& event) noexcept final {
    try {
      const std::lock_guard lock(mutex_);
      return append(audit_json(event, now(), ++number_));
    } catch (...) {
      // Out of memory for the line: an event that is not kept, like any other.
      return Error::audit_unavailable;
    }
  }

 private:
  virtual result<void> append(const std::string& line) = 0;

  std::mutex mutex_;
  std::uint64_t number_ = 0;
};

/// An audit file that is ours alone.
result<Handle> open_audit_file(const std::string& path) {
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

class FileSink final : public NumberingSink {
 public:
  FileSink(std::string path, Handle file) : path_(std::move(path)), file_(std::move(file)) {}

 private:
  result<void> append(const std::string& line) final {
    if (auto ready = prepare(); !ready) return ready;
    const auto whole = unfinished_ ? '\n' + line : line;
    const auto written = write_once(file_.get(), whole);
    const int error = errno;
    if (written == static_cast<ssize_t>(whole.size())) {
      unfinished_ = false;
      return {};
    }
    if (written > 0) take_back(written);
    return unavailable(
        fmt::format("The audit file {} did not take an event ({}): make room for it; no new peer is admitted "
                    "until then.",
                    path_, written < 0 ? reason(error) : "the disk is full"));
  }

  // Nothing may follow half a line, and nothing may go where nobody will ever look.
  result<void> prepare() {
    struct stat status {};
    if (::fstat(file_.get(), &status) != 0) return unavailable(fmt::format("The audit file {} is gone.", path_));
    if (torn_at_ && status.st_size > *torn_at_ && ::ftruncate(file_.get(), *torn_at_) != 0) {
      return unavailable(
          fmt::format("Half a line at the end of the audit file {} cannot be taken back ({}).", path_, reason(errno)));
    }
    torn_at_.reset();
    if (status.st_nlink != 0) return look_at_end(status.st_size);
    auto again = open_audit_file(path_);
    if (!again) return again.error();
    file_ = std::move(*again);
    checked_end_ = false;
    return ::fstat(file_.get(), &status) == 0 ? look_at_end(status.st_size) : Error::audit_unavailable;
  }

  // A crash in the middle of an earlier write leaves a line without an end. It stays, as evidence; ours begins on its
  // own.
  result<void> look_at_end(off_t size) {
    if (std::exchange(checked_end_, true) || size == 0) return {};
    char last = 0;
    if (::pread(file_.get(), &last, 1, size - 1) != 1) {
      checked_end_ = false;
      return unavailable(fmt::format("The audit file {} cannot be read ({}).", path_, reason(errno)));
    }
    unfinished_ = last != '\n';
    return {};
  }

  void take_back(ssize_t written) {
    struct stat status {};
    unfinished_ = ::fstat(file_.get(), &status) != 0;
    if (unfinished_) return;
    const off_t start = status.st_size - static_cast<off_t>(written);
    if (::ftruncate(file_.get(), start) != 0) torn_at_ = start;
  }

  std::string path_;
  Handle file_;
  std::optional<off_t> torn_at_;  // where half a line begins that could not be taken back yet
  bool checked_end_ = false;
  bool unfinished_ = false;  // what is there does not end in a newline
};

class HandleSink final : public NumberingSink {
 public:
  explicit HandleSink(native_handle handle) noexcept : handle_(handle) {}

 private:
  result<void> append(const std::string& line) final {
    const auto whole = unfinished_ ? '\n' + line : line;
    const auto written = write_once(handle_, whole);
    const int error = errno;
    if (written == static_cast<ssize_t>(whole.size())) {
      unfinished_ = false;
      return {};
    }
    // What is in a pipe or on a terminal cannot be taken back: the next line begins on its own.
    if (written > 0) unfinished_ = true;
    return unavailable(fmt::format("The audit output did not take an event ({}): see what reads it.",
                                   written < 0 ? reason(error) : "only a part of it"));
  }

  native_handle handle_;
  bool unfinished_ = false;
};

}  // namespace

result<std::shared_ptr<AuditSink>> open_json_audit(const std::string& path) {
  auto file = open_audit_file(path);
  if (!file) return file.error();
  return std::shared_ptr<AuditSink>(std::make_shared<FileSink>(path, std::move(*file)));
}

std::shared_ptr<AuditSink> json_audit_to(native_handle handle) {
  return std::make_shared<HandleSink>(handle);
}

}  // namespace penstock
