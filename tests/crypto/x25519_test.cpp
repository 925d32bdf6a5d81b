// Diffie-Hellman on Curve25519: RFC 7748's vectors, and the points that a hostile peer would send.
#include <gtest/gtest.h>

#include "crypto/noise.hpp"
#include "tests/crypto/hex.hpp"

namespace penstock::crypto {
namespace {

std::string shared_hex(std::string_view scalar, std::string_view point) {
  auto own = KeyPair::from_private(test::unhex_array<32>(scalar));
  if (!own) return "no key";
  auto shared = diffie_hellman(*own, test::unhex_array<32>(point));
  return shared ? test::hex(shared->bytes()) : error_name(shared.error().code());
}

// RFC 7748, section 5.2.
TEST(X25519, ScalarMultiplication) {
  EXPECT_EQ(shared_hex("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
                       "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c"),
            "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552");
  EXPECT_EQ(shared_hex("4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
                       "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493"),
            "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957");
}

// RFC 7748, section 6.1.
TEST(X25519, BothEndsAgree) {
  constexpr std::string_view alice = "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a";
  constexpr std::string_view bob = "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb";
  constexpr std::string_view alice_public = "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a";
  constexpr std::string_view bob_public = "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f";
  constexpr std::string_view shared = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742";
  EXPECT_EQ(test::hex(KeyPair::from_private(test::unhex_array<32>(alice))->public_key), alice_public);
  EXPECT_EQ(test::hex(KeyPair::from_private(test::unhex_array<32>(bob))->public_key), bob_public);
  EXPECT_EQ(shared_hex(alice, bob_public), shared);
  EXPECT_EQ(shared_hex(bob, alice_public), shared);
}

// The points of order 1, 2, 4 and 8 with their non-canonical and twist forms (Bernstein, "Curve25519", security
// considerations): each would make the shared secret all zeros, whatever our key is.
TEST(X25519, LowOrderPointsFailTheHandshake) {
  for (const char* const point : {
           "0000000000000000000000000000000000000000000000000000000000000000",
           "0100000000000000000000000000000000000000000000000000000000000000",
           "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
           "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
           "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
           "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
           "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
           "0000000000000000000000000000000000000000000000000000000000000080",
           "0100000000000000000000000000000000000000000000000000000000000080",
           "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b880",
           "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f11d7",
           "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
           "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
           "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
       }) {
    EXPECT_EQ(shared_hex("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4", point),
              "handshake_failed");
  }
}

TEST(KeyPair, GeneratedClonedAndEmpty) {
  auto first = KeyPair::generate(), second = KeyPair::generate();
  ASSERT_TRUE(first && second);
  EXPECT_NE(first->public_key, second->public_key);
  auto copy = first->clone();
  ASSERT_TRUE(copy);
  EXPECT_EQ(copy->public_key, first->public_key);
  const auto one = diffie_hellman(*copy, second->public_key), other = diffie_hellman(*second, first->public_key);
  ASSERT_TRUE(one && other);
  EXPECT_TRUE(equal_secret(one->bytes(), other->bytes()));
  EXPECT_EQ(KeyPair().clone().error(), Error::invalid_argument);
  EXPECT_EQ(diffie_hellman(KeyPair(), first->public_key).error(), Error::invalid_argument);
}

}  // namespace
}  // namespace penstock::crypto
