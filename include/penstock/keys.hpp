// Static keys: how a process is known where the kernel's word alone is not enough (Trust::static_key).
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "penstock/bytes.hpp"
#include "penstock/result.hpp"

namespace penstock {

namespace crypto {
struct KeyPair;
}

/// The public half of a key: 32 bytes on Curve25519 (RFC 7748). A value; not secret; thread-safe as one.
class PublicKey {
 public:
  static constexpr std::size_t size = 32;

  /// All zeros, which is nobody's key: no handshake can be made with it.
  PublicKey() = default;
  explicit PublicKey(const byte_array<size>& bytes) noexcept : bytes_(bytes) {}

  /// Exactly 64 lower-case hex digits; else key_invalid, with a sentence.
  [[nodiscard]] static result<PublicKey> from_hex(std::string_view hex);
  /// 64 lower-case hex digits.
  [[nodiscard]] std::string to_hex() const;

  /// Reads a file of one line, "penstock-public-key-v1 HEX". It is a regular file of root's or ours that nobody else
  /// may write, in such a directory (ATK-28). key_unreadable, key_unsafe, key_invalid, each with a sentence.
  [[nodiscard]] static result<PublicKey> load(const std::string& path);
  /// Writes such a file, mode 0644, as StaticKeys::save does.
  [[nodiscard]] result<void> save(const std::string& path) const;

  [[nodiscard]] const byte_array<size>& bytes() const noexcept { return bytes_; }
  friend bool operator==(const PublicKey&, const PublicKey&) = default;

 private:
  byte_array<size> bytes_{};
};

/// A key pair of this process's own. Copies share the one private key, which lives in secret memory (locked, never
/// dumped, wiped in a forked child) and is zeroed with the last copy. Const members are thread-safe.
class StaticKeys {
 public:
  /// Random, from the operating system. memory_unlocked, unsupported, resource_exhausted.
  [[nodiscard]] static result<StaticKeys> generate();

  /// Reads a file of one line, "penstock-private-key-v1 HEX". It is a regular file, not a link, of root's or ours, that
  /// nobody else may read or write, in a directory that nobody else may write, under parents where nobody else may
  /// replace it (ATK-28). key_unreadable, key_unsafe, key_invalid, each with a sentence that says what to do, and
  /// generate()'s.
  [[nodiscard]] static result<StaticKeys> load(const std::string& path);

  /// Writes such a file, mode 0600, in a directory that load() would accept. The file appears whole and on disk, or not
  /// at all; it never replaces one: invalid_argument when something stands there. Nothing is left behind by a failure.
  /// key_unreadable (no such directory), key_unsafe, permission_denied, resource_exhausted (disk full), io_error,
  /// forked.
  [[nodiscard]] result<void> save(const std::string& path) const;

  [[nodiscard]] const PublicKey& public_key() const noexcept { return public_key_; }

  /// For the handshake. Valid as long as any copy of *this.
  [[nodiscard]] const crypto::KeyPair& pair() const noexcept { return *pair_; }

 private:
  explicit StaticKeys(std::shared_ptr<const crypto::KeyPair> pair);
  [[nodiscard]] static result<StaticKeys> own(result<crypto::KeyPair> pair);

  std::shared_ptr<const crypto::KeyPair> pair_;
  PublicKey public_key_;
};

}  // namespace penstock
