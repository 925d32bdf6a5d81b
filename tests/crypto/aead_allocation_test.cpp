// Sealing and opening a record allocates nothing. In an executable of its own: it replaces operator new for all of it.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "crypto/aead.hpp"
#include "tests/crypto/hex.hpp"

namespace {
std::atomic<std::size_t> allocations = 0;

void* counted(std::size_t size) {
  ++allocations;
  if (void* const memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
}  // namespace

void* operator new(std::size_t size) {
  return counted(size);
}
void* operator new[](std::size_t size) {
  return counted(size);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace penstock::crypto {
namespace {

TEST(AeadAllocation, TheCounterCounts) {
  const auto before = allocations.load();
  const auto bytes = test::counting(100);
  EXPECT_GT(allocations.load(), before);
}

TEST(AeadAllocation, SealAndOpenAllocateNothing) {
  for (const auto cipher : {Cipher::aes256_gcm, Cipher::chacha20_poly1305}) {
    auto key = AeadKey::make(cipher, byte_array<32>{});
    ASSERT_TRUE(key);
    test::Bytes record = test::counting(4096);
    byte_array<tag_size> tag{};
    bool right = true;
    const auto before = allocations.load();
    for (std::uint64_t nonce = 0; nonce < 1000; ++nonce) {
      right = right && key->seal(nonce, as_bytes("header"), record, record.data(), tag);
      right = right && key->open(nonce, as_bytes("header"), record, tag, record.data());
      right = right && key->open(nonce, as_bytes("other"), {}, tag, nullptr).error() == Error::record_forged;
    }
    EXPECT_EQ(allocations.load(), before);
    EXPECT_TRUE(right);
  }
}

}  // namespace
}  // namespace penstock::crypto
