// The Noise Protocol Framework, revision 34, unmodified: patterns are data, one engine runs them all.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "crypto/aead.hpp"

namespace penstock::crypto {

enum class HashKind : std::uint8_t { sha256, sha512, blake2b };

/// A key pair on Curve25519. The private half lives in secret memory.
struct KeyPair {
  Secret<32> private_key;
  byte_array<32> public_key{};
  [[nodiscard]] static result<KeyPair> generate();
  [[nodiscard]] static result<KeyPair> from_private(std::span<const std::byte, 32> private_key);
  [[nodiscard]] result<KeyPair> clone() const;
};

/// X25519 (RFC 7748). handshake_failed for an all-zero result (a low-order point).
[[nodiscard]] result<Secret<32>> diffie_hellman(const KeyPair& own, std::span<const std::byte, 32> theirs);

struct NoiseConfig {
  std::string_view pattern;  ///< "XX", "NN", "NNpsk0", "IKpsk2", … any name of the table, with psk modifiers
  Cipher cipher = Cipher::aes256_gcm;
  HashKind hash = HashKind::sha256;
  bool initiator = true;
  bytes_view prologue{};
  const KeyPair* static_key = nullptr;            ///< where the pattern asks for one
  std::optional<byte_array<32>> remote_static{};  ///< where a pre-message says so
  bytes_view psks{};                              ///< n × 32 bytes, in order of use
  const KeyPair* ephemeral = nullptr;             ///< vectors, and keys made ahead; used once, then never
};

/// The keys of the two directions, and the hash that both ends share exactly when they saw the same handshake.
struct NoiseResult {
  AeadKey initiator_to_responder;
  AeadKey responder_to_initiator;
  byte_array<64> hash{};  ///< channel binding (section 11.2); the first hash_size bytes count
  std::size_t hash_size = 0;
};

/// One handshake. Forward only: after a failure every call answers handshake_failed. Not thread-safe.
class NoiseHandshake {
 public:
  /// Copies what it needs of `config`. invalid_argument for an unknown pattern, and for a missing, superfluous or
  /// wrong number of keys (with a sentence), memory_unlocked, suite_unavailable, forked.
  [[nodiscard]] static result<NoiseHandshake> make(const NoiseConfig& config);
  NoiseHandshake(NoiseHandshake&&) noexcept;
  NoiseHandshake& operator=(NoiseHandshake&&) noexcept;
  ~NoiseHandshake();

  [[nodiscard]] bool finished() const noexcept;
  [[nodiscard]] bool writes_next() const noexcept;
  /// Bytes that the next message adds to its payload (keys and tags).
  [[nodiscard]] std::size_t overhead() const noexcept;
  /// Returns the message's length. `payload` and `out` do not overlap. handshake_malformed when `out` is too small, the
  /// message would exceed 65,535 bytes, or it is not our turn. handshake_failed: the peer's key is a low-order point.
  [[nodiscard]] result<std::size_t> write(bytes_view payload, bytes_span out);
  /// Returns the payload's length. `message` and `payload` do not overlap. handshake_failed when a tag is wrong or a
  /// key is a low-order point, handshake_malformed for a wrong length or turn. What `payload` holds after a failure is
  /// no plaintext.
  [[nodiscard]] result<std::size_t> read(bytes_view message, bytes_span payload);
  /// The peer's static public key, once a message has carried it. Still there after split(), gone after a failure.
  [[nodiscard]] std::optional<byte_array<32>> remote_static() const;
  /// Ends the handshake: the keys, once, when finished().
  [[nodiscard]] result<NoiseResult> split();

 private:
  struct State;
  explicit NoiseHandshake(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace penstock::crypto
