#include <cerrno>
#include <fcntl.h>

#include "transports/duplicate.hpp"

namespace penstock::transport {

result<Handle> duplicate(native_handle raw) {
  const int copy = ::fcntl(raw, F_DUPFD_CLOEXEC, 3);
  if (copy >= 0) return Handle(copy);
  return errno == EMFILE ? Error::resource_exhausted : Error::invalid_argument;
}

}  // namespace penstock::transport
