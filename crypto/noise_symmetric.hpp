// SymmetricState (with its CipherState) of Noise revision 34, section 5.2.
#pragma once

#include <string_view>

#include "crypto/hash.hpp"

namespace penstock::crypto {

/// Chaining key, handshake hash and, once there is one, the handshake's cipher key. Not thread-safe.
/// Every failure is final for the handshake: the caller drops the state. forked, memory_unlocked, suite_unavailable.
class SymmetricState {
 public:
  /// InitializeSymmetric.
  [[nodiscard]] static result<SymmetricState> make(std::string_view protocol_name, Cipher cipher, HashKind kind);

  [[nodiscard]] result<void> mix_key(bytes_view input);
  void mix_hash(bytes_view data) noexcept;
  [[nodiscard]] result<void> mix_key_and_hash(bytes_view input);

  /// Bytes that encryption adds: 0 before the first key.
  [[nodiscard]] std::size_t overhead() const noexcept { return key_.valid() ? tag_size : 0; }
  /// `out`: plaintext.size() + overhead() bytes, no overlap.
  [[nodiscard]] result<void> encrypt_and_hash(bytes_view plaintext, bytes_span out);
  /// `out`: ciphertext.size() − overhead() bytes, no overlap. handshake_failed: a wrong tag.
  [[nodiscard]] result<void> decrypt_and_hash(bytes_view ciphertext, bytes_span out);

  /// Split (two keys) and the handshake hash.
  [[nodiscard]] result<NoiseResult> split() const;
  /// Zeroes the secrets.
  void reset() noexcept;

 private:
  SymmetricState() = default;
  [[nodiscard]] bytes_span chaining_key() const noexcept { return bytes_span(chaining_key_.bytes()).first(size_); }
  [[nodiscard]] result<void> initialise_key(std::span<const std::byte, key_size> key);

  Secret<max_hash_size> chaining_key_;
  byte_array<max_hash_size> hash_{};
  AeadKey key_;
  std::uint64_t nonce_ = 0;
  std::size_t size_ = 0;  // HASHLEN
  Cipher cipher_{};
  HashKind kind_{};
};

}  // namespace penstock::crypto
