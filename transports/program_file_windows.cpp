// Sources: QueryFullProcessImageNameW (PROCESS_NAME_NATIVE), NtCreateFile (FILE_COMPLETE_IF_OPLOCKED), [MS-FSCC] 2.4.
#include "transports/program_file_windows.hpp"

#include <windows.h>

#include <winternl.h>

#include "crypto/windows_text.hpp"
#include "transports/os_calls_windows.hpp"

namespace penstock::transport {
namespace {

constexpr std::size_t longest_path = 32768;  // the longest that Windows has

std::wstring image_name(native_handle process, DWORD form) {
  std::wstring path(longest_path, L'\0');
  auto size = static_cast<DWORD>(path.size());
  if (::QueryFullProcessImageNameW(process, form, path.data(), &size) == 0) return {};
  path.resize(size);
  return path;
}

// The object manager's name of the file. On Wine, which knows no other volumes than the machine's, by the letter of its drive.
std::wstring native_name(native_handle process) {
  if (is_wine()) {
    const auto path = image_name(process, 0);
    return path.empty() ? path : L"\\??\\" + path;
  }
  auto path = image_name(process, PROCESS_NAME_NATIVE);
  constexpr std::wstring_view local = L"\\Device\\HarddiskVolume";
  return std::wstring_view(path).starts_with(local) ? path : std::wstring();
}

}  // namespace

Handle open_program_file(native_handle process, ProgramAccess access) {
  auto name = native_name(process);
  if (name.empty()) return {};
  UNICODE_STRING text{};
  text.Buffer = name.data();
  text.Length = text.MaximumLength = static_cast<USHORT>(name.size() * sizeof(wchar_t));
  OBJECT_ATTRIBUTES attributes{};
  InitializeObjectAttributes(&attributes, &text, OBJ_CASE_INSENSITIVE, nullptr, nullptr);
  const bool read = access == ProgramAccess::read;
  const ACCESS_MASK rights = FILE_READ_ATTRIBUTES | SYNCHRONIZE | (read ? FILE_READ_DATA : 0);
  const ULONG share = FILE_SHARE_READ | (read ? 0 : FILE_SHARE_WRITE | FILE_SHARE_DELETE);
  constexpr ULONG options = FILE_SYNCHRONOUS_IO_NONALERT | FILE_NON_DIRECTORY_FILE | FILE_OPEN_REPARSE_POINT | FILE_COMPLETE_IF_OPLOCKED;
  constexpr NTSTATUS oplock_break_in_progress = 0x108;
  HANDLE raw = nullptr;
  IO_STATUS_BLOCK status{};
  const auto opened =
      ::NtCreateFile(&raw, rights, &attributes, &status, nullptr, FILE_ATTRIBUTE_NORMAL, share, FILE_OPEN, options, nullptr, 0);
  if (opened < 0) return {};
  Handle file(raw);
  // Somebody holds a lock on it and does not let go: reading would wait for him.
  if (opened == oplock_break_in_progress) return {};
  return file;
}

std::optional<ProgramNumber> program_number(native_handle file) noexcept {
  BY_HANDLE_FILE_INFORMATION facts{};
  if (::GetFileInformationByHandle(file, &facts) == 0) return std::nullopt;
  constexpr DWORD no_program = FILE_ATTRIBUTE_DIRECTORY | FILE_ATTRIBUTE_REPARSE_POINT;
  if ((facts.dwFileAttributes & no_program) != 0) return std::nullopt;
  return ProgramNumber{facts.dwVolumeSerialNumber, std::uint64_t{facts.nFileIndexHigh} << 32 | facts.nFileIndexLow,
                       std::uint64_t{facts.nFileSizeHigh} << 32 | facts.nFileSizeLow};
}

std::string program_path(native_handle process) { return to_utf8(image_name(process, 0)); }

}  // namespace penstock::transport
