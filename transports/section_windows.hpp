// Memory that another process is given a handle of for reading, and cannot write.
#pragma once

#include <cstdint>

#include "penstock/handle.hpp"
#include "penstock/result.hpp"

namespace penstock::transport {

/// Committed memory of the paging file, `size` bytes, zero; the handle has all rights. Whoever holds a duplicate with fewer keeps to those: the
/// section's descriptor grants nobody anything, its owner included, and Windows asks it when a handle is duplicated with more rights
/// (ATK-13, ATK-15). The one that Windows would choose grants the own user everything. resource_exhausted, io_error.
/// Source: DuplicateHandle ("Remarks"), "Owner Rights SID" (S-1-3-4).
[[nodiscard]] result<Handle> make_section(std::uint64_t size);

}  // namespace penstock::transport
