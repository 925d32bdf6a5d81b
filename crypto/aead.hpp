// The two AEAD suites behind one type: AES-256-GCM and ChaCha20-Poly1305 (IETF), by libsodium; AES-256-GCM of large
// records by the second provider, where one is built in (crypto/aead_provider.hpp). The bytes are the same.
#pragma once

#include <cstdint>

#include "crypto/aead_provider.hpp"
#include "crypto/secret.hpp"

namespace penstock::crypto {

enum class Cipher : std::uint8_t { aes256_gcm, chacha20_poly1305 };

inline constexpr std::size_t key_size = 32;
inline constexpr std::size_t tag_size = 16;

/// Does this processor have what libsodium needs for the cipher? (AES-256-GCM: AES and carry-less multiply.)
[[nodiscard]] bool available(Cipher cipher) noexcept;

/// One key, expanded once, in secret memory. The nonce is Noise's (revision 34, sections 12.3 and 12.4): 32 zero bits
/// then 64 bits of counter, big-endian for AES-GCM, little-endian for ChaCha20-Poly1305. Never hands out the key. Not
/// thread-safe. Every member answers closed on an empty or reset key, and forked in a child of the process that made it
/// (ATK-20). seal() and open() allocate nothing, apart from the second provider's context with the first large
/// record of a thread.
class AeadKey {
 public:
  AeadKey() = default;
  /// `large_from`: from how many bytes on the second provider takes AES records; tests and benchmarks give another one.
  /// suite_unavailable, memory_unlocked, resource_exhausted.
  [[nodiscard]] static result<AeadKey> make(Cipher cipher, std::span<const std::byte, key_size> key,
                                            std::uint32_t large_from = large::from());

  /// Seals `plaintext` into `out` (same size; the same memory or no overlap) and writes the tag.
  /// The caller never repeats a nonce. forked, counter_exhausted (nonce 2^64−1 is reserved by Noise), internal (the
  /// second provider broke down on the way: `out` is no record).
  [[nodiscard]] result<void> seal(std::uint64_t nonce, bytes_view associated, bytes_view plaintext, std::byte* out,
                                  std::span<std::byte, tag_size> tag) const;
  /// Verifies the tag over the whole of `ciphertext` and writes the plaintext (same size; the same memory or no
  /// overlap). record_forged leaves `out` without one unauthenticated byte: zeros. libsodium verifies before it writes;
  /// the second provider decrypts as it verifies, so that during the call what stands in `out` may be nobody's. forked,
  /// counter_exhausted, internal (`out` as for record_forged).
  [[nodiscard]] result<void> open(std::uint64_t nonce, bytes_view associated, bytes_view ciphertext,
                                  std::span<const std::byte, tag_size> tag, std::byte* out) const;

  /// As open(), of a ciphertext that another process can write while we look at it (ATK-13): each byte is read once, into
  /// `out`, and only that copy is verified and decrypted. No overlap. `out` is written before the tag has verified; it holds zeros after record_forged.
  [[nodiscard]] result<void> open_shared(std::uint64_t nonce, bytes_view associated, bytes_view ciphertext,
                                         std::span<const std::byte, tag_size> tag, std::byte* out) const;

  /// Noise REKEY (section 4.2): the first 32 bytes of ENCRYPT(k, 2^64−1, "", zeros). A new key; this one stays.
  [[nodiscard]] result<AeadKey> rekeyed() const;
  /// As rekeyed(), then mixes in a fresh shared secret: HKDF (Noise, section 4.3, two outputs) with the rekeyed key as
  /// chaining key and `shared` as input key material. The first output, cut to 32 bytes as Noise does for a hash of
  /// 64, is the key. The hash is the suite's: SHA-256 with AES-256-GCM, BLAKE2b with ChaCha20-Poly1305.
  [[nodiscard]] result<AeadKey> rekeyed_with(bytes_view shared) const;

  [[nodiscard]] bool valid() const noexcept { return slot_.valid(); }
  [[nodiscard]] Cipher cipher() const noexcept { return cipher_; }
  void reset() noexcept { slot_.reset(); }

 private:
  [[nodiscard]] bool large(bytes_view text) const noexcept {
    return large_from_ != large::never && text.size() >= large_from_;
  }
  [[nodiscard]] result<void> open_from(large::Memory memory, std::uint64_t nonce, bytes_view associated, bytes_view ciphertext,
                                       std::span<const std::byte, tag_size> tag, std::byte* out) const;
  [[nodiscard]] large::Record record(const std::array<unsigned char, 12>& nonce, bytes_view associated) const noexcept;

  SecretSlot slot_;  // the expanded AES state and, for the second provider, the key behind it; or the ChaCha20 key
  Cipher cipher_ = Cipher::chacha20_poly1305;
  std::uint32_t large_from_ = large::never;
};

}  // namespace penstock::crypto
