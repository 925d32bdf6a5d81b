// ATK-13: no cipher is given memory that another process can write; it is copied first. What the two libraries are told to read is seen
// because this program's definitions of their functions come before theirs. That it is copied once and not twice is not seen here.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <sodium.h>

#include <vector>

#include "crypto/aead.hpp"
#include "crypto/aead_provider.hpp"

namespace {

const unsigned char* watched = nullptr;
std::size_t watched_size = 0;
int looked = 0;  // calls that were given some of what is watched

void look(const unsigned char* at, std::size_t size) {
  const std::less<> before;
  if (at != nullptr && watched != nullptr && before(at, watched + watched_size) && before(watched, at + size)) ++looked;
}

template <class Function>
Function next(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

int EVP_CipherUpdate(EVP_CIPHER_CTX* context, unsigned char* out, int* written, const unsigned char* in, int size) {
  static const auto real = next<decltype(&EVP_CipherUpdate)>("EVP_CipherUpdate");
  look(in, static_cast<std::size_t>(size));
  return real(context, out, written, in, size);
}

int crypto_aead_aes256gcm_decrypt_detached_afternm(unsigned char* out, unsigned char* secret, const unsigned char* in, unsigned long long size,
                                                   const unsigned char* tag, const unsigned char* associated, unsigned long long associated_size,
                                                   const unsigned char* nonce, const crypto_aead_aes256gcm_state* state) {
  static const auto real = next<decltype(&crypto_aead_aes256gcm_decrypt_detached_afternm)>("crypto_aead_aes256gcm_decrypt_detached_afternm");
  look(in, size);
  return real(out, secret, in, size, tag, associated, associated_size, nonce, state);
}

int crypto_aead_chacha20poly1305_ietf_decrypt_detached(unsigned char* out, unsigned char* secret, const unsigned char* in, unsigned long long size,
                                                       const unsigned char* tag, const unsigned char* associated,
                                                       unsigned long long associated_size, const unsigned char* nonce, const unsigned char* key) {
  static const auto real = next<decltype(&crypto_aead_chacha20poly1305_ietf_decrypt_detached)>("crypto_aead_chacha20poly1305_ietf_decrypt_detached");
  look(in, size);
  return real(out, secret, in, size, tag, associated, associated_size, nonce, key);
}

}  // extern "C"

namespace penstock::crypto {
namespace {

struct Opened {
  bool done = false;
  int looked = 0;
};

Opened open(Cipher cipher, std::size_t size, bool shared) {
  byte_array<32> bytes{};
  bytes[0] = std::byte{1};
  const auto key = AeadKey::make(cipher, bytes);
  EXPECT_TRUE(key);
  const std::vector<std::byte> associated(32, std::byte{3});
  std::vector<std::byte> text(size, std::byte{5}), sealed(size), out(size);
  byte_array<tag_size> tag{};
  EXPECT_TRUE(key->seal(7, associated, text, sealed.data(), tag));
  looked = 0;
  watched = reinterpret_cast<const unsigned char*>(sealed.data());
  watched_size = size;
  const auto opened = shared ? key->open_shared(7, associated, sealed, tag, out.data()) : key->open(7, associated, sealed, tag, out.data());
  watched = nullptr;
  EXPECT_EQ(out, text);
  return {opened.has_value(), looked};
}

// 1,000: libsodium. 20,000: OpenSSL, if it is there. 100,000: in several pieces.
TEST(AeadShared, Atk13NoCipherReadsWhatAnotherProcessCanWrite) {
  for (const auto cipher : {Cipher::aes256_gcm, Cipher::chacha20_poly1305}) {
    if (!available(cipher)) continue;
    for (const std::size_t size : {std::size_t{1}, std::size_t{1000}, std::size_t{20'000}, std::size_t{100'000}}) {
      const auto own = open(cipher, size, false);
      EXPECT_TRUE(own.done);
      EXPECT_GT(own.looked, 0) << "the test's eyes are shut: " << size;
      const auto shared = open(cipher, size, true);
      EXPECT_TRUE(shared.done);
      EXPECT_EQ(shared.looked, 0) << size;
    }
  }
}

}  // namespace
}  // namespace penstock::crypto
