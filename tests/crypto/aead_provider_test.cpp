// The second provider against libsodium: the same bytes, the same refusals, and nothing left behind.
#include "crypto/aead_provider.hpp"

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <sodium.h>

#include <random>
#include <thread>

#include "crypto/aead.hpp"
#include "tests/crypto/hex.hpp"
#include "tests/crypto/print.hpp"

namespace penstock::crypto {
namespace {

using large::Outcome;

const test::Bytes raw_key = test::counting(32, 3);
constexpr std::array<unsigned char, 12> nonce = {0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8};
constexpr std::uint64_t number = 0x0102030405060708;

// Ciphertext and tag, by libsodium itself: nothing of ours is in between.
test::Bytes by_libsodium(bytes_view associated, bytes_view plaintext) {
  test::Bytes out(plaintext.size() + tag_size);
  const auto raw = [](bytes_view bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); };
  crypto_aead_aes256gcm_encrypt(reinterpret_cast<unsigned char*>(out.data()), nullptr, raw(plaintext), plaintext.size(),
                                raw(associated), associated.size(), nullptr, nonce.data(), raw(raw_key));
  return out;
}

large::Record record(bytes_view associated) {
  return {std::span(raw_key).first<32>(), nonce, associated};
}

test::Bytes by_the_second(bytes_view associated, bytes_view plaintext) {
  test::Bytes out(plaintext.size() + tag_size);
  const auto outcome = large::seal(record(associated), plaintext, out.data(), bytes_span(out).last<tag_size>());
  EXPECT_EQ(outcome, Outcome::done);
  return out;
}

Outcome open_by_the_second(bytes_view associated, bytes_view sealed, std::byte* out) {
  return large::open(record(associated), sealed.first(sealed.size() - tag_size), sealed.last<tag_size>(), out);
}

AeadKey key_from(std::uint32_t large_from) {
  auto key = AeadKey::make(Cipher::aes256_gcm, std::span(raw_key).first<32>(), large_from);
  return key ? std::move(*key) : AeadKey();
}

// Every size to beyond four blocks, and around every power of two and the crossover up to a whole record.
std::vector<std::size_t> sizes() {
  std::vector<std::size_t> all;
  for (std::size_t size = 0; size <= 80; ++size) all.push_back(size);
  for (std::size_t power = 128; power <= 65536; power *= 2) {
    for (const std::size_t size : {power - 17, power - 1, power, power + 1, power + 15, power + 16})
      all.push_back(size);
  }
  return all;
}

test::Bytes random_bytes(std::size_t size, std::mt19937& random) {
  test::Bytes bytes(size);
  for (auto& byte : bytes) byte = static_cast<std::byte>(random() & 0xff);
  return bytes;
}

test::Bytes flipped(test::Bytes bytes, std::size_t bit) {
  bytes[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
  return bytes;
}

bool zeros(bytes_view bytes) {
  return std::ranges::all_of(bytes, [](std::byte byte) { return byte == std::byte{0}; });
}

TEST(AeadProvider, IsThereAndTakesLargeRecordsAlone) {
  ASSERT_NE(large::provider(), nullptr);
  EXPECT_EQ(std::string_view(large::provider()).substr(0, 9), "OpenSSL 3");
  EXPECT_GE(large::from(), 1024u);
  EXPECT_LE(large::from(), 16384u);
}

TEST(AeadProvider, GivesTheSameBytesAsLibsodiumAndEachOpensTheOthers) {
  std::mt19937 random(1);
  const auto sodium = key_from(large::never);
  for (const auto size : sizes()) {
    const auto plaintext = random_bytes(size, random), associated = random_bytes(random() % 100, random);
    const auto expected = by_libsodium(associated, plaintext);
    ASSERT_TRUE(by_the_second(associated, plaintext) == expected) << size << ", associated " << associated.size();

    test::Bytes out(size, std::byte{0xee});
    ASSERT_EQ(open_by_the_second(associated, expected, out.data()), Outcome::done) << size;
    ASSERT_TRUE(out == plaintext) << size;
    const auto sealed = by_the_second(associated, plaintext);
    std::ranges::fill(out, std::byte{0xee});
    ASSERT_TRUE(sodium.open(number, associated, bytes_view(sealed).first(size), bytes_view(sealed).last<tag_size>(),
                            out.data()));
    ASSERT_TRUE(out == plaintext) << size;
  }
}

TEST(AeadProvider, SealsAndOpensInPlace) {
  for (const auto size : sizes()) {
    const auto plaintext = test::counting(size);
    const auto expected = by_libsodium(raw_key, plaintext);
    test::Bytes bytes = plaintext;
    byte_array<tag_size> tag{};
    ASSERT_EQ(large::seal(record(raw_key), bytes, bytes.data(), tag), Outcome::done);
    ASSERT_TRUE(std::equal(bytes.begin(), bytes.end(), expected.begin())) << size;
    ASSERT_TRUE(std::equal(tag.begin(), tag.end(), expected.end() - tag_size)) << size;
    ASSERT_EQ(large::open(record(raw_key), bytes, tag, bytes.data()), Outcome::done);
    ASSERT_TRUE(bytes == plaintext) << size;
  }
}

// A key is asked by size; whichever provider takes a record, the other end may have only libsodium.
TEST(AeadProvider, AKeyChoosesBySizeAndNobodySees) {
  const auto usual = key_from(large::from());
  const std::size_t border = large::from();
  for (const std::size_t size : {border - 1, border, border + 1}) {
    const auto plaintext = test::counting(size);
    test::Bytes sealed(size + tag_size);
    ASSERT_TRUE(usual.seal(number, raw_key, plaintext, sealed.data(), bytes_span(sealed).last<tag_size>()));
    EXPECT_TRUE(sealed == by_libsodium(raw_key, plaintext)) << size;
  }
}

TEST(AeadProvider, RekeyedKeysAgree) {
  const auto both = {key_from(0).rekeyed(), key_from(large::never).rekeyed(), key_from(0).rekeyed_with(raw_key),
                     key_from(large::never).rekeyed_with(raw_key)};
  std::vector<std::string> tags;
  for (const auto& key : both) {
    ASSERT_TRUE(key);
    test::Bytes bytes = test::counting(20000);
    byte_array<tag_size> tag{};
    ASSERT_TRUE(key->seal(5, raw_key, bytes, bytes.data(), tag));
    tags.push_back(test::hex(tag));
  }
  EXPECT_EQ(tags[0], tags[1]);
  EXPECT_EQ(tags[2], tags[3]);
  EXPECT_NE(tags[0], tags[2]);
}

// Every bit of the tag, and a bit in every 97th byte of the text, with its first and last block whole.
TEST(AeadProvider, AnyFlippedBitIsForgedAndLeavesZeros) {
  const auto plaintext = test::counting(16384);
  const auto sealed = by_libsodium(raw_key, plaintext);
  std::vector<std::size_t> bits;
  for (std::size_t bit = plaintext.size() * 8 - 128; bit < sealed.size() * 8; ++bit) bits.push_back(bit);
  for (std::size_t bit = 0; bit < 128; ++bit) bits.push_back(bit);
  for (std::size_t byte = 0; byte < plaintext.size(); byte += 97) bits.push_back(byte * 8 + byte % 8);
  const auto key = key_from(large::from());
  for (const auto bit : bits) {
    auto forged = flipped(sealed, bit);
    test::Bytes out(plaintext.size(), std::byte{0xee});
    ASSERT_EQ(open_by_the_second(raw_key, forged, out.data()), Outcome::forged) << bit;
    ASSERT_TRUE(zeros(out)) << "bytes that nobody authenticated, bit " << bit;
    const auto text = bytes_span(forged).first(plaintext.size());
    ASSERT_EQ(key.open(number, raw_key, text, bytes_view(forged).last<tag_size>(), text.data()).error(),
              Error::record_forged);
    ASSERT_TRUE(zeros(text)) << "in place, bit " << bit;
  }
  test::Bytes out(plaintext.size());
  for (std::size_t bit = 0; bit < 256; ++bit) {
    ASSERT_EQ(open_by_the_second(flipped(raw_key, bit), sealed, out.data()), Outcome::forged)
        << "associated, bit " << bit;
  }
  EXPECT_EQ(open_by_the_second({}, sealed, out.data()), Outcome::forged);
  EXPECT_EQ(open_by_the_second(raw_key, sealed, out.data()), Outcome::done);
}

// A record of one key leaves nothing that another key's record could use: a thread's context serves all of its
// channels.
TEST(AeadProvider, KeysOfOneThreadDoNotMeet) {
  const auto other_key = test::counting(32, 9);
  const auto plaintext = test::counting(8192);
  const auto sealed = by_libsodium({}, plaintext);
  test::Bytes out(plaintext.size());
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(open_by_the_second({}, sealed, out.data()), Outcome::done);
    const large::Record other{std::span(other_key).first<32>(), nonce, {}};
    ASSERT_EQ(
        large::open(other, bytes_view(sealed).first(plaintext.size()), bytes_view(sealed).last<tag_size>(), out.data()),
        Outcome::forged);
    ASSERT_TRUE(by_the_second({}, plaintext) == sealed);
  }
}

TEST(AeadProvider, ThreadsSealSideBySide) {
  const auto plaintext = test::counting(16384);
  const auto expected = by_libsodium(raw_key, plaintext);
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 50; ++round) EXPECT_TRUE(by_the_second(raw_key, plaintext) == expected);
    });
  }
  for (auto& thread : threads) thread.join();
}

// A destructor of the thread's own may say goodbye after the context has gone: libsodium takes that record.
TEST(AeadProvider, AThreadThatEndsStillSeals) {
  static bool sealed_at_the_end = false;
  struct Goodbye {
    ~Goodbye() {
      test::Bytes out(8192);
      byte_array<tag_size> tag{};
      sealed_at_the_end = key_from(0).seal(number, {}, out, out.data(), tag) &&
                          large::seal(record({}), out, out.data(), tag) == Outcome::not_begun;
    }
  };
  std::thread([] {
    thread_local const Goodbye goodbye;
    static_cast<void>(&goodbye);
    by_the_second({}, test::counting(8192));
  }).join();
  EXPECT_TRUE(sealed_at_the_end);
}

TEST(AeadProvider, TheApplicationsQueueOfErrorsIsLeftAsItWas) {
  const auto queue = [] {
    std::vector<unsigned long> all;
    for (unsigned long code = ERR_get_error(); code != 0; code = ERR_get_error()) all.push_back(code);
    return all;
  };
  const auto use = [] {
    const auto sealed = by_the_second({}, test::counting(8192));
    test::Bytes out(8192);
    EXPECT_EQ(open_by_the_second({}, flipped(sealed, 7), out.data()), Outcome::forged);
  };
  queue();
  use();
  EXPECT_TRUE(queue().empty());
  ERR_raise(ERR_LIB_USER, 1);
  ERR_raise(ERR_LIB_USER, 2);
  use();
  EXPECT_EQ(queue().size(), 2u);
}

}  // namespace
}  // namespace penstock::crypto
