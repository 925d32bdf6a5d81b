#include "transports/section_windows.hpp"

#include <windows.h>
// After windows.h, which it needs.
#include <sddl.h>

#include "crypto/windows_text.hpp"

namespace penstock::transport {

result<Handle> make_section(std::uint64_t size) {
  // An owner may else read and change the descriptor of what is its own; here it may read it.
  constexpr const wchar_t* nobody = L"D:P(A;;RC;;;S-1-3-4)";
  PSECURITY_DESCRIPTOR descriptor = nullptr;
  if (::ConvertStringSecurityDescriptorToSecurityDescriptorW(nobody, SDDL_REVISION_1, &descriptor, nullptr) == 0)
    return windows_error(::GetLastError());
  SECURITY_ATTRIBUTES attributes{sizeof attributes, descriptor, FALSE};
  Handle section(::CreateFileMappingW(INVALID_HANDLE_VALUE, &attributes, PAGE_READWRITE | SEC_COMMIT, static_cast<DWORD>(size >> 32),
                                      static_cast<DWORD>(size), nullptr));
  const auto number = ::GetLastError();
  ::LocalFree(descriptor);
  if (!section) return windows_error(number);
  return section;
}

}  // namespace penstock::transport
