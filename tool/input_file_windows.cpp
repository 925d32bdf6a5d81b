// Sources: CreateFileW, ReadFile ("Pipes": a broken one is the end).
#include <windows.h>

#include "crypto/windows_text.hpp"
#include "tool/input_file.hpp"
#include "tool/standard_streams.hpp"

namespace penstock::tool {
namespace {

Failure failed() {
  return Failure(Error::io_error, windows_reason(::GetLastError()));
}

result<Handle> open_file(const std::string& path) {
  const auto wide = to_wide(path);
  if (!wide) return Failure(Error::io_error, "its name is no UTF-8");
  const auto raw = ::CreateFileW(wide->c_str(), GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                                 nullptr, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, nullptr);
  if (raw == INVALID_HANDLE_VALUE) return failed();
  return Handle(raw);
}

result<Handle> copy_standard_input() {
  HANDLE raw = nullptr;
  if (::DuplicateHandle(::GetCurrentProcess(), native(Stream::input), ::GetCurrentProcess(), &raw, 0, FALSE,
                        DUPLICATE_SAME_ACCESS) == 0)
    return failed();
  return Handle(raw);
}

}  // namespace

result<InputFile> InputFile::open(const std::string& path) {
  auto handle = path == "-" ? copy_standard_input() : open_file(path);
  if (!handle) return handle.error();
  return InputFile(std::move(*handle));
}

result<std::size_t> InputFile::read(bytes_span buffer) const {
  DWORD got = 0;
  const auto size = static_cast<DWORD>(std::min<std::size_t>(buffer.size(), 1u << 20));
  if (::ReadFile(handle_.get(), buffer.data(), size, &got, nullptr) != 0) return got;
  if (::GetLastError() == ERROR_BROKEN_PIPE || ::GetLastError() == ERROR_HANDLE_EOF) return std::size_t{0};
  return failed();
}

void remove_own_file(const std::string& path) noexcept {
  if (const auto wide = to_wide(path)) ::DeleteFileW(wide->c_str());
}

}  // namespace penstock::tool
