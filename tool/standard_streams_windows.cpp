// Sources: GetStdHandle, "Console Handles", WriteConsoleW, "Console Virtual Terminal Sequences".
#include <windows.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>

#include "crypto/windows_text.hpp"
#include "tool/standard_streams.hpp"

namespace penstock::tool {
namespace {

constexpr std::array<DWORD, 3> numbers{STD_INPUT_HANDLE, STD_OUTPUT_HANDLE, STD_ERROR_HANDLE};

DWORD number_of(Stream stream) noexcept {
  return numbers[static_cast<std::size_t>(stream)];
}

std::optional<DWORD> console_mode(Stream stream) noexcept {
  DWORD mode = 0;
  const auto handle = native(stream);
  if (handle == no_handle || ::GetConsoleMode(handle, &mode) == 0) return std::nullopt;
  return mode;
}

// The console outlives us: it is left as it was found.
std::array<std::optional<DWORD>, 3> modes_found;
void restore_modes() {
  for (const auto stream : {Stream::output, Stream::error}) {
    if (const auto mode = modes_found[static_cast<std::size_t>(stream)]) ::SetConsoleMode(native(stream), *mode);
  }
}

// A console is written as UTF-16, so that its code page, which is the whole window's, need not be changed.
result<void> write_console(HANDLE console, std::string_view text) {
  const auto wide = to_wide(text);
  if (!wide) return Failure(Error::io_error, "what is to be shown is no UTF-8");
  std::wstring_view left = *wide;
  while (!left.empty()) {
    DWORD written = 0;
    const auto piece = static_cast<DWORD>(std::min<std::size_t>(left.size(), 8192));
    if (::WriteConsoleW(console, left.data(), piece, &written, nullptr) == 0 || written == 0)
      return Failure(Error::io_error, windows_reason(::GetLastError()));
    left.remove_prefix(written);
  }
  return {};
}

}  // namespace

bool occupy_standard_streams() {
  for (const auto number : numbers) {
    const auto handle = ::GetStdHandle(number);
    if (handle != nullptr && handle != INVALID_HANDLE_VALUE && ::GetFileType(handle) != FILE_TYPE_UNKNOWN) continue;
    const auto nothing = ::CreateFileW(L"NUL", GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, nullptr,
                                       OPEN_EXISTING, 0, nullptr);
    if (nothing == INVALID_HANDLE_VALUE || ::SetStdHandle(number, nothing) == 0) return false;
  }
  return true;
}

native_handle native(Stream stream) noexcept {
  const auto handle = ::GetStdHandle(number_of(stream));
  return handle == INVALID_HANDLE_VALUE ? no_handle : handle;
}

bool is_terminal(Stream stream) noexcept {
  return console_mode(stream).has_value();
}

bool takes_sequences(Stream stream) noexcept {
  const auto mode = console_mode(stream);
  if (!mode) return false;
  if ((*mode & ENABLE_VIRTUAL_TERMINAL_PROCESSING) != 0) return true;
  if (::SetConsoleMode(native(stream), *mode | ENABLE_VIRTUAL_TERMINAL_PROCESSING) == 0) return false;
  auto& found = modes_found[static_cast<std::size_t>(stream)];
  if (!found) {
    found = mode;
    static const bool registered = std::atexit(restore_modes) == 0;
    static_cast<void>(registered);
  }
  return true;
}

result<void> write_all(Stream stream, std::string_view text) {
  const auto handle = native(stream);
  if (is_terminal(stream)) return write_console(handle, text);
  while (!text.empty()) {
    DWORD written = 0;
    const auto piece = static_cast<DWORD>(std::min<std::size_t>(text.size(), 1u << 20));
    if (::WriteFile(handle, text.data(), piece, &written, nullptr) == 0)
      return Failure(Error::io_error, windows_reason(::GetLastError()));
    if (written == 0) return Failure(Error::io_error, "nothing was taken");
    text.remove_prefix(written);
  }
  return {};
}

}  // namespace penstock::tool
