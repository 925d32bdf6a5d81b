// A build without a second provider: libsodium takes every record, whatever a key is asked for.
#include <gtest/gtest.h>

#include "crypto/aead.hpp"
#include "tests/crypto/hex.hpp"

namespace penstock::crypto {
namespace {

TEST(AeadSodiumOnly, SaysSoAndTakesEveryRecord) {
  EXPECT_EQ(large::from(), large::never);
  EXPECT_EQ(large::provider(), nullptr);
  std::array<std::string, 2> tags;
  for (std::size_t i = 0; i < tags.size(); ++i) {
    const auto key = AeadKey::make(Cipher::aes256_gcm, byte_array<32>{}, i == 0 ? 0 : large::never);
    ASSERT_TRUE(key);
    test::Bytes bytes = test::counting(65536);
    byte_array<tag_size> tag{};
    ASSERT_TRUE(key->seal(1, {}, bytes, bytes.data(), tag));
    tags[i] = test::hex(tag);
    ASSERT_TRUE(key->open(1, {}, bytes, tag, bytes.data()));
    EXPECT_EQ(bytes, test::counting(65536));
  }
  EXPECT_EQ(tags[0], tags[1]);
}

}  // namespace
}  // namespace penstock::crypto
