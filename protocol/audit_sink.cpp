#include "protocol/audit_sink.hpp"

#include <fmt/format.h>

#include <chrono>
#include <utility>

namespace penstock::protocol {
namespace {

Failure unavailable(std::string sentence) {
  return Failure(Error::audit_unavailable, std::move(sentence));
}

std::int64_t now() {
  using namespace std::chrono;
  return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

class FileSink final : public NumberingSink {
 public:
  FileSink(std::string path, OpenAuditFile open, std::unique_ptr<AuditFile> file)
      : path_(std::move(path)), open_(std::move(open)), file_(std::move(file)) {}

 private:
  result<void> append(const std::string& line) final {
    if (auto ready = prepare(); !ready) return ready;
    const auto whole = unfinished_ ? '\n' + line : line;
    const auto written = file_->write(whole);
    if (written.size == whole.size()) {
      unfinished_ = false;
      return {};
    }
    if (written.size > 0) take_back(written.size);
    return unavailable(
        fmt::format("The audit file {} did not take an event ({}): make room for it; no new peer is admitted "
                    "until then.",
                    path_, written.size > 0 ? "the disk is full" : written.reason));
  }

  // Nothing may follow half a line, and nothing may go where nobody will ever look.
  result<void> prepare() {
    if (file_ == nullptr) return open_again();
    const auto status = file_->status();
    if (!status) return unavailable(fmt::format("The audit file {} is gone.", path_));
    if (torn_at_ && status->size > *torn_at_ && !file_->cut_to(*torn_at_)) {
      return unavailable(
          fmt::format("Half a line at the end of the audit file {} cannot be taken back: make room for it.", path_));
    }
    torn_at_.reset();
    return status->removed ? open_again() : look_at_end(status->size);
  }

  result<void> open_again() {
    file_.reset();  // first: where a name goes with the last handle only, it must go now
    auto again = open_();
    if (!again) return again.error();
    file_ = std::move(*again);
    checked_end_ = false;
    torn_at_.reset();
    const auto status = file_->status();
    return status ? look_at_end(status->size) : Error::audit_unavailable;
  }

  // A crash in the middle of an earlier write leaves a line without an end. It stays, as evidence; ours begins on its
  // own.
  result<void> look_at_end(std::uint64_t size) {
    if (std::exchange(checked_end_, true) || size == 0) return {};
    const auto last = file_->last_byte(size);
    if (!last) {
      checked_end_ = false;
      return unavailable(fmt::format("The audit file {} cannot be read.", path_));
    }
    unfinished_ = *last != '\n';
    return {};
  }

  void take_back(std::uint64_t written) {
    const auto status = file_->status();
    unfinished_ = !status || status->size < written;
    if (unfinished_) return;
    const auto start = status->size - written;
    if (!file_->cut_to(start)) torn_at_ = start;
  }

  std::string path_;
  OpenAuditFile open_;
  std::unique_ptr<AuditFile> file_;
  std::optional<std::uint64_t> torn_at_;  // where half a line begins that could not be taken back yet
  bool checked_end_ = false;
  bool unfinished_ = false;  // what is there does not end in a newline
};

class OutputSink final : public NumberingSink {
 public:
  explicit OutputSink(std::unique_ptr<AuditOutput> output) noexcept : output_(std::move(output)) {}

 private:
  result<void> append(const std::string& line) final {
    const auto whole = unfinished_ ? '\n' + line : line;
    const auto written = output_->write(whole);
    if (written.size == whole.size()) {
      unfinished_ = false;
      return {};
    }
    // What is in a pipe or on a terminal cannot be taken back: the next line begins on its own.
    if (written.size > 0) unfinished_ = true;
    return unavailable(fmt::format("The audit output did not take an event ({}): see what reads it.",
                                   written.size > 0 ? "only a part of it" : written.reason));
  }

  std::unique_ptr<AuditOutput> output_;
  bool unfinished_ = false;
};

}  // namespace

result<void> NumberingSink::record(const AuditEvent& event) noexcept {
  try {
    const std::lock_guard lock(mutex_);
    return append(audit_json(event, now(), ++number_));
  } catch (...) {
    // Out of memory for the line: an event that is not kept, like any other.
    return Error::audit_unavailable;
  }
}

result<std::shared_ptr<AuditSink>> make_file_sink(std::string path, OpenAuditFile open) {
  auto file = open();
  if (!file) return file.error();
  return std::shared_ptr<AuditSink>(std::make_shared<FileSink>(std::move(path), std::move(open), std::move(*file)));
}

std::shared_ptr<AuditSink> make_output_sink(std::unique_ptr<AuditOutput> output) {
  return std::make_shared<OutputSink>(std::move(output));
}

}  // namespace penstock::protocol

namespace penstock {

result<std::shared_ptr<AuditSink>> open_json_audit(const std::string& path) {
  return protocol::make_file_sink(path, [path] { return protocol::open_audit_file(path); });
}

}  // namespace penstock
