// Counts every allocation of the program that links its platform's file. Linux: malloc itself; Windows: operator new.
#pragma once

#include <cstdint>

namespace penstock::test {

[[nodiscard]] std::uint64_t allocation_count();
/// Two of them, by both ways that are replaced.
void allocate_in_every_way();

}  // namespace penstock::test
