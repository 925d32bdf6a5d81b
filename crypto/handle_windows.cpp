// Handle on Windows: a HANDLE of this process's table.
#include <windows.h>

#include "penstock/handle.hpp"

namespace penstock {

void Handle::close(native_handle raw) noexcept {
  ::CloseHandle(raw);
}

}  // namespace penstock
