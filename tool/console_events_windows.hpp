// Console control events as a handle to wait for. Source: SetConsoleCtrlHandler, HandlerRoutine.
#pragma once

#include "penstock/handle.hpp"

namespace penstock::tool {

/// Signalled once for each request to end; a wait takes it. From the first call on, such a request no longer ends this process
/// by itself. Lives as long as the process; invalid where none could be made.
[[nodiscard]] const Handle& end_request_event();

}  // namespace penstock::tool
