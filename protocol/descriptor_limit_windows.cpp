// Sources: "Kernel Objects" ("a process can have as many as 2^24 handles"), less a row of the table for each 256.
#include "protocol/shares.hpp"

namespace penstock::protocol {

std::uint64_t descriptor_limit() noexcept {
  // There is no quota by number: memory ends first, and that is an error of its own.
  return std::uint64_t{1 << 24} - (1 << 16);
}

}  // namespace penstock::protocol
