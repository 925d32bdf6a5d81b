// The seam to the operating system under secret memory: pages that are guarded, locked, kept out of dumps, wiped on fork.
#pragma once

#include "crypto/secret.hpp"

namespace penstock::crypto {

/// A chunk is this many bytes: a multiple of every page size in use (4, 16 and 64 KiB).
inline constexpr std::size_t secret_chunk_size = 65536;

/// A zeroed chunk of secret_chunk_size bytes, page-aligned, with a guard page behind it and a canary and a guard page
/// before it, from sodium_malloc. It is never given back. All of the protections or none: memory_unlocked,
/// unsupported, resource_exhausted, each with a sentence. Needs initialise() first.
[[nodiscard]] result<std::byte*> map_secret_chunk();

/// From now on a fork happens between `lock` in the parent and `unlock` in parent and child, where the platform has fork(2).
void hold_over_fork(void (*lock)(), void (*unlock)());

}  // namespace penstock::crypto
