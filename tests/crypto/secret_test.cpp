// Secret memory as its users see it.
#include "crypto/secret.hpp"

#include <gtest/gtest.h>

#include <set>
#include <thread>
#include <vector>

#include "tests/crypto/hex.hpp"

namespace penstock::crypto {
namespace {

bool all(bytes_view bytes, std::byte value) {
  return std::ranges::all_of(bytes, [&](std::byte byte) { return byte == value; });
}

TEST(SecretSlot, IsZeroedAlignedAndOfTheSizeAskedFor) {
  for (const std::size_t size : {1u, 32u, 64u, 65u, 128u, 256u, 257u, 512u, 544u, 576u, 577u, 1024u}) {
    auto slot = SecretSlot::allocate(size);
    ASSERT_TRUE(slot) << size;
    EXPECT_EQ(slot->bytes().size(), size);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(slot->bytes().data()) % 64, 0u);
    EXPECT_TRUE(all(slot->bytes(), std::byte{0}));
    EXPECT_TRUE(slot->alive());
  }
}

TEST(SecretSlot, RefusesWhatNoSlotHolds) {
  EXPECT_EQ(SecretSlot::allocate(0).error(), Error::invalid_argument);
  EXPECT_EQ(SecretSlot::allocate(1025).error(), Error::invalid_argument);
  EXPECT_FALSE(SecretSlot().alive());
}

// The page stays ours after reset(), so a stale view shows what became of the bytes.
TEST(SecretSlot, IsZeroAfterResetDestructionAndAssignment) {
  const auto fill = [](SecretSlot& slot) { std::ranges::fill(slot.bytes(), std::byte{0x5a}); };
  auto slot = SecretSlot::allocate(512);
  ASSERT_TRUE(slot);
  const bytes_view reset_view = slot->bytes();
  fill(*slot);
  slot->reset();
  EXPECT_TRUE(all(reset_view, std::byte{0}));
  EXPECT_FALSE(slot->valid());
  EXPECT_FALSE(slot->alive());

  bytes_view destroyed_view;
  {
    auto brief = SecretSlot::allocate(512);
    ASSERT_TRUE(brief);
    destroyed_view = brief->bytes();
    fill(*brief);
  }
  EXPECT_TRUE(all(destroyed_view, std::byte{0}));

  auto target = SecretSlot::allocate(512);
  auto source = SecretSlot::allocate(512);
  ASSERT_TRUE(target && source);
  const bytes_view overwritten_view = target->bytes();
  fill(*target);
  std::ranges::fill(source->bytes(), std::byte{0x77});
  *target = std::move(*source);
  EXPECT_TRUE(all(overwritten_view, std::byte{0}));
  EXPECT_TRUE(all(target->bytes(), std::byte{0x77}));
  EXPECT_FALSE(source->valid());
}

// Two thousand keys of a thousand channels, all different memory.
TEST(SecretSlot, SlotsNeverOverlap) {
  std::vector<SecretSlot> slots;
  std::set<const std::byte*> starts;
  for (unsigned i = 0; i < 2000; ++i) {
    auto slot = SecretSlot::allocate(512);
    ASSERT_TRUE(slot);
    std::ranges::fill(slot->bytes(), static_cast<std::byte>(i));
    starts.insert(slot->bytes().data());
    slots.push_back(std::move(*slot));
  }
  ASSERT_EQ(starts.size(), slots.size());
  for (unsigned i = 0; i < slots.size(); ++i) ASSERT_TRUE(all(slots[i].bytes(), static_cast<std::byte>(i)));
  for (auto at = starts.begin(); std::next(at) != starts.end(); ++at) ASSERT_GE(*std::next(at) - *at, 512);
}

// Also run under ThreadSanitizer. Each thread finds zeros, writes its own pattern and finds that again.
TEST(SecretSlot, ThreadsDoNotShareSlots) {
  constexpr unsigned threads = 4, rounds = 4000;
  std::vector<unsigned> wrong(threads);
  std::vector<std::thread> running;
  for (unsigned id = 0; id < threads; ++id) {
    running.emplace_back([&wrong, id] {
      std::vector<SecretSlot> held(16);
      const auto pattern = static_cast<std::byte>(id + 1);
      for (unsigned round = 0; round < rounds; ++round) {
        auto& place = held[(round * 7 + id) % held.size()];
        if (place.valid() && !all(place.bytes(), pattern)) ++wrong[id];
        auto slot = SecretSlot::allocate(1 + (round * 37) % 1024);
        if (!slot || !all(slot->bytes(), std::byte{0})) {
          ++wrong[id];
          continue;
        }
        std::ranges::fill(slot->bytes(), pattern);
        place = std::move(*slot);
      }
    });
  }
  for (auto& thread : running) thread.join();
  EXPECT_EQ(wrong, std::vector<unsigned>(threads));
}

TEST(Secret, RandomAndCopy) {
  auto first = Secret<32>::random(), second = Secret<32>::random();
  ASSERT_TRUE(first && second);
  EXPECT_FALSE(equal_secret(first->bytes(), second->bytes()));
  EXPECT_FALSE(all(first->bytes(), std::byte{0}));
  auto copy = Secret<32>::copy_of(first->bytes());
  ASSERT_TRUE(copy);
  EXPECT_TRUE(equal_secret(first->bytes(), copy->bytes()));
  EXPECT_NE(first->bytes().data(), copy->bytes().data());
  EXPECT_FALSE(equal_secret(first->bytes(), bytes_view(first->bytes()).first(31)));
}

}  // namespace
}  // namespace penstock::crypto
