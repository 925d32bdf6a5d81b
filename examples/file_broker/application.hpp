// The side without privileges.
#pragma once

#include "options.hpp"

namespace file_broker {

/// Asks the helper for the file that the first word names, and copies it to standard output. Returns the exit status.
[[nodiscard]] int run_application(const Options& options);

}  // namespace file_broker
