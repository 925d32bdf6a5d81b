// AEAD keys: published values, nonces, rekeying, and sealing in place.
#include "crypto/aead.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "tests/crypto/hex.hpp"
#include "tests/crypto/print.hpp"

namespace penstock::crypto {
namespace {

constexpr auto last_nonce = std::numeric_limits<std::uint64_t>::max();
// Every AES record by the second provider, if there is one; and every one by libsodium.
constexpr std::array<std::uint32_t, 2> ways = {0, large::never};

test::Bytes seal(const AeadKey& key, std::uint64_t nonce, bytes_view associated, bytes_view plaintext) {
  test::Bytes out(plaintext.size() + tag_size);
  const auto tag = bytes_span(out).last<tag_size>();
  if (!key.seal(nonce, associated, plaintext, out.data(), tag)) return {};
  return out;
}

AeadKey counted_key(Cipher cipher, std::uint32_t large_from = large::from()) {
  byte_array<32> raw;
  for (std::size_t i = 0; i < raw.size(); ++i) raw[i] = static_cast<std::byte>(i);
  auto key = AeadKey::make(cipher, raw, large_from);
  return key ? std::move(*key) : AeadKey();
}

// McGrew and Viega, "The Galois/Counter Mode of Operation", test cases 13 and 14.
TEST(AesGcm, PublishedVectors) {
  for (const auto large_from : ways) {
    const auto key = AeadKey::make(Cipher::aes256_gcm, byte_array<32>{}, large_from);
    ASSERT_TRUE(key);
    EXPECT_EQ(test::hex(seal(*key, 0, {}, {})), "530f8afbc74536b9a963b4f1c4cb738b");
    EXPECT_EQ(test::hex(seal(*key, 0, {}, byte_array<16>{})),
              "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919");
  }
}

// Values of Go's crypto/aes and golang.org/x/crypto/chacha20poly1305 with the nonces 00000000 0102030405060708 and
// 00000000 0807060504030201: one big-endian, one little-endian.
TEST(AeadNonce, IsNoises) {
  const auto chacha = counted_key(Cipher::chacha20_poly1305);
  constexpr std::uint64_t nonce = 0x0102030405060708;
  for (const auto large_from : ways) {
    EXPECT_EQ(
        test::hex(seal(counted_key(Cipher::aes256_gcm, large_from), nonce, as_bytes("header"), as_bytes("penstock"))),
        "74340b7da98e6af5c3ceb2390309b3e0f89ae60917dcd4c1");
  }
  EXPECT_EQ(test::hex(seal(chacha, nonce, as_bytes("header"), as_bytes("penstock"))),
            "802cc397df5689738666026776320be9b34b832e9e8a2da7");
}

// The same libraries, keyed with REKEY and with HMAC(HMAC(REKEY(k), shared), 0x01), cut to 32 bytes.
TEST(AeadRekey, IsNoisesRekeyAndItsHkdf) {
  byte_array<32> shared;
  for (std::size_t i = 0; i < shared.size(); ++i) shared[i] = static_cast<std::byte>(0x40 + i);
  const auto sealed_under = [](result<AeadKey> key) {
    return key ? test::hex(seal(*key, 0, {}, as_bytes("penstock"))) : std::string("no key");
  };
  const auto chacha = counted_key(Cipher::chacha20_poly1305);
  EXPECT_EQ(sealed_under(chacha.rekeyed()), "9b7ec253c1ebd68bb7059e9ae8583ba755b68cf470e4dda8");
  EXPECT_EQ(sealed_under(chacha.rekeyed_with(shared)), "13009e13ceb86bbdcbea9e8830147c9968ac8c5163a9222a");
  for (const auto large_from : ways) {
    const auto aes = counted_key(Cipher::aes256_gcm, large_from);
    EXPECT_EQ(sealed_under(aes.rekeyed()), "59cb2089ed9713facb10032399c3f6c639b79b869e9f8ff2");
    EXPECT_EQ(sealed_under(aes.rekeyed_with(shared)), "ae1632805b5c44114e258a8a0fd2221c3e8ac82fbd1de526");
  }
}

struct Way {
  const char* name;
  Cipher cipher;
  std::uint32_t large_from;
};

void PrintTo(const Way& way, std::ostream* out) {
  *out << way.name;
}

class Aead : public testing::TestWithParam<Way> {
 protected:
  AeadKey key = counted_key(GetParam().cipher, GetParam().large_from);
};

TEST_P(Aead, OpensWhatWasSealedInPlaceAndElsewhereAtEverySize) {
  for (std::size_t size = 0; size <= 300; ++size) {
    const auto plaintext = test::counting(size), associated = test::counting(size % 61, 9);
    const auto sealed = seal(key, size, associated, plaintext);
    ASSERT_EQ(sealed.size(), size + tag_size);
    const auto tag = bytes_view(sealed).last<tag_size>();

    test::Bytes in_place = plaintext;
    byte_array<tag_size> other_tag{};
    ASSERT_TRUE(key.seal(size, associated, in_place, in_place.data(), other_tag));
    ASSERT_EQ(test::hex(in_place) + test::hex(other_tag), test::hex(sealed)) << size;

    test::Bytes out(size);
    ASSERT_TRUE(key.open(size, associated, bytes_view(sealed).first(size), tag, out.data())) << size;
    ASSERT_EQ(out, plaintext);
    ASSERT_TRUE(key.open(size, associated, in_place, tag, in_place.data())) << size;
    ASSERT_EQ(in_place, plaintext);
  }
}

TEST_P(Aead, NothingAtAllNeedsNoMemory) {
  byte_array<tag_size> tag{};
  ASSERT_TRUE(key.seal(1, {}, {}, nullptr, tag));
  EXPECT_TRUE(key.open(1, {}, {}, tag, nullptr));
  EXPECT_EQ(key.open(2, {}, {}, tag, nullptr).error(), Error::record_forged);
}

TEST_P(Aead, TheLastNonceIsOnlyForRekeying) {
  byte_array<tag_size> tag{};
  test::Bytes bytes = test::counting(8), out(8, std::byte{0xee});
  EXPECT_EQ(key.seal(last_nonce, {}, bytes, out.data(), tag).error(), Error::counter_exhausted);
  EXPECT_EQ(key.open(last_nonce, {}, bytes, tag, out.data()).error(), Error::counter_exhausted);
  EXPECT_EQ(out, test::Bytes(8, std::byte{0xee}));
  EXPECT_TRUE(key.seal(last_nonce - 1, {}, bytes, out.data(), tag));
}

TEST_P(Aead, ResetAndMovedFromKeysAreClosed) {
  byte_array<tag_size> tag{};
  AeadKey moved = std::move(key);
  EXPECT_TRUE(moved.valid());
  for (const auto* const gone : {&key, (moved.reset(), &moved)}) {
    EXPECT_FALSE(gone->valid());
    EXPECT_EQ(gone->seal(0, {}, {}, nullptr, tag).error(), Error::closed);
    EXPECT_EQ(gone->open(0, {}, {}, tag, nullptr).error(), Error::closed);
    EXPECT_EQ(gone->rekeyed().error(), Error::closed);
    EXPECT_EQ(gone->rekeyed_with(tag).error(), Error::closed);
  }
}

// Every single bit of ciphertext, tag, associated data and nonce.
TEST_P(Aead, AnyFlippedBitIsForgedAndReleasesNothing) {
  const auto plaintext = test::counting(33), associated = test::counting(40, 5);
  constexpr std::uint64_t nonce = 77;
  const auto sealed = seal(key, nonce, associated, plaintext);
  const auto try_open = [&](std::uint64_t number, bytes_view header, bytes_view record) {
    test::Bytes out(plaintext.size(), std::byte{0xee});
    const auto opened = key.open(number, header, record.first(plaintext.size()), record.last<tag_size>(), out.data());
    EXPECT_EQ(opened.error(), Error::record_forged);
    EXPECT_EQ(out, test::Bytes(out.size())) << "bytes that nobody authenticated";
    // In place, nothing of the plaintext may appear over the ciphertext either.
    test::Bytes in_place(record.begin(), record.end());
    const auto tag = bytes_view(record).last<tag_size>();
    EXPECT_EQ(key.open(number, header, bytes_view(in_place).first(plaintext.size()), tag, in_place.data()).error(),
              Error::record_forged);
    EXPECT_TRUE(std::equal(out.begin(), out.end(), in_place.begin()));
  };
  const auto flip = [](test::Bytes bytes, std::size_t bit) {
    bytes[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
    return bytes;
  };
  for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) try_open(nonce, associated, flip(sealed, bit));
  for (std::size_t bit = 0; bit < associated.size() * 8; ++bit) try_open(nonce, flip(associated, bit), sealed);
  for (unsigned bit = 0; bit < 64; ++bit) try_open(nonce ^ (std::uint64_t{1} << bit), associated, sealed);
  try_open(nonce, bytes_view(associated).first(39), sealed);
  test::Bytes out(plaintext.size());
  EXPECT_TRUE(key.open(nonce, associated, bytes_view(sealed).first(33), bytes_view(sealed).last<16>(), out.data()));
}

TEST_P(Aead, RekeyingMakesAKeyThatTheOldOneDoesNotOpen) {
  const auto plaintext = test::counting(20);
  auto next = key.rekeyed(), fresh = key.rekeyed_with(test::counting(32));
  ASSERT_TRUE(next && fresh);
  const auto under_next = seal(*next, 0, {}, plaintext), under_fresh = seal(*fresh, 0, {}, plaintext);
  EXPECT_NE(under_next, under_fresh);
  test::Bytes out(20);
  for (const auto& sealed : {under_next, under_fresh}) {
    const auto tag = bytes_view(sealed).last<tag_size>();
    EXPECT_EQ(key.open(0, {}, bytes_view(sealed).first(20), tag, out.data()).error(), Error::record_forged);
  }
  EXPECT_NE(seal(*fresh, 0, {}, plaintext), seal(*key.rekeyed_with(test::counting(32, 2)), 0, {}, plaintext));
}

INSTANTIATE_TEST_SUITE_P(BothSuites, Aead,
                         testing::Values(Way{"aes", Cipher::aes256_gcm, large::from()},
                                         Way{"aes_by_the_second_provider", Cipher::aes256_gcm, 0},
                                         Way{"aes_by_libsodium", Cipher::aes256_gcm, large::never},
                                         Way{"chacha", Cipher::chacha20_poly1305, large::from()}),
                         testing::PrintToStringParamName());

}  // namespace
}  // namespace penstock::crypto
