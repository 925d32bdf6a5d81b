// Key pairs and Diffie-Hellman on Curve25519 (RFC 7748), by libsodium.
#include <sodium.h>

#include "crypto/noise.hpp"

namespace penstock::crypto {
namespace {

static_assert(crypto_scalarmult_curve25519_BYTES == 32 && crypto_scalarmult_curve25519_SCALARBYTES == 32);

unsigned char* raw(std::byte* bytes) noexcept {
  return reinterpret_cast<unsigned char*>(bytes);
}
const unsigned char* raw(const std::byte* bytes) noexcept {
  return reinterpret_cast<const unsigned char*>(bytes);
}

result<KeyPair> complete(result<Secret<32>> private_key) {
  if (!private_key) return private_key.error();
  KeyPair made;
  made.private_key = std::move(*private_key);
  crypto_scalarmult_curve25519_base(raw(made.public_key.data()), raw(made.private_key.bytes().data()));
  return made;
}

}  // namespace

result<KeyPair> KeyPair::generate() {
  return complete(Secret<32>::random());
}

result<KeyPair> KeyPair::from_private(std::span<const std::byte, 32> private_key) {
  return complete(Secret<32>::copy_of(private_key));
}

result<KeyPair> KeyPair::clone() const {
  if (!private_key.valid()) return Error::invalid_argument;
  if (!private_key.alive()) return Error::forked;
  auto copy = Secret<32>::copy_of(private_key.bytes());
  if (!copy) return copy.error();
  KeyPair made;
  made.private_key = std::move(*copy);
  made.public_key = public_key;
  return made;
}

result<Secret<32>> diffie_hellman(const KeyPair& own, std::span<const std::byte, 32> theirs) {
  if (!own.private_key.valid()) return Error::invalid_argument;
  if (!own.private_key.alive()) return Error::forked;
  auto shared = Secret<32>::make();
  if (!shared) return shared.error();
  // RFC 7748, section 6.1: a point of low order makes the secret all zeros, one that everybody knows. libsodium
  // answers −1 for it; a peer that sends one wants a key that does not depend on ours.
  if (crypto_scalarmult_curve25519(raw(shared->bytes().data()), raw(own.private_key.bytes().data()),
                                   raw(theirs.data())) != 0) {
    return Error::handshake_failed;
  }
  return shared;
}

}  // namespace penstock::crypto
