// The ring alone, with both segments in one process: what is written comes out, and what a hostile end puts into its own numbers gets
// nothing through (ATK-13). PS-SHM-05's order of loads and stores is model-checked (docs/MODEL.md).
#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <vector>

#include "transports/ring.hpp"

namespace penstock::transport {
namespace {

constexpr std::size_t capacity = smallest_ring;

struct Segment {
  SegmentHeader header{};
  std::vector<std::byte> ring = std::vector<std::byte>(capacity);
};

/// A writes, B reads. Each test may put anything into either segment.
struct Rings {
  Segment a, b;
  RingWriter writer{a.header, a.ring, b.header};
  RingReader reader{b.header, a.header, a.ring};
};

std::vector<std::byte> text(std::size_t size, unsigned seed) {
  std::vector<std::byte> out(size);
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<std::byte>(i * 7 + seed);
  return out;
}

TEST(Ring, SizesArePowersOfTwoWithinBounds) {
  EXPECT_TRUE(valid_ring_size(4096));
  EXPECT_TRUE(valid_ring_size(largest_ring));
  for (const std::uint64_t size : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{2048}, std::uint64_t{4097}, std::uint64_t{12288},
                                   std::uint64_t{2} * largest_ring, ~std::uint64_t{0}}) {
    EXPECT_FALSE(valid_ring_size(size)) << size;
  }
}

TEST(Ring, EveryByteComesOutOnceAndInOrderAcrossEveryWrap) {
  const auto rings = std::make_unique<Rings>();
  std::mt19937 random(1);
  std::vector<std::byte> in, out;
  while (in.size() < 20 * capacity) {
    const auto piece = text(1 + random() % 1500, static_cast<unsigned>(random()));
    const auto written = rings->writer.write(piece);
    ASSERT_TRUE(written);
    in.insert(in.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(*written));
    std::vector<std::byte> buffer(1 + random() % 1500);
    const auto read = rings->reader.read(buffer);
    ASSERT_TRUE(read);
    out.insert(out.end(), buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(*read));
  }
  std::vector<std::byte> rest(capacity);
  const auto read = rings->reader.read(rest);
  ASSERT_TRUE(read);
  out.insert(out.end(), rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(*read));
  EXPECT_EQ(in, out);
}

TEST(Ring, AFullRingTakesNothingAndAnEmptyOneGivesNothing) {
  const auto rings = std::make_unique<Rings>();
  EXPECT_EQ(*rings->reader.available(), 0u);
  EXPECT_EQ(*rings->writer.write(text(capacity + 1, 0)), capacity);
  EXPECT_EQ(*rings->writer.write(text(1, 0)), 0u);
  EXPECT_FALSE(*rings->writer.has_room());
  std::vector<std::byte> buffer(capacity / 2);
  EXPECT_EQ(*rings->reader.read(buffer), capacity / 2);
  EXPECT_TRUE(*rings->writer.has_room());
  EXPECT_TRUE(*rings->reader.writer_has_room());
}

TEST(Ring, WhatIsReservedIsSentByCommitAloneAndNeverWraps) {
  const auto rings = std::make_unique<Rings>();
  auto room = rings->writer.reserve(capacity - 10);
  ASSERT_EQ(room.size(), capacity - 10);
  const auto first = text(100, 3);
  std::ranges::copy(first, room.begin());
  EXPECT_EQ(*rings->reader.available(), 0u);
  rings->writer.commit(100);
  std::vector<std::byte> buffer(capacity);
  ASSERT_EQ(*rings->reader.read(buffer), 100u);
  EXPECT_TRUE(std::equal(first.begin(), first.end(), buffer.begin()));
  EXPECT_TRUE(rings->writer.reserve(capacity - 99).empty());
  EXPECT_EQ(rings->writer.reserve(capacity - 100).size(), capacity - 100);
}

// Whatever the writer claims to have written: refused, or not more than the ring holds. Every value near every edge.
TEST(Ring, Atk13AWriterThatLiesAboutWhatItHasWritten) {
  const std::uint64_t taken = 3 * capacity + 17;
  for (int start = 0; start < 2; ++start) {
    for (std::int64_t delta = -3; delta <= static_cast<std::int64_t>(2 * capacity); ++delta) {
      const auto rings = std::make_unique<Rings>();
      std::vector<std::byte> buffer(capacity);
      for (std::uint64_t done = 0; done < taken;) {
        const auto step = std::min<std::uint64_t>(capacity, taken - done);
        ASSERT_EQ(*rings->writer.write(text(step, 0)), step);
        ASSERT_EQ(*rings->reader.read(buffer), step);
        done += step;
      }
      // The second time round it has seen 40 bytes already: fewer is a lie then.
      const std::int64_t seen = start == 0 ? 0 : 40;
      if (seen != 0) {
        ASSERT_EQ(*rings->writer.write(text(40, 0)), 40u);
        ASSERT_EQ(*rings->reader.available(), 40u);
      }
      rings->a.header.written.store(taken + static_cast<std::uint64_t>(delta));
      const auto asked = rings->reader.writer_has_room();
      ASSERT_EQ(asked.has_value(), delta >= seen && delta <= static_cast<std::int64_t>(capacity)) << delta;
      if (asked) continue;
      ASSERT_EQ(asked.error(), Error::frame_malformed);
    }
  }
}

TEST(Ring, Atk13AReaderThatLiesAboutWhatItHasTaken) {
  for (std::int64_t taken = -3; taken <= static_cast<std::int64_t>(capacity) + 3; ++taken) {
    const auto rings = std::make_unique<Rings>();
    ASSERT_EQ(*rings->writer.write(text(capacity, 0)), capacity);
    std::vector<std::byte> buffer(20);
    ASSERT_EQ(*rings->reader.read(buffer), 20u);
    ASSERT_EQ(*rings->writer.taken(), 20u);
    rings->b.header.taken.store(static_cast<std::uint64_t>(taken));
    const auto written = rings->writer.write(text(capacity, 1));
    if (taken >= 20 && taken <= static_cast<std::int64_t>(capacity)) {
      ASSERT_TRUE(written) << taken;
      EXPECT_EQ(*written, static_cast<std::size_t>(taken)) << taken;
    } else if (written) {
      // What it knew of before may still be used; nothing of the lie is.
      EXPECT_EQ(*written, 20u) << taken;
      EXPECT_EQ(rings->writer.taken().error(), Error::frame_malformed);
    }
  }
}

// What was handed out and what is counted are private: changing our own published numbers changes nothing.
TEST(Ring, OurOwnNumbersAreNeverReadBack) {
  const auto rings = std::make_unique<Rings>();
  ASSERT_EQ(*rings->writer.write(text(100, 5)), 100u);
  rings->a.header.written.store(1'000'000);
  ASSERT_EQ(*rings->writer.write(text(50, 6)), 50u);
  EXPECT_EQ(rings->a.header.written.load(), 150u);
  std::vector<std::byte> buffer(150);
  ASSERT_EQ(*rings->reader.read(buffer), 150u);
  rings->b.header.taken.store(7);
  ASSERT_EQ(*rings->writer.write(text(10, 6)), 10u);
  ASSERT_EQ(*rings->reader.read(buffer), 10u);
  EXPECT_EQ(rings->b.header.taken.load(), 160u);
}

}  // namespace
}  // namespace penstock::transport
