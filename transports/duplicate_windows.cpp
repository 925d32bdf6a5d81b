// Source: DuplicateHandle.
#include <windows.h>

#include "crypto/windows_text.hpp"
#include "transports/duplicate.hpp"
#include "transports/handle_value_windows.hpp"

namespace penstock::transport {

result<Handle> duplicate(native_handle raw) {
  // A pseudo-handle would become a handle on ourselves, with every right (GetCurrentProcess).
  if (!is_real_handle(raw)) return Error::invalid_argument;
  HANDLE copy = nullptr;
  const auto self = ::GetCurrentProcess();
  if (::DuplicateHandle(self, raw, self, &copy, 0, FALSE, DUPLICATE_SAME_ACCESS) != 0) return Handle(copy);
  return is_windows_exhaustion(::GetLastError()) ? Error::resource_exhausted : Error::invalid_argument;
}

}  // namespace penstock::transport
