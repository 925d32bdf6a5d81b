// The privileged side.
#pragma once

#include "options.hpp"

namespace file_broker {

/// Serves --root to whom --policy admits, until it is asked to end (system.hpp). Returns the exit status.
[[nodiscard]] int run_helper(const Options& options);

}  // namespace file_broker
