// A second handle on the same object, owned by us, never inherited by a child.
#pragma once

#include "penstock/handle.hpp"
#include "penstock/result.hpp"

namespace penstock::transport {

/// fcntl(2) F_DUPFD_CLOEXEC. invalid_argument for a handle that is not open, resource_exhausted at the limit (EMFILE).
[[nodiscard]] result<Handle> duplicate(native_handle raw);

}  // namespace penstock::transport
