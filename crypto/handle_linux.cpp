// Handle on Linux: a file descriptor.
#include <unistd.h>

#include "penstock/handle.hpp"

namespace penstock {

void Handle::close(native_handle raw) noexcept {
  // Never retried: on Linux the descriptor is gone whatever close(2) answers, and a second close could hit another's.
  ::close(raw);
}

}  // namespace penstock
