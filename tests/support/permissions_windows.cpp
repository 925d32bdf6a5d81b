#include <fmt/format.h>
#include <windows.h>

#include <sddl.h>

#include <algorithm>
#include <cstdlib>

#include "crypto/file_access_windows.hpp"
#include "crypto/windows_text.hpp"
#include "penstock/handle.hpp"
#include "tests/support/permissions.hpp"

namespace penstock::test {
namespace {

bool is_directory(const std::wstring& path) {
  return (::GetFileAttributesW(path.c_str()) & FILE_ATTRIBUTE_DIRECTORY) != 0;
}

unsigned rights_of_others(unsigned mode, bool directory) {
  const unsigned others = (mode | mode >> 3) & 7u;
  unsigned rights = 0;
  if ((others & 4u) != 0) rights |= FILE_GENERIC_READ;
  if ((others & 2u) != 0) rights |= FILE_GENERIC_WRITE;
  if ((others & 2u) != 0 && directory && (mode & 01000u) == 0) rights |= FILE_DELETE_CHILD;
  if ((others & 1u) != 0) rights |= FILE_GENERIC_EXECUTE;
  return rights;
}

}  // namespace

void set_mode(const std::string& path, unsigned mode) {
  const auto wide = to_wide(path).value();
  const auto user = to_text(crypto::process_user());
  auto text = fmt::format("D:P(A;;FA;;;{})(A;;FA;;;SY)(A;;FA;;;BA)", user);
  if (const auto rights = rights_of_others(mode, is_directory(wide)); rights != 0)
    text += fmt::format("(A;;0x{:x};;;WD)", rights);
  void* descriptor = nullptr;
  if (!::ConvertStringSecurityDescriptorToSecurityDescriptorW(to_wide(text).value().c_str(), SDDL_REVISION_1,
                                                              &descriptor, nullptr)) {
    std::abort();
  }
  constexpr SECURITY_INFORMATION what = DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION;
  if (!::SetFileSecurityW(wide.c_str(), what, descriptor)) std::abort();
  ::LocalFree(descriptor);
}

unsigned mode_of(const std::string& path) {
  const HANDLE opened =
      ::CreateFileW(to_wide(path).value().c_str(), READ_CONTROL, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                    nullptr, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT, nullptr);
  if (opened == INVALID_HANDLE_VALUE) return 0;
  const Handle file(opened);
  const auto access = crypto::read_file_access(file.get());
  if (!access || !access->has_list) return 07777;
  unsigned mode = 0600;
  for (const auto& entry : access->entries) {
    if (!entry.allow || entry.inherit_only || entry.who == crypto::process_user() || crypto::is_system(entry.who))
      continue;
    if ((entry.rights & FILE_READ_DATA) != 0) mode |= 0044;
    if ((entry.rights & (FILE_WRITE_DATA | FILE_APPEND_DATA)) != 0) mode |= 0022;
  }
  return mode;
}

std::string remedy(const std::string&, const std::string& path) {
  return "icacls \"" + path + "\"";
}

Umask::Umask(unsigned) {}

Umask::~Umask() = default;

}  // namespace penstock::test
