// Sources: getrlimit(2).
#include <sys/resource.h>

#include "protocol/shares.hpp"

namespace penstock::protocol {

std::uint64_t descriptor_limit() noexcept {
  rlimit limit{};
  // RLIM_INFINITY is the largest number there is, and means just that.
  return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 0;
}

}  // namespace penstock::protocol
