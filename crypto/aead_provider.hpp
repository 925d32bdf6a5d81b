// The seam for a second implementation of AES-256-GCM, which takes large records. CMake builds one of its files:
// aead_openssl.cpp, or aead_sodium_only.cpp, where there is none. libsodium does everything else, and this too where
// the second one cannot: the bytes are the same.
#pragma once

#include <array>
#include <cstdint>
#include <limits>

#include "penstock/bytes.hpp"

namespace penstock::crypto::large {

inline constexpr std::uint32_t never = std::numeric_limits<std::uint32_t>::max();

/// From how many bytes of plaintext on this provider is the faster one; `never` where there is none.
[[nodiscard]] std::uint32_t from() noexcept;
/// Its name and version, for people; null where there is none, or where it does not work on this machine.
[[nodiscard]] const char* provider() noexcept;

enum class Outcome : std::uint8_t {
  done,
  not_begun,  ///< it cannot, now or ever, and nothing was written: libsodium takes the record
  forged,     ///< open() alone: the tag is not the record's; `out` holds zeros
  failed,     ///< it broke down on the way; `out` holds zeros
};

/// Whose memory a ciphertext stands in. shared: another process can write it while we look, so each byte is read once, into `out`,
/// which is other memory, and only that copy is verified and decrypted (ATK-13).
enum class Memory : std::uint8_t { own, shared };

/// What one record is sealed or opened with.
struct Record {
  std::span<const std::byte, 32> key;
  std::span<const unsigned char, 12> nonce;
  bytes_view associated;
};

/// A provider keeps nothing of a key beyond the call: it is handed one that lives in secret memory and was found alive,
/// so that what holds for that memory (locked, not dumped, wiped in a forked child) holds between records. `out` has
/// the size of the text; it is the same memory or does not overlap. Nothing is allocated after a thread's first record.
[[nodiscard]] Outcome seal(const Record& record, bytes_view plaintext, std::byte* out,
                           std::span<std::byte, 16> tag) noexcept;
/// May decrypt into `out` before the tag is checked: until it returns, what stands there is nobody's word.
[[nodiscard]] Outcome open(const Record& record, bytes_view ciphertext, std::span<const std::byte, 16> tag, std::byte* out,
                           Memory memory = Memory::own) noexcept;

}  // namespace penstock::crypto::large
