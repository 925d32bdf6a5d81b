// Source: memfd_create(2).
#include "transports/memfd_linux.hpp"

#include <sys/mman.h>

#include "transports/os_error.hpp"

namespace penstock::transport {
namespace {

constexpr unsigned memfd_noexec_seal = 0x0008;  // since Linux 6.3; glibc 2.36 does not name it

}  // namespace

Handle make_memfd() noexcept {
  constexpr unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  int made = ::memfd_create("penstock", flags | memfd_noexec_seal);
  if (made < 0 && errno == EINVAL) made = ::memfd_create("penstock", flags);
  return Handle(made < 0 ? no_handle : made);
}

Failure memory_exhausted(const char* call) {
  return Failure(Error::resource_exhausted, std::string(call) + " failed: " + reason(errno) +
                                                ". Raise the limit on open files or memory, or share less of it.");
}

}  // namespace penstock::transport
