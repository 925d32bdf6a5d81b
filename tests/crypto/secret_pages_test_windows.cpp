// What Windows says of secret memory: guarded, and locked.
#include "crypto/secret_pages.hpp"

#include <gtest/gtest.h>
#include <windows.h>

#include <set>
#include <vector>

#include "crypto/secret.hpp"

namespace penstock::crypto {
namespace {

MEMORY_BASIC_INFORMATION about(std::uintptr_t address) {
  MEMORY_BASIC_INFORMATION information{};
  EXPECT_NE(::VirtualQuery(reinterpret_cast<const void*>(address), &information, sizeof information), 0u);
  return information;
}

TEST(SecretPages, AreGuardedOnBothSides) {
  ASSERT_TRUE(initialise());
  const auto chunk = map_secret_chunk();
  ASSERT_TRUE(chunk) << chunk.error().sentence();
  const auto start = reinterpret_cast<std::uintptr_t>(*chunk);
  EXPECT_EQ(start % 4096, 0u);
  EXPECT_EQ(about(start).Protect, unsigned{PAGE_READWRITE});
  EXPECT_EQ(about(start + secret_chunk_size - 1).Protect, unsigned{PAGE_READWRITE});
  EXPECT_EQ(about(start + secret_chunk_size).Protect, unsigned{PAGE_NOACCESS});
  // Before the chunk: the page that ends in sodium_malloc's canary, then the guard.
  EXPECT_EQ(about(start - 4096 - 1).Protect, unsigned{PAGE_NOACCESS});
}

// VirtualUnlock fails for what is not locked. Wine locks with mlock(2) and says yes to every unlock: there it shows
// nothing.
TEST(SecretPages, AreLockedWhateverTheirNumber) {
  ASSERT_TRUE(initialise());
  std::vector<std::byte*> chunks;
  // More than the working set of 200 KiB that a process begins with: it has to grow.
  for (int i = 0; i < 32; ++i) {
    const auto chunk = map_secret_chunk();
    ASSERT_TRUE(chunk) << chunk.error().sentence();
    chunks.push_back(*chunk);
  }
  for (auto* chunk : chunks) {
    EXPECT_TRUE(::VirtualUnlock(chunk, secret_chunk_size)) << ::GetLastError();
    EXPECT_TRUE(::VirtualLock(chunk, secret_chunk_size)) << ::GetLastError();
  }
}

TEST(SecretPages, AThousandChannelsHaveTheirKeys) {
  std::vector<SecretSlot> slots;
  for (int i = 0; i < 2000; ++i) {
    auto slot = SecretSlot::allocate(512);
    ASSERT_TRUE(slot) << slot.error().sentence();
    slots.push_back(std::move(*slot));
  }
}

}  // namespace
}  // namespace penstock::crypto
