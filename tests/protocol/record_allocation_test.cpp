// Sealing and opening allocate nothing, and a change of key only from the arena of secret memory.
#include <cstdlib>
#include <new>

#include "tests/protocol/record_testing.hpp"

namespace {
std::size_t allocations = 0;

void* counted(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
}  // namespace

void* operator new(std::size_t size) {
  return counted(size);
}
void* operator new[](std::size_t size) {
  return counted(size);
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  ++allocations;
  return std::malloc(size);
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
void operator delete(void* memory, const std::nothrow_t&) noexcept {
  std::free(memory);
}

namespace penstock::protocol {
namespace {

template <class Step>
std::size_t allocations_of(std::size_t rounds, Step&& step) {
  const std::size_t before = allocations;
  for (std::size_t i = 0; i < rounds; ++i) step(i);
  return allocations - before;
}

TEST(RecordAllocation, TheCounterCounts) {
  EXPECT_EQ(allocations_of(3, [](std::size_t) { delete new int; }), 3u);
}

TEST(RecordAllocation, NoneInSteadyStateNorAtAChangeOfKey) {
  for (const bool ordered : {true, false}) {
    for (const auto cipher : {crypto::Cipher::aes256_gcm, crypto::Cipher::chacha20_poly1305}) {
      if (!crypto::available(cipher)) continue;
      Direction at(ordered, {}, {}, cipher);
      const Bytes body = random_bytes(1024);
      Bytes frame(record_overhead + 1100), out(1100);
      const byte_array<8> prefix{};
      bool good = true;
      const auto exchange = [&](std::size_t i) {
        Outgoing record = message(body);
        if (i % 2 == 0) record.prefix = prefix;
        const auto sealed = at.sealer.seal(record, frame, noon);
        good = good && sealed && at.opener.open(std::span(frame).first(*sealed), out.data(), noon);
      };
      exchange(0);
      EXPECT_EQ(allocations_of(1000, exchange), 0u);
      // The arena has slots enough by now; what it cost to make them was paid by the keys of this test.
      const auto rekeyed = [&](std::size_t i) {
        at.sealer.rekey_next();
        exchange(i);
      };
      rekeyed(0);
      EXPECT_EQ(allocations_of(1000, rekeyed), 0u);
      EXPECT_TRUE(good);
      EXPECT_EQ(at.opener.epoch(), 1001u);
    }
  }
}

TEST(RecordAllocation, NoneForARefusal) {
  Direction at;
  Bytes frame = seal(at.sealer, "genuine");
  frame.back() ^= std::byte{1};
  Bytes out(100);
  bool refused = true;
  const auto attack = [&](std::size_t) { refused = refused && !at.opener.open(frame, out.data(), noon); };
  EXPECT_EQ(allocations_of(1000, attack), 0u) << "a hostile carrier must not make us work for it";
  EXPECT_TRUE(refused);
}

}  // namespace
}  // namespace penstock::protocol
