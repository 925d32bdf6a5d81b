// A pipe whose one end is ours and overlapped, and whose other end is a program's. CreatePipe makes neither end overlapped.
#pragma once

#include <windows.h>

#include "penstock/handle.hpp"
#include "penstock/result.hpp"

namespace penstock::tool {

struct OverlappedPipe {
  Handle ours, theirs;
};

/// `we_read`: which way the bytes go. Nobody inherits either end. io_error; the sentence is the system's reason alone.
[[nodiscard]] result<OverlappedPipe> make_overlapped_pipe(bool we_read);

}  // namespace penstock::tool
