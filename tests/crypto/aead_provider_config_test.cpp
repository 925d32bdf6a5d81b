// No configuration of OpenSSL's, and no environment, chooses who encrypts. In an executable of its own: OpenSSL reads
// them once.
#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <cstdio>
#include <cstdlib>

#include "crypto/aead_provider.hpp"

namespace penstock::crypto {
namespace {

TEST(AeadProviderConfig, IsNobodyElses) {
  // A configuration under which no implementation is good enough for anybody.
  char path[] = "/tmp/penstock-openssl-XXXXXX";
  const int descriptor = ::mkstemp(path);
  ASSERT_GE(descriptor, 0);
  std::FILE* const file = ::fdopen(descriptor, "w");
  std::fputs("openssl_conf = main\n[main]\nalg_section = algorithms\n[algorithms]\ndefault_properties = fips=yes\n",
             file);
  std::fclose(file);
  ::setenv("OPENSSL_CONF", path, 1);

  EXPECT_NE(large::provider(), nullptr);
  byte_array<16> tag{};
  byte_array<64> bytes{};
  const byte_array<32> key{};
  const std::array<unsigned char, 12> nonce{};
  EXPECT_EQ(large::seal({key, nonce, {}}, bytes, bytes.data(), tag), large::Outcome::done);

  EVP_CIPHER* const applications = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  EXPECT_EQ(applications, nullptr) << "the configuration does not do what this test believes";
  EVP_CIPHER_free(applications);
  std::remove(path);
}

}  // namespace
}  // namespace penstock::crypto
