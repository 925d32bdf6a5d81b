#include "penstock/keys.hpp"

#include <algorithm>

#include "crypto/key_file.hpp"
#include "crypto/noise.hpp"
#include "crypto/trusted_file.hpp"

namespace penstock {
namespace {

result<void> save_key(const std::string& path, unsigned permissions, std::string_view label,
                      std::span<const std::byte, 32> key) {
  auto text = crypto::format_key_file(label, key);
  if (!text) return text.error();
  return crypto::write_new_file(path, permissions, text->bytes(), Error::key_unreadable, Error::key_unsafe);
}

}  // namespace

result<PublicKey> PublicKey::from_hex(std::string_view hex) {
  PublicKey key;
  if (!crypto::decode_hex(as_bytes(hex), key.bytes_)) {
    return Failure(Error::key_invalid, "A public key is exactly 64 lower-case hex digits; copy it again.");
  }
  return key;
}

std::string PublicKey::to_hex() const {
  std::string hex(crypto::key_hex_size, '\0');
  crypto::encode_hex(bytes_, std::as_writable_bytes(std::span(hex)).first<crypto::key_hex_size>());
  return hex;
}

result<PublicKey> PublicKey::load(const std::string& path) {
  auto bytes = crypto::read_key_file(path, crypto::public_key_label, false);
  if (!bytes) return bytes.error();
  PublicKey key;
  std::ranges::copy(bytes->bytes(), key.bytes_.begin());
  return key;
}

result<void> PublicKey::save(const std::string& path) const {
  return save_key(path, 0644, crypto::public_key_label, bytes_);
}

StaticKeys::StaticKeys(std::shared_ptr<const crypto::KeyPair> pair)
    : pair_(std::move(pair)), public_key_(pair_->public_key) {}

result<StaticKeys> StaticKeys::own(result<crypto::KeyPair> pair) {
  if (!pair) return pair.error();
  return StaticKeys(std::make_shared<const crypto::KeyPair>(std::move(*pair)));
}

result<StaticKeys> StaticKeys::generate() {
  return own(crypto::KeyPair::generate());
}

result<StaticKeys> StaticKeys::load(const std::string& path) {
  auto key = crypto::read_key_file(path, crypto::private_key_label, true);
  if (!key) return key.error();
  return own(crypto::KeyPair::from_private(key->bytes()));
}

result<void> StaticKeys::save(const std::string& path) const {
  if (!pair_->private_key.alive()) return Error::forked;  // it would save a key of zeros
  return save_key(path, 0600, crypto::private_key_label, pair_->private_key.bytes());
}

}  // namespace penstock
