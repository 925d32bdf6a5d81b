// What the ciphers alone do on one core: the ceiling for any channel that seals with them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "bench/process.hpp"

namespace penstock::bench {

/// Seals `messages` messages of `size` bytes, in pieces of 64 KiB, with AES-256-GCM.
Report seal_with_libsodium(std::size_t size, std::uint64_t messages);
Report seal_with_openssl(std::size_t size, std::uint64_t messages);

}  // namespace penstock::bench
