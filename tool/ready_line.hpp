// `serve --ready-fd`: tells whoever started us that the name is there.
#pragma once

#include <cstdint>

namespace penstock::tool {

/// Writes the line `ready`, then closes it. Linux: a descriptor. Windows: 1 is standard output, 2 standard error, and every
/// other number an inherited handle's. False when it takes nothing.
[[nodiscard]] bool say_ready(std::int64_t number);

}  // namespace penstock::tool
