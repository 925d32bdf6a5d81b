// The text of key files: one line, "penstock-private-key-v1 HEX\n" or "penstock-public-key-v1 HEX\n".
#pragma once

#include <string>
#include <string_view>

#include "crypto/secret.hpp"

namespace penstock::crypto {

inline constexpr std::string_view private_key_label = "penstock-private-key-v1 ";
inline constexpr std::string_view public_key_label = "penstock-public-key-v1 ";
inline constexpr std::size_t key_hex_size = 64;

/// Exactly 64 lower-case hex digits into `key`, without branches or table look-ups that depend on them. False
/// otherwise.
[[nodiscard]] bool decode_hex(bytes_view hex, std::span<std::byte, 32> key) noexcept;
/// The other way round.
void encode_hex(std::span<const std::byte, 32> key, std::span<std::byte, key_hex_size> hex) noexcept;

/// The whole text of a key file, in secret memory. memory_unlocked, resource_exhausted.
[[nodiscard]] result<SecretSlot> format_key_file(std::string_view label, std::span<const std::byte, 32> key);
/// Reads a key file by the rules of read_trusted_file. `secret`: nobody else may read it either.
/// key_unreadable, key_unsafe, key_invalid, memory_unlocked.
[[nodiscard]] result<Secret<32>> read_key_file(const std::string& path, std::string_view label, bool secret);

}  // namespace penstock::crypto
