// ATK-20: fork, and both go on with the same keys and counters. The child must be unable to.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "crypto/noise.hpp"
#include "penstock/keys.hpp"
#include "tests/crypto/child_linux.hpp"
#include "tests/crypto/hex.hpp"
#include "tests/crypto/print.hpp"

namespace penstock::crypto {
namespace {

bool all(bytes_view bytes, std::byte value) {
  return std::ranges::all_of(bytes, [&](std::byte byte) { return byte == value; });
}

TEST(Atk20, TheChildFindsZerosInSecretMemory) {
  const auto known = test::counting(32);
  auto secret = Secret<32>::copy_of(std::span(known).first<32>());
  ASSERT_TRUE(secret);
  const auto child = [&] {
    if (!(all(secret->bytes(), std::byte{0}))) return 1;
    if (!(secret->valid() && !secret->alive())) return 2;
    secret->reset();  // nothing of ours: neither a crash nor a slot to hand out again
    if (!(!secret->valid())) return 3;
    return 0;
  };
  const auto ending = test::in_child(child);
  EXPECT_TRUE(ending.exited_with(0)) << ending.status;
  EXPECT_TRUE(secret->alive());
  EXPECT_EQ(test::hex(secret->bytes()), test::hex(known));
}

TEST(Atk20, TheChildMakesSecretsOfItsOwnAndSoDoesItsChild) {
  const auto parents = Secret<32>::random();
  ASSERT_TRUE(parents);
  const auto fresh = [](const std::byte* old) {
    // More than were free in the parent's chunks: none of those may be handed out.
    std::vector<Secret<32>> kept;
    for (int i = 0; i < 1500; ++i) {
      auto made = Secret<32>::random();
      if (!(made && made->alive())) return 1;
      if (!(!all(made->bytes(), std::byte{0}))) return 2;
      if (!(made->bytes().data() != old)) return 3;
      kept.push_back(std::move(*made));
    }
    return 0;
  };
  const auto ending = test::in_child([&] {
    const auto own = Secret<32>::random();
    if (!(own && own->alive() && !parents->alive())) return 4;
    if (const int failed = fresh(parents->bytes().data()); failed != 0) return failed;
    const auto grandchild = test::in_child([&] {
      if (!(!own->alive() && all(own->bytes(), std::byte{0}))) return 5;
      return fresh(own->bytes().data());
    });
    if (!(grandchild.exited_with(0))) return 6;
    if (!(own->alive())) return 7;
    return 0;
  });
  EXPECT_TRUE(ending.exited_with(0)) << ending.status;
}

// Of the size of a short message, and of one that the second provider takes.
void expect_neither_sealed_nor_opened(Cipher cipher, std::size_t size) {
  const auto raw = test::counting(32);
  auto key = AeadKey::make(cipher, std::span(raw).first<32>());
  ASSERT_TRUE(key);
  const auto plaintext = test::counting(size);
  test::Bytes sealed(size);
  byte_array<tag_size> tag{};
  ASSERT_TRUE(key->seal(7, {}, plaintext, sealed.data(), tag));

  const auto ending = test::in_child([&] {
    test::Bytes out(size, std::byte{0xee});
    byte_array<tag_size> child_tag;
    child_tag.fill(std::byte{0xee});
    if (!(key->seal(8, {}, plaintext, out.data(), child_tag).error() == Error::forked)) return 1;
    if (!(all(out, std::byte{0xee}) && all(child_tag, std::byte{0xee}))) return 2;
    if (!(key->open(7, {}, sealed, tag, out.data()).error() == Error::forked)) return 3;
    if (!(all(out, std::byte{0xee}))) return 4;
    if (!(key->rekeyed().error() == Error::forked)) return 5;
    if (!(key->rekeyed_with(raw).error() == Error::forked)) return 6;
    // A record under the key of zeros, which anybody can make, is refused with the same word.
    auto zeros = AeadKey::make(cipher, byte_array<32>{});
    if (!(zeros && zeros->seal(9, {}, plaintext, out.data(), child_tag))) return 7;
    if (!(key->open(9, {}, out, child_tag, out.data()).error() == Error::forked)) return 8;
    return 0;
  });
  EXPECT_TRUE(ending.exited_with(0)) << ending.status;
  test::Bytes opened(size);
  ASSERT_TRUE(key->open(7, {}, sealed, tag, opened.data()));
  EXPECT_EQ(opened, plaintext);
}

class Atk20Cipher : public testing::TestWithParam<Cipher> {};

TEST_P(Atk20Cipher, TheChildNeitherSealsNorOpens) {
  for (const std::size_t size : {std::size_t{48}, std::size_t{65536}}) expect_neither_sealed_nor_opened(GetParam(), size);
}

INSTANTIATE_TEST_SUITE_P(BothSuites, Atk20Cipher, testing::Values(Cipher::aes256_gcm, Cipher::chacha20_poly1305),
                         testing::PrintToStringParamName());

TEST(Atk20, TheChildCannotGoOnWithAHandshake) {
  auto keys = KeyPair::generate();
  ASSERT_TRUE(keys);
  auto handshake = NoiseHandshake::make({.pattern = "XX", .prologue = {}, .static_key = &*keys});
  ASSERT_TRUE(handshake);
  const auto ending = test::in_child([&] {
    byte_array<256> message;
    if (!(diffie_hellman(*keys, keys->public_key).error() == Error::forked)) return 1;
    if (!(keys->clone().error() == Error::forked)) return 2;
    // "XX" begins in the clear; the peer's answer is where the secrets come in.
    if (!(handshake->write({}, message))) return 3;
    if (!(handshake->read(bytes_view(message).first(96), message).error() == Error::forked)) return 4;
    if (!(handshake->split().error() == Error::handshake_failed)) return 5;
    return 0;
  });
  EXPECT_TRUE(ending.exited_with(0)) << ending.status;
}

TEST(Atk20, TheChildCannotSaveTheParentsKey) {
  auto keys = StaticKeys::generate();
  ASSERT_TRUE(keys);
  const auto ending = test::in_child([&] {
    if (!(keys->save("/nonexistent/key").error() == Error::forked)) return 1;
    return 0;
  });
  EXPECT_TRUE(ending.exited_with(0)) << ending.status;
}

// A thread that holds the arena's lock is not copied into the child; the lock must not stay behind.
TEST(Atk20, AForkAmidBusyThreadsLeavesTheChildAWorkingArena) {
  std::atomic<bool> stop = false;
  std::thread busy([&] {
    while (!stop) static_cast<void>(SecretSlot::allocate(64));
  });
  for (int i = 0; i < 100; ++i) {
    const auto ending = test::in_child([] { return SecretSlot::allocate(64).has_value() ? 0 : 1; });
    EXPECT_TRUE(ending.exited_with(0)) << ending.status;
  }
  stop = true;
  busy.join();
}

// The same for the locks that a thread's first large record takes: here each busy thread has its first one.
TEST(Atk20, AForkAmidFirstLargeRecordsLeavesTheChildWhatMakesThem) {
  const auto seals = [] {
    const auto key = AeadKey::make(Cipher::aes256_gcm, byte_array<32>{});
    test::Bytes record(65536);
    byte_array<tag_size> tag{};
    return key && key->seal(1, {}, record, record.data(), tag);
  };
  std::atomic<bool> stop = false;
  std::thread busy([&] {
    while (!stop) std::thread([&] { EXPECT_TRUE(seals()); }).join();
  });
  for (int i = 0; i < 100; ++i) {
    const auto ending = test::in_child([&] { return seals() ? 0 : 1; });
    EXPECT_TRUE(ending.exited_with(0)) << ending.status;
  }
  stop = true;
  busy.join();
}

}  // namespace
}  // namespace penstock::crypto
