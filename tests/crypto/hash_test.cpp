// Published vectors of the hashes, HMAC and HKDF.
#include "crypto/hash.hpp"

#include <gtest/gtest.h>

#include "tests/crypto/hex.hpp"

namespace penstock::crypto {
namespace {

std::string hash_of(HashKind kind, std::initializer_list<bytes_view> parts) {
  byte_array<max_hash_size> out{};
  hash(kind, parts, out.data());
  return test::hex(bytes_view(out).first(hash_size(kind)));
}

std::string hmac_of(HashKind kind, bytes_view key, bytes_view message) {
  byte_array<max_hash_size> out{};
  hmac(kind, key, {message}, out.data());
  return test::hex(bytes_view(out).first(hash_size(kind)));
}

// FIPS 180-4 (NIST's examples) and RFC 7693, appendix A.
TEST(Hash, OfAbc) {
  const auto abc = as_bytes("abc");
  EXPECT_EQ(hash_of(HashKind::sha256, {abc}), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hash_of(HashKind::sha512, {abc}),
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
            "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
  EXPECT_EQ(hash_of(HashKind::blake2b, {abc}),
            "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
            "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923");
  for (const auto kind : {HashKind::sha256, HashKind::sha512, HashKind::blake2b}) {
    EXPECT_EQ(hash_of(kind, {as_bytes("a"), {}, as_bytes("bc")}), hash_of(kind, {abc}));
  }
}

TEST(Hash, MayReplaceItsOwnInput) {
  byte_array<64> bytes{};
  const auto expected = hash_of(HashKind::blake2b, {bytes, as_bytes("more")});
  hash(HashKind::blake2b, {bytes, as_bytes("more")}, bytes.data());
  EXPECT_EQ(test::hex(bytes), expected);
}

// RFC 4231, test case 2; the BLAKE2b value is of Go's crypto/hmac over golang.org/x/crypto/blake2b.
TEST(Hmac, PublishedVectors) {
  const auto key = as_bytes("Jefe"), message = as_bytes("what do ya want for nothing?");
  EXPECT_EQ(hmac_of(HashKind::sha256, key, message),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(hmac_of(HashKind::sha512, key, message),
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
            "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737");
  test::Bytes counted;
  for (int i = 0; i < 32; ++i) counted.push_back(static_cast<std::byte>(i));
  EXPECT_EQ(hmac_of(HashKind::blake2b, counted, as_bytes("penstock")),
            "243541efe0d4a3e2e088dbb5937d6773094cbf083f365786a76ccc273910b906"
            "8e1d12fc64f7361b8ac647e25be690dd612c3207bcbab648e869a961f8ad890d");
}

// RFC 5869, test case 3: without salt and info, HKDF-Expand is what Noise section 4.3 writes out.
TEST(Hkdf, PublishedVector) {
  const test::Bytes input(22, std::byte{0x0b});
  byte_array<42> out{};
  const auto view = bytes_span(out);
  hkdf(HashKind::sha256, {}, input, {view.first(32), view.subspan(32)});
  EXPECT_EQ(test::hex(out), "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
}

TEST(Hkdf, MayReplaceItsChainingKey) {
  byte_array<64> chaining_key{}, first{}, second{}, again{};
  hkdf(HashKind::sha512, chaining_key, as_bytes("input"), {first, second});
  hkdf(HashKind::sha512, chaining_key, as_bytes("input"), {chaining_key, again});
  EXPECT_EQ(first, chaining_key);
  EXPECT_EQ(second, again);
  EXPECT_NE(first, second);
}

}  // namespace
}  // namespace penstock::crypto
