#include "protocol/header.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <set>

namespace penstock::protocol {
namespace {

static_assert(header_size == 32 && record_overhead == 48 && max_frame_size == 65536 + 48);

using Head = byte_array<header_size>;

Head encoded(const Header& header) {
  Head bytes{};
  encode(header, bytes);
  return bytes;
}

Header plain_message() {
  return {.type = FrameType::message, .flags = 0, .handles = 0, .epoch = 0, .length = 16, .sequence = 0, .time = 0};
}

TEST(Header, GoldenBytes) {
  const Header header{.type = FrameType::request,
                      .flags = flag_more | flag_fresh,
                      .handles = 3,
                      .epoch = 0x04030201,
                      .length = 0x00010010,
                      .sequence = 0x0000665544332211,
                      .time = 0x8877665544332211};
  const std::array<unsigned char, header_size> golden = {
      0x50, 0x4E, 0x53, 0x4B, 0x01, 0x11, 0x05, 0x03, 0x01, 0x02, 0x03, 0x04, 0x10, 0x00, 0x01, 0x00,
      0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x00, 0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88};
  const Head bytes = encoded(header);
  EXPECT_EQ(0, std::memcmp(bytes.data(), golden.data(), golden.size()));
  EXPECT_EQ(header, decode(bytes).value());
}

// One byte set in a header of zeros: exactly this field has exactly this value.
TEST(Header, EveryByteOffsetBelongsToItsField) {
  for (std::size_t at = 5; at < header_size; ++at) {
    Head bytes{};
    bytes[at] = std::byte{0xA5};
    Header expected;
    if (at == 5) expected.type = static_cast<FrameType>(0xA5);
    if (at == 6) expected.flags = 0xA5;
    if (at == 7) expected.handles = 0xA5;
    if (at >= 8 && at < 12) expected.epoch = 0xA5u << (8 * (at - 8));
    if (at >= 12 && at < 16) expected.length = 0xA5u << (8 * (at - 12));
    if (at >= 16 && at < 24) expected.sequence = std::uint64_t{0xA5} << (8 * (at - 16));
    if (at >= 24) expected.time = std::uint64_t{0xA5} << (8 * (at - 24));
    EXPECT_EQ(expected, read_fields(bytes)) << "offset " << at;
  }
}

TEST(Header, EveryBitOfMagicAndEveryOtherVersionIsRefused) {
  const Head good = encoded(plain_message());
  for (std::size_t bit = 0; bit < 32; ++bit) {
    Head bytes = good;
    bytes[bit / 8] ^= std::byte(1u << (bit % 8));
    EXPECT_EQ(decode(bytes).error().code(), Error::frame_malformed) << "bit " << bit;
    EXPECT_EQ(defect_of(std::span<const std::byte, header_size>(bytes)), HeaderDefect::magic);
  }
  for (unsigned version = 0; version < 256; ++version) {
    Head bytes = good;
    bytes[4] = std::byte(version);
    const auto header = decode(bytes);
    EXPECT_EQ(header.has_value(), version == 1);
    if (version != 1) {
      EXPECT_EQ(header.error().code(), Error::version_unsupported);
    }
  }
}

struct Rule {
  std::set<unsigned> flags;
  unsigned handles;
  std::uint32_t shortest, longest;
};

// The table of docs and header.hpp once more, by hand, so that a slip in the code's own table is seen.
const std::map<unsigned, Rule>& rules() {
  static const std::set<unsigned> any = {0, 1, 2, 3, 4, 5, 6, 7}, only_fresh = {0, 4}, none = {0};
  static const std::map<unsigned, Rule> table = {{0x01, {none, 0, 1, 1024}},        {0x02, {none, 0, 16, 1040}},
                                                 {0x03, {none, 1, 16, 1040}},       {0x14, {only_fresh, 1, 16, 65552}},
                                                 {0x10, {any, 16, 16, 65552}},      {0x11, {any, 16, 16, 65552}},
                                                 {0x12, {any, 16, 16, 65552}},      {0x13, {only_fresh, 0, 16, 1040}},
                                                 {0x20, {only_fresh, 0, 16, 1040}}, {0x2F, {only_fresh, 0, 16, 1040}}};
  return table;
}

TEST(Header, EveryCombinationOfTypeFlagsAndHandles) {
  std::size_t admitted = 0;
  for (unsigned type = 0; type < 256; ++type) {
    const auto rule = rules().find(type);
    for (unsigned flags = 0; flags < 256; ++flags) {
      for (const unsigned handles : {0u, 1u, 2u, 15u, 16u, 17u, 18u, 127u, 128u, 255u}) {
        Header header = plain_message();
        header.type = static_cast<FrameType>(type);
        header.flags = static_cast<std::uint8_t>(flags);
        if (header.type == FrameType::segment) header.sequence = 1;
        header.handles = static_cast<std::uint8_t>(handles);
        if ((flags & flag_fresh) != 0) header.epoch = 1;
        const bool expected =
            rule != rules().end() && rule->second.flags.contains(flags) && handles <= rule->second.handles;
        const auto decoded = decode(encoded(header));
        ASSERT_EQ(decoded.has_value(), expected) << "type " << type << " flags " << flags << " handles " << handles;
        if (expected) {
          ASSERT_EQ(*decoded, header);
          ++admitted;
        } else {
          ASSERT_EQ(decoded.error().code(), Error::frame_malformed);
        }
      }
    }
  }
  // 3 types × 8 flags × 5 counts, 3 × 2 × 1, buffer 2 × 2, segment 1 × 2, and handshake and confirm.
  EXPECT_EQ(admitted, 3u * 8 * 5 + 3 * 2 + 2 * 2 + 2 + 2);
}

TEST(Header, LengthBoundsOfEachType) {
  for (const auto& [type, rule] : rules()) {
    const auto error_at = [value = type](std::uint32_t length) {
      Header header = plain_message();
      header.type = static_cast<FrameType>(value);
      if (header.type == FrameType::segment) header.sequence = 1;
      header.length = length;
      const auto decoded = decode(encoded(header));
      return decoded ? Error::none : decoded.error().code();
    };
    EXPECT_EQ(error_at(rule.shortest), Error::none) << type;
    EXPECT_EQ(error_at(rule.longest), Error::none) << type;
    EXPECT_EQ(error_at(rule.shortest - 1), Error::frame_malformed) << type;
    EXPECT_EQ(error_at(0), Error::frame_malformed) << type;
    EXPECT_EQ(error_at(rule.longest + 1), Error::frame_too_large) << type;
    EXPECT_EQ(error_at(0x80000000), Error::frame_too_large) << type;
    EXPECT_EQ(error_at(0xFFFFFFFF), Error::frame_too_large) << type;
  }
}

TEST(Header, EpochAndSequenceThatCannotBe) {
  const auto defect = [](FrameType type, std::uint32_t epoch, std::uint64_t sequence, std::uint8_t flags = 0) {
    Header header = plain_message();
    header.type = type;
    header.flags = flags;
    header.epoch = epoch;
    header.sequence = sequence;
    return defect_of(header);
  };
  EXPECT_EQ(defect(FrameType::message, 0xFFFFFFFF, max_records - 1), HeaderDefect::none);
  EXPECT_EQ(defect(FrameType::message, 0, max_records), HeaderDefect::position);
  EXPECT_EQ(defect(FrameType::message, 0, ~std::uint64_t{0}), HeaderDefect::position);
  EXPECT_EQ(defect(FrameType::handshake, 0, 2), HeaderDefect::none);
  EXPECT_EQ(defect(FrameType::handshake, 1, 0), HeaderDefect::position);
  EXPECT_EQ(defect(FrameType::confirm, 0, 0), HeaderDefect::none);
  EXPECT_EQ(defect(FrameType::confirm, 1, 0), HeaderDefect::position);
  EXPECT_EQ(defect(FrameType::confirm, 0, 1), HeaderDefect::position);
  EXPECT_EQ(defect(FrameType::segment, 0, 1), HeaderDefect::none);
  EXPECT_EQ(defect(FrameType::segment, 1, 1), HeaderDefect::position);
  EXPECT_EQ(defect(FrameType::segment, 0, 0), HeaderDefect::position);
  EXPECT_EQ(defect(FrameType::segment, 0, 2), HeaderDefect::position);
  EXPECT_EQ(defect(FrameType::message, 0, 5, flag_fresh), HeaderDefect::fresh_first);
  EXPECT_EQ(defect(FrameType::message, 1, 5, flag_fresh), HeaderDefect::none);
}

// Everything is wrong; each mend lets the header reach the next rung.
TEST(Header, TheLadderNamesTheFirstRung) {
  Header header{.type = static_cast<FrameType>(0x77),
                .flags = 0xF5,
                .handles = 200,
                .epoch = 0,
                .length = 3,
                .sequence = max_records,
                .time = 0};
  Head bytes = encoded(header);
  bytes[0] ^= std::byte{1};
  bytes[4] = std::byte{9};
  const auto defect = [&] { return defect_of(std::span<const std::byte, header_size>(bytes)); };
  EXPECT_EQ(defect(), HeaderDefect::magic);
  bytes[0] ^= std::byte{1};
  EXPECT_EQ(defect(), HeaderDefect::version);
  bytes[4] = std::byte{1};
  EXPECT_EQ(defect(), HeaderDefect::type);
  header.type = FrameType::cancel;
  EXPECT_EQ(defect_of(header), HeaderDefect::flags_unknown);
  header.flags = flag_more | flag_fresh;
  EXPECT_EQ(defect_of(header), HeaderDefect::flags_of_type);
  header.flags = flag_fresh;
  EXPECT_EQ(defect_of(header), HeaderDefect::handles_count);
  header.handles = 1;
  EXPECT_EQ(defect_of(header), HeaderDefect::handles_of_type);
  header.handles = 0;
  EXPECT_EQ(defect_of(header), HeaderDefect::fresh_first);
  header.epoch = 1;
  EXPECT_EQ(defect_of(header), HeaderDefect::position);
  header.sequence = 0;
  EXPECT_EQ(defect_of(header), HeaderDefect::length_short);
  header.length = 1041;
  EXPECT_EQ(defect_of(header), HeaderDefect::length_long);
  header.length = 1040;
  EXPECT_EQ(defect_of(header), HeaderDefect::none);
}

TEST(Header, NamesOfTypes) {
  EXPECT_STREQ(to_string(FrameType::handshake), "handshake");
  EXPECT_STREQ(to_string(FrameType::close), "close");
  EXPECT_STREQ(to_string(static_cast<FrameType>(0)), "unknown");
}

}  // namespace
}  // namespace penstock::protocol
