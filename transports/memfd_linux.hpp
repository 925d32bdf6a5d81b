// Memory without a name: what shared segments and sealed buffers are made of.
#pragma once

#include "penstock/handle.hpp"
#include "penstock/result.hpp"

namespace penstock::transport {

/// A new memfd that may be sealed, cannot be executed where the kernel can promise that (Linux 6.3), and is not inherited. Invalid, with
/// errno, when there is none.
[[nodiscard]] Handle make_memfd() noexcept;

/// What just failed, with errno's reason and what to do.
[[nodiscard]] Failure memory_exhausted(const char* call);

}  // namespace penstock::transport
