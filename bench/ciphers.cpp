#include "bench/ciphers.hpp"

#include <openssl/evp.h>
#include <sodium.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <memory>
#include <vector>

#include "bench/contender.hpp"

namespace penstock::bench {
namespace {

constexpr std::size_t piece = 65536;
constexpr std::size_t header = 32;

struct Buffers {
  explicit Buffers(std::size_t size) : in(size, 1), out(piece + 16) {}
  std::vector<unsigned char> in, out;
  unsigned char associated[header] = {};
  unsigned char nonce[12] = {};
  unsigned char key[32] = {1, 2, 3};
};

// Calls seal_piece(from, size, nonce) for every piece of every message.
template <class SealPiece>
Report measure(std::size_t size, std::uint64_t messages, Buffers& buffers, const SealPiece& seal_piece) {
  using Clock = std::chrono::steady_clock;
  std::uint64_t number = 0;
  Report report;
  const double cpu = processor_seconds();
  const auto start = Clock::now();
  for (std::uint64_t i = 0; i < messages; ++i) {
    for (std::size_t at = 0; at < size; at += piece) {
      ++number;
      std::memcpy(buffers.nonce + 4, &number, sizeof number);
      seal_piece(buffers.in.data() + at, std::min(piece, size - at));
    }
  }
  report.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  report.cpu = processor_seconds() - cpu;
  report.operations = static_cast<double>(messages);
  report.bytes = static_cast<double>(messages) * static_cast<double>(size);
  return report;
}

}  // namespace

Report seal_with_libsodium(std::size_t size, std::uint64_t messages) {
  if (sodium_init() < 0 || crypto_aead_aes256gcm_is_available() == 0)
    fail("libsodium has no AES-256-GCM on this processor");
  Buffers buffers(size);
  crypto_aead_aes256gcm_state state;
  crypto_aead_aes256gcm_beforenm(&state, buffers.key);
  return measure(size, messages, buffers, [&](const unsigned char* from, std::size_t length) {
    crypto_aead_aes256gcm_encrypt_detached_afternm(buffers.out.data(), buffers.out.data() + length, nullptr, from,
                                                   length, buffers.associated, header, nullptr, buffers.nonce, &state);
  });
}

Report seal_with_openssl(std::size_t size, std::uint64_t messages) {
  Buffers buffers(size);
  const auto release = [](EVP_CIPHER_CTX* context) { EVP_CIPHER_CTX_free(context); };
  const std::unique_ptr<EVP_CIPHER_CTX, decltype(release)> context(EVP_CIPHER_CTX_new(), release);
  auto* const raw = context.get();
  if (EVP_EncryptInit_ex2(raw, EVP_aes_256_gcm(), buffers.key, nullptr, nullptr) != 1)
    fail("OpenSSL has no AES-256-GCM");
  return measure(size, messages, buffers, [&](const unsigned char* from, std::size_t length) {
    int written = 0;
    const bool good = EVP_EncryptInit_ex2(raw, nullptr, nullptr, buffers.nonce, nullptr) == 1 &&
                      EVP_EncryptUpdate(raw, nullptr, &written, buffers.associated, header) == 1 &&
                      EVP_EncryptUpdate(raw, buffers.out.data(), &written, from, static_cast<int>(length)) == 1 &&
                      EVP_EncryptFinal_ex(raw, buffers.out.data() + length, &written) == 1 &&
                      EVP_CIPHER_CTX_ctrl(raw, EVP_CTRL_GCM_GET_TAG, 16, buffers.out.data() + length) == 1;
    if (!good) fail("OpenSSL could not seal");
  });
}

}  // namespace penstock::bench
