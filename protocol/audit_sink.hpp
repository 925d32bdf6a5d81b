// Audit lines, one after the other, whole or not at all: what is the same on every platform. What the system does is
// behind AuditOutput and AuditFile.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "penstock/audit.hpp"

namespace penstock::protocol {

/// How a write went.
struct Written {
  std::size_t size = 0;
  std::string reason;  ///< why not all of it, where the system said so
};

/// Something that takes bytes. Not thread-safe.
class AuditOutput {
 public:
  virtual ~AuditOutput() = default;
  /// One write, at the end.
  [[nodiscard]] virtual Written write(std::string_view bytes) = 0;
};

/// An open audit file that is ours alone.
class AuditFile : public AuditOutput {
 public:
  struct Status {
    std::uint64_t size = 0;
    bool removed = false;  ///< nobody will find it any more: its last name has gone
  };
  /// None when the system will not say.
  [[nodiscard]] virtual std::optional<Status> status() = 0;
  /// The byte before the end, none when it cannot be read. `size` is not zero.
  [[nodiscard]] virtual std::optional<char> last_byte(std::uint64_t size) = 0;
  /// Takes back what is behind `size`.
  [[nodiscard]] virtual bool cut_to(std::uint64_t size) = 0;
};

/// Opens the file, or says why it cannot be an audit file (audit_unavailable, with a sentence).
using OpenAuditFile = std::function<result<std::unique_ptr<AuditFile>>()>;

/// Numbers the events and writes them one after the other. The number counts every event, kept or not: a gap is an
/// event that could not be kept.
class NumberingSink : public AuditSink {
 public:
  result<void> record(const AuditEvent& event) noexcept final;

 private:
  virtual result<void> append(const std::string& line) = 0;

  std::mutex mutex_;
  std::uint64_t number_ = 0;
};

/// To a file; `path` for sentences. Opened again when its last name has gone.
[[nodiscard]] result<std::shared_ptr<AuditSink>> make_file_sink(std::string path, OpenAuditFile open);
/// To whatever it is; what it took cannot be taken back.
[[nodiscard]] std::shared_ptr<AuditSink> make_output_sink(std::unique_ptr<AuditOutput> output);

/// The platform's.
[[nodiscard]] result<std::unique_ptr<AuditFile>> open_audit_file(const std::string& path);

}  // namespace penstock::protocol
