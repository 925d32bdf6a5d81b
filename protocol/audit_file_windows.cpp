// Where audit lines go. Sources: NtCreateFile, "Creating and Opening Files" (sharing), WriteFile (the offset that means
// the end), FILE_END_OF_FILE_INFO, FILE_STANDARD_INFO.
#include <fmt/format.h>
#include <windows.h>

#include <winternl.h>

#include <algorithm>

#include "crypto/nt_file_windows.hpp"
#include "crypto/trusted_file.hpp"
#include "crypto/windows_text.hpp"
#include "protocol/audit_sink.hpp"

namespace penstock::protocol {
namespace {

Failure unavailable(std::string sentence) {
  return Failure(Error::audit_unavailable, std::move(sentence));
}

Written write_at(native_handle file, std::string_view bytes, OVERLAPPED* where) {
  DWORD written = 0;
  const auto size = static_cast<DWORD>(std::min<std::size_t>(bytes.size(), 0x7FFFFFFF));
  if (::WriteFile(file, bytes.data(), size, &written, where)) return {written, "it took nothing"};
  return {0, windows_reason(::GetLastError())};
}

result<Handle> open_file(const std::string& path) {
  const auto split = crypto::split_path(path, Error::audit_unavailable);
  if (!split) return split.error();
  const auto name = to_wide(split->name);
  if (!name) return unavailable(fmt::format("\"{}\" is no path: it is not UTF-8.", path));
  const auto directory =
      crypto::open_trusted_directory(split->directory, Error::audit_unavailable, Error::audit_unavailable);
  if (!directory) return directory.error();
  const auto security = crypto::NewFileSecurity::make(false);
  if (!security) return unavailable(std::string(security.error().sentence()));
  // Not shared for writing: two writers could each take back the other's line. Whoever may delete it (the owner, an
  // administrator) still can, so that logs can be rotated.
  auto opened = crypto::open_at(directory->get(), *name,
                                {.access = FILE_WRITE_DATA | FILE_READ_DATA | FILE_READ_ATTRIBUTES | READ_CONTROL,
                                 .share = FILE_SHARE_READ | FILE_SHARE_DELETE,
                                 .disposition = FILE_OPEN_IF,
                                 .security = security->get()});
  if (!opened.handle && opened.error == ERROR_SHARING_VIOLATION) {
    return unavailable(
        fmt::format("Another process records to the audit file {}, or has it open: give each process its own.", path));
  }
  if (!opened.handle) {
    return unavailable(
        fmt::format("The audit file {} cannot be opened ({}): check its owner and its access-control list.", path,
                    windows_reason(opened.error)));
  }
  const auto& file = opened.handle;
  if (auto checked = crypto::check_trusted_file(file.get(), path, crypto::FileRole::file, Error::audit_unavailable,
                                                Error::audit_unavailable);
      !checked) {
    return checked.error();
  }
  // A second name could be somebody else's file, which we would now fill, or a way to read or cut this one.
  FILE_STANDARD_INFO information{};
  if (!::GetFileInformationByHandleEx(file.get(), FileStandardInfo, &information, sizeof information) ||
      information.NumberOfLinks != 1) {
    return unavailable(fmt::format("The audit file {} has {} names (hard links): move it away and start a new one.",
                                   path, information.NumberOfLinks));
  }
  return std::move(opened.handle);
}

class WindowsAuditFile final : public AuditFile {
 public:
  explicit WindowsAuditFile(Handle file) noexcept : file_(std::move(file)) {}

  Written write(std::string_view bytes) final {
    const auto before = status();
    OVERLAPPED end{};
    end.Offset = end.OffsetHigh = 0xFFFFFFFF;
    auto written = write_at(file_.get(), bytes, &end);
    if (written.size == bytes.size()) return written;
    // A write that failed does not say how much of it arrived; the file does.
    const auto after = status();
    if (before && after && after->size > before->size)
      written.size = static_cast<std::size_t>(after->size - before->size);
    return written;
  }

  std::optional<Status> status() final {
    FILE_STANDARD_INFO information{};
    if (!::GetFileInformationByHandleEx(file_.get(), FileStandardInfo, &information, sizeof information))
      return std::nullopt;
    return Status{static_cast<std::uint64_t>(information.EndOfFile.QuadPart),
                  information.DeletePending || information.NumberOfLinks == 0};
  }

  std::optional<char> last_byte(std::uint64_t size) final {
    OVERLAPPED at{};
    at.Offset = static_cast<DWORD>((size - 1) & 0xFFFFFFFF);
    at.OffsetHigh = static_cast<DWORD>((size - 1) >> 32);
    char last = 0;
    DWORD got = 0;
    if (!::ReadFile(file_.get(), &last, 1, &got, &at) || got != 1) return std::nullopt;
    return last;
  }

  bool cut_to(std::uint64_t size) final {
    FILE_END_OF_FILE_INFO end{};
    end.EndOfFile.QuadPart = static_cast<LONGLONG>(size);
    return ::SetFileInformationByHandle(file_.get(), FileEndOfFileInfo, &end, sizeof end) != 0;
  }

 private:
  Handle file_;
};

class HandleOutput final : public AuditOutput {
 public:
  explicit HandleOutput(native_handle handle) noexcept : handle_(handle) {}
  Written write(std::string_view bytes) final { return write_at(handle_, bytes, nullptr); }

 private:
  native_handle handle_;
};

}  // namespace

result<std::unique_ptr<AuditFile>> open_audit_file(const std::string& path) {
  auto file = open_file(path);
  if (!file) return file.error();
  return std::unique_ptr<AuditFile>(std::make_unique<WindowsAuditFile>(std::move(*file)));
}

}  // namespace penstock::protocol

namespace penstock {

std::shared_ptr<AuditSink> json_audit_to(native_handle handle) {
  return protocol::make_output_sink(std::make_unique<protocol::HandleOutput>(handle));
}

}  // namespace penstock
