#include "crypto/aead.hpp"

#include <sodium.h>

#include <bit>
#include <cstring>
#include <limits>
#include <tuple>

#include "crypto/hash.hpp"
#include "crypto/wiped.hpp"

namespace penstock::crypto {
namespace {

constexpr std::uint64_t reserved_nonce =
    std::numeric_limits<std::uint64_t>::max();  // Noise section 5.1: only for REKEY

using Nonce = std::array<unsigned char, 12>;
static_assert(crypto_aead_aes256gcm_NPUBBYTES == sizeof(Nonce));
static_assert(crypto_aead_chacha20poly1305_ietf_NPUBBYTES == sizeof(Nonce));
static_assert(crypto_aead_aes256gcm_ABYTES == tag_size && crypto_aead_chacha20poly1305_ietf_ABYTES == tag_size);
static_assert(crypto_aead_aes256gcm_KEYBYTES == key_size && crypto_aead_chacha20poly1305_ietf_KEYBYTES == key_size);
static_assert(sizeof(crypto_aead_aes256gcm_state) == 512 && alignof(crypto_aead_aes256gcm_state) <= 64);
static_assert(std::tuple_size_v<Nonce> == decltype(large::Record::nonce)::extent);

unsigned char* raw(std::byte* bytes) noexcept {
  return reinterpret_cast<unsigned char*>(bytes);
}
const unsigned char* raw(const std::byte* bytes) noexcept {
  return reinterpret_cast<const unsigned char*>(bytes);
}

// Noise section 12: 32 zero bits, then the counter, big-endian for AESGCM and little-endian for ChaChaPoly.
Nonce make_nonce(Cipher cipher, std::uint64_t counter) noexcept {
  const bool as_it_lies = (cipher == Cipher::chacha20_poly1305) == (std::endian::native == std::endian::little);
  const std::uint64_t ordered = as_it_lies ? counter : __builtin_bswap64(counter);
  Nonce nonce{};
  std::memcpy(nonce.data() + 4, &ordered, sizeof ordered);
  return nonce;
}

// libsodium declares some pointers non-null even where the length is 0, as in an empty record.
std::byte nothing{};
std::byte* not_null(std::byte* bytes) noexcept {
  return bytes != nullptr ? bytes : &nothing;
}
const std::byte* not_null(const std::byte* bytes) noexcept {
  return bytes != nullptr ? bytes : &nothing;
}

const crypto_aead_aes256gcm_state* aes_state(bytes_span slot) noexcept {
  return reinterpret_cast<const crypto_aead_aes256gcm_state*>(slot.data());
}

// Neither cipher's encryption can fail: libsodium answers −1 only for lengths of 64 GiB and more, which it aborts on.
void encrypt(Cipher cipher, bytes_span slot, const Nonce& nonce, bytes_view associated, bytes_view plaintext,
             std::byte* out, std::byte* tag) noexcept {
  if (cipher == Cipher::aes256_gcm) {
    crypto_aead_aes256gcm_encrypt_detached_afternm(raw(not_null(out)), raw(tag), nullptr, raw(plaintext.data()),
                                                   plaintext.size(), raw(associated.data()), associated.size(), nullptr,
                                                   nonce.data(), aes_state(slot));
    return;
  }
  crypto_aead_chacha20poly1305_ietf_encrypt_detached(raw(not_null(out)), raw(tag), nullptr, raw(plaintext.data()),
                                                     plaintext.size(), raw(associated.data()), associated.size(),
                                                     nullptr, nonce.data(), raw(slot.data()));
}

// 0 when the tag verifies. Both verify before they write a byte of plaintext; on a wrong tag they write zeros.
int decrypt(Cipher cipher, bytes_span slot, const Nonce& nonce, bytes_view associated, bytes_view ciphertext,
            const std::byte* tag, std::byte* out) noexcept {
  if (cipher == Cipher::aes256_gcm) {
    return crypto_aead_aes256gcm_decrypt_detached_afternm(raw(not_null(out)), nullptr, raw(not_null(ciphertext.data())),
                                                          ciphertext.size(), raw(tag), raw(associated.data()),
                                                          associated.size(), nonce.data(), aes_state(slot));
  }
  return crypto_aead_chacha20poly1305_ietf_decrypt_detached(
      raw(not_null(out)), nullptr, raw(not_null(ciphertext.data())), ciphertext.size(), raw(tag),
      raw(associated.data()), associated.size(), nonce.data(), raw(slot.data()));
}

// Noise section 4.2, REKEY: the first 32 bytes of ENCRYPT(k, 2^64−1, "", 32 zeros).
void rekey(Cipher cipher, bytes_span slot, Wiped<key_size>& out) noexcept {
  byte_array<tag_size> unused_tag;
  encrypt(cipher, slot, make_nonce(cipher, reserved_nonce), {}, out.bytes(), out.data(), unused_tag.data());
}

}  // namespace

bool available(Cipher cipher) noexcept {
  return initialise().has_value() && (cipher != Cipher::aes256_gcm || crypto_aead_aes256gcm_is_available() == 1);
}

result<AeadKey> AeadKey::make(Cipher cipher, std::span<const std::byte, key_size> key, std::uint32_t large_from) {
  if (!available(cipher)) return Error::suite_unavailable;
  const bool aes = cipher == Cipher::aes256_gcm;
  const bool both = aes && large_from != large::never;
  const std::size_t state_size = sizeof(crypto_aead_aes256gcm_state);
  auto slot = SecretSlot::allocate(!aes ? key_size : both ? state_size + key_size : state_size);
  if (!slot) return slot.error();
  AeadKey made;
  made.slot_ = std::move(*slot);
  made.cipher_ = cipher;
  // The expanded AES state is all that libsodium needs: everything below, REKEY too, is done with it.
  if (aes) {
    crypto_aead_aes256gcm_beforenm(reinterpret_cast<crypto_aead_aes256gcm_state*>(made.slot_.bytes().data()),
                                   raw(key.data()));
    if (both) std::ranges::copy(key, made.slot_.bytes().subspan(state_size).begin());
    made.large_from_ = large_from;
  } else {
    std::ranges::copy(key, made.slot_.bytes().begin());
  }
  return made;
}

large::Record AeadKey::record(const Nonce& nonce, bytes_view associated) const noexcept {
  return {slot_.bytes().last<key_size>(), nonce, associated};
}

result<void> AeadKey::seal(std::uint64_t nonce, bytes_view associated, bytes_view plaintext, std::byte* out,
                           std::span<std::byte, tag_size> tag) const {
  if (!slot_.valid()) return Error::closed;
  if (!slot_.alive()) return Error::forked;  // ATK-20: the key is gone, and the nonce is the parent's
  if (nonce == reserved_nonce) return Error::counter_exhausted;
  const Nonce bytes = make_nonce(cipher_, nonce);
  if (large(plaintext)) {
    const auto outcome = large::seal(record(bytes, associated), plaintext, not_null(out), tag);
    if (outcome == large::Outcome::done) return {};
    if (outcome != large::Outcome::not_begun) return Error::internal;
  }
  encrypt(cipher_, slot_.bytes(), bytes, associated, plaintext, out, tag.data());
  return {};
}

result<void> AeadKey::open(std::uint64_t nonce, bytes_view associated, bytes_view ciphertext,
                           std::span<const std::byte, tag_size> tag, std::byte* out) const {
  return open_from(large::Memory::own, nonce, associated, ciphertext, tag, out);
}

result<void> AeadKey::open_shared(std::uint64_t nonce, bytes_view associated, bytes_view ciphertext,
                                  std::span<const std::byte, tag_size> tag, std::byte* out) const {
  return open_from(large::Memory::shared, nonce, associated, ciphertext, tag, out);
}

result<void> AeadKey::open_from(large::Memory memory, std::uint64_t nonce, bytes_view associated, bytes_view ciphertext,
                                std::span<const std::byte, tag_size> tag, std::byte* out) const {
  if (!slot_.valid()) return Error::closed;
  if (!slot_.alive()) return Error::forked;  // under the key of zeros, anybody could forge a record
  if (nonce == reserved_nonce) return Error::counter_exhausted;
  const Nonce bytes = make_nonce(cipher_, nonce);
  if (large(ciphertext)) {
    const auto outcome = large::open(record(bytes, associated), ciphertext, tag, not_null(out), memory);
    if (outcome == large::Outcome::done) return {};
    if (outcome == large::Outcome::forged) return Error::record_forged;
    if (outcome != large::Outcome::not_begun) return Error::internal;
  }
  if (memory == large::Memory::shared && !ciphertext.empty()) {
    std::memcpy(out, ciphertext.data(), ciphertext.size());  // the only look at it (ATK-13)
    ciphertext = {out, ciphertext.size()};
  }
  if (decrypt(cipher_, slot_.bytes(), bytes, associated, ciphertext, tag.data(), out) != 0) return Error::record_forged;
  return {};
}

result<AeadKey> AeadKey::rekeyed() const {
  if (!slot_.valid()) return Error::closed;
  if (!slot_.alive()) return Error::forked;
  Wiped<key_size> next;
  rekey(cipher_, slot_.bytes(), next);
  return make(cipher_, next.bytes(), large_from_);
}

result<AeadKey> AeadKey::rekeyed_with(bytes_view shared) const {
  if (!slot_.valid()) return Error::closed;
  if (!slot_.alive()) return Error::forked;
  const HashKind kind = cipher_ == Cipher::aes256_gcm ? HashKind::sha256 : HashKind::blake2b;
  Wiped<key_size> chaining_key, next;
  Wiped<max_hash_size> unused;
  rekey(cipher_, slot_.bytes(), chaining_key);
  hkdf(kind, chaining_key.bytes(), shared, {next.bytes(), unused.first(hash_size(kind))});
  return make(cipher_, next.bytes(), large_from_);
}

}  // namespace penstock::crypto
