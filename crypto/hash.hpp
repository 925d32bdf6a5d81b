// The hash functions of Noise, and HMAC and HKDF on top of them. All hashing is libsodium's.
#pragma once

#include <initializer_list>

#include "crypto/noise.hpp"

namespace penstock::crypto {

inline constexpr std::size_t max_hash_size = 64;

/// HASHLEN of Noise section 12: 32 for SHA-256, 64 for SHA-512 and BLAKE2b.
[[nodiscard]] constexpr std::size_t hash_size(HashKind kind) noexcept {
  return kind == HashKind::sha256 ? 32 : 64;
}

/// BLOCKLEN of Noise section 12, which HMAC needs.
[[nodiscard]] constexpr std::size_t block_size(HashKind kind) noexcept {
  return kind == HashKind::sha256 ? 64 : 128;
}

/// Hash of the parts, one after the other. `out` holds hash_size(kind) bytes and may be one of the parts.
void hash(HashKind kind, std::initializer_list<bytes_view> parts, std::byte* out) noexcept;

/// HMAC-HASH (RFC 2104) of the parts. `key`: at most block_size(kind) bytes. `out` as for hash().
void hmac(HashKind kind, bytes_view key, std::initializer_list<bytes_view> parts, std::byte* out) noexcept;

/// HKDF of Noise section 4.3: two or three outputs of hash_size(kind) bytes, each cut to the size of its span (as
/// MixKey and Split truncate keys to 32 bytes). Intermediates are wiped. Outputs may overlay `chaining_key`.
void hkdf(HashKind kind, bytes_view chaining_key, bytes_view input, std::initializer_list<bytes_span> outputs) noexcept;

}  // namespace penstock::crypto
