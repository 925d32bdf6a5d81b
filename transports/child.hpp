// Ending a child that was started and did not prove itself.
#pragma once

#include "penstock/handle.hpp"

namespace penstock::transport {

/// Kills the child behind `process` (a pidfd, so no other process is ever hit) and reaps it. Blocks until it is gone (Windows: 5 s at most).
void end_child(const Handle& process) noexcept;

}  // namespace penstock::transport
