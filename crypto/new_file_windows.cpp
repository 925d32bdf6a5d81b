// A new file appears whole or not at all. Sources: NtCreateFile, FILE_DISPOSITION_INFO, FILE_RENAME_INFORMATION,
// FlushFileBuffers, "Security Descriptor String Format".
#include <fmt/format.h>
#include <windows.h>

#include <winternl.h>

#include <algorithm>
#include <memory>

#include "crypto/nt_file_windows.hpp"
#include "crypto/secret.hpp"
#include "crypto/trusted_file.hpp"
#include "crypto/windows_text.hpp"

namespace penstock::crypto {
namespace {

Failure cannot_write(const std::string& path, unsigned long number) {
  return Failure(windows_error(number),
                 fmt::format("{} cannot be written ({}): nothing was left behind; make room or choose another "
                             "place, and try again.",
                             path, windows_reason(number)));
}

std::wstring temporary_name() {
  std::uint64_t number = 0;
  fill_random(std::as_writable_bytes(std::span(&number, 1)));
  return to_wide(fmt::format(".penstock-{:016x}.new", number)).value_or(L"");
}

// While it is to go, it goes with its last handle, however this process ends; and nobody else can open it.
bool set_to_go(const Handle& file, bool go) noexcept {
  FILE_DISPOSITION_INFO disposition{};
  disposition.DeleteFile = go;
  return ::SetFileInformationByHandle(file.get(), FileDispositionInfo, &disposition, sizeof disposition) != 0;
}

// 0, or a Windows error.
unsigned long write_all(const Handle& file, bytes_view contents) noexcept {
  while (!contents.empty()) {
    const auto part = static_cast<DWORD>(std::min<std::size_t>(contents.size(), std::size_t{1} << 20));
    DWORD put = 0;
    if (!::WriteFile(file.get(), contents.data(), part, &put, nullptr)) return ::GetLastError();
    if (put == 0) return ERROR_DISK_FULL;
    contents = contents.subspan(put);
  }
  return ::FlushFileBuffers(file.get()) ? 0 : ::GetLastError();
}

}  // namespace

result<void> write_new_file(const std::string& path, unsigned permissions, bytes_view contents, Error unreadable,
                            Error unsafe_) {
  if (auto ready = initialise(); !ready) return ready.error();
  auto split = split_path(path, unreadable);
  if (!split) return split.error();
  const auto name = to_wide(split->name);
  if (!name) return Failure(unreadable, fmt::format("\"{}\" is no path: it is not UTF-8.", path));
  auto directory = open_trusted_directory(split->directory, unreadable, unsafe_);
  if (!directory) return directory.error();

  // Of the permission bits one means something here: may others read? The list is there from the first moment.
  const auto security = NewFileSecurity::make((permissions & 0004u) != 0);
  if (!security) return security.error();
  const auto opened = open_at(directory->get(), temporary_name(),
                              {.access = FILE_WRITE_DATA | FILE_READ_ATTRIBUTES | DELETE,
                               .share = 0,
                               .disposition = FILE_CREATE,
                               .options = FILE_NON_DIRECTORY_FILE,
                               .security = security->get()});
  if (!opened.handle) return cannot_write(path, opened.error);
  const auto& file = opened.handle;
  if (!set_to_go(file, true)) return cannot_write(path, ::GetLastError());
  if (const auto number = write_all(file, contents); number != 0) return cannot_write(path, number);

  if (!set_to_go(file, false)) return cannot_write(path, ::GetLastError());
  if (const auto number = rename_at(file.get(), directory->get(), *name); number != 0) {
    set_to_go(file, true);
    if (number != ERROR_ALREADY_EXISTS && number != ERROR_FILE_EXISTS) return cannot_write(path, number);
    return Failure(Error::invalid_argument,
                   fmt::format("{} exists and is never overwritten: move it away, or choose another path.", path));
  }
  // Once more, for the name.
  if (!::FlushFileBuffers(file.get())) {
    const auto number = ::GetLastError();
    set_to_go(file, true);
    return cannot_write(path, number);
  }
  return {};
}

}  // namespace penstock::crypto
