// The cut of a Windows pipe's byte stream: whatever a hostile peer writes into a head, and wherever a read may end.
#include "transports/segments.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace penstock::transport {
namespace {

using Bytes = std::vector<std::byte>;

Bytes head(std::size_t length, const std::vector<std::uint64_t>& handles = {}) {
  std::array<std::byte, segment_head_size> out;
  const auto size = encode_segment_head(length, handles, out);
  return {out.begin(), out.begin() + static_cast<std::ptrdiff_t>(size)};
}

/// Feeds what is missing, at most `step` bytes at a time.
result<void> feed(SegmentReader& reader, const Bytes& bytes, std::size_t step = 1000) {
  std::size_t at = 0;
  while (at < bytes.size() && reader.missing() != 0) {
    const auto size = std::min({step, reader.missing(), bytes.size() - at});
    if (auto fed = reader.feed(std::span(bytes).subspan(at, size)); !fed) return fed;
    at += size;
  }
  EXPECT_EQ(at, bytes.size());
  return {};
}

TEST(Segments, AHeadIsExactlyAsThePageSays) {
  const Bytes want{std::byte{0x02}, std::byte{0x01}, {}, {}, std::byte{2}, {}, {}, {},
                   std::byte{0x44}, std::byte{0x33}, {}, {}, {}, {}, {}, {},
                   std::byte{0x08}, {}, {}, {}, {}, {}, {}, std::byte{0x80}};
  EXPECT_EQ(head(0x102, {0x3344, 0x8000000000000008}), want);
  EXPECT_EQ(segment_head_size, 8u + 8 * max_handles_per_message);
}

TEST(Segments, WhereverAReadEndsTheSameComesOut) {
  std::vector<std::uint64_t> handles;
  for (std::size_t count = 0; count <= max_handles_per_message; ++count) {
    const auto bytes = head(77, handles);
    for (std::size_t step = 1; step <= bytes.size(); ++step) {
      SegmentReader reader;
      for (int segment = 0; segment < 2; ++segment) {
        ASSERT_TRUE(feed(reader, bytes, step));
        ASSERT_EQ(reader.missing(), 0u);
        ASSERT_EQ(reader.payload(), 77u);
        const auto taken = reader.take_handles();
        ASSERT_EQ(std::vector<std::uint64_t>(taken.begin(), taken.end()), handles);
        ASSERT_TRUE(reader.take_handles().empty()) << "each is taken once";
        reader.take(70);
        ASSERT_EQ(reader.payload(), 7u);
        reader.take(7);
        ASSERT_EQ(reader.payload(), 0u);
        ASSERT_EQ(reader.missing(), segment_header_size);
      }
    }
    handles.push_back(4 * (count + 1));
  }
}

TEST(Segments, NoBodyBeforeTheWholeHead) {
  SegmentReader reader;
  const auto bytes = head(5, {8});
  for (std::size_t at = 0; at + 1 < bytes.size(); ++at) {
    ASSERT_TRUE(reader.feed(std::span(bytes).subspan(at, 1)));
    EXPECT_EQ(reader.payload(), 0u) << at;
    EXPECT_TRUE(reader.take_handles().empty()) << at;
  }
}

TEST(Segments, HostileHeadsAreRefusedBeforeABodyIsRead) {
  const auto refused = [](const Bytes& bytes) {
    SegmentReader reader;
    const auto fed = feed(reader, bytes);
    return fed ? Error::none : fed.error().code();
  };
  EXPECT_EQ(refused(head(1)), Error::none);
  EXPECT_EQ(refused(head(largest_segment)), Error::none);
  EXPECT_EQ(refused(head(0)), Error::frame_malformed);
  EXPECT_EQ(refused(head(largest_segment + 1)), Error::frame_malformed);
  EXPECT_EQ(refused(head(0x80000000)), Error::frame_malformed);
  EXPECT_EQ(refused(head(0xFFFFFFFF)), Error::frame_malformed);
  for (std::size_t at = 5; at < 8; ++at) {
    auto bytes = head(1);
    bytes[at] = std::byte{1};
    EXPECT_EQ(refused(bytes), Error::frame_malformed) << at;
  }
  for (const int count : {17, 18, 64, 255}) {
    auto bytes = head(1);
    bytes[4] = static_cast<std::byte>(count);
    EXPECT_EQ(refused(bytes), Error::handles_limit) << count;
  }
}

}  // namespace
}  // namespace penstock::transport
