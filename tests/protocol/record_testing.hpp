// Two ends of one direction, and a hostile peer that knows the key, for the tests of records.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>
#include <random>
#include <string_view>
#include <vector>

#include "protocol/record.hpp"

namespace penstock {
inline void PrintTo(Error error, std::ostream* out) {
  *out << error_name(error);
}
}  // namespace penstock

namespace penstock::protocol {

/// Puts counters where a test could not count to.
struct RecordProbe {
  static void sequence(Sealer& sealer, std::uint64_t value) { sealer.sequence_ = value; }
  static void epoch(Sealer& sealer, std::uint32_t value) { sealer.epoch_ = value; }
  static void used(Sealer& sealer, std::uint64_t records, std::uint64_t bytes) {
    sealer.epoch_records_ = records;
    sealer.epoch_bytes_ = bytes;
  }
  static void sequence(Opener& opener, std::uint64_t value) { opener.next_ = value; }
  static void epoch(Opener& opener, std::uint32_t value) { opener.epoch_ = value; }
  static void used(Opener& opener, std::uint64_t records, std::uint64_t bytes) {
    opener.epoch_records_ = records;
    opener.epoch_bytes_ = bytes;
  }
};

using Bytes = std::vector<std::byte>;

inline constexpr std::uint64_t second = 1'000'000'000;
inline constexpr std::uint64_t noon = 1'000'000 * second;  ///< the time of most tests

inline crypto::AeadKey test_key(crypto::Cipher cipher = crypto::Cipher::chacha20_poly1305, unsigned seed = 1) {
  byte_array<32> raw;
  std::ranges::fill(raw, static_cast<std::byte>(seed));
  return crypto::AeadKey::make(cipher, raw).value();
}

inline byte_array<32> test_secret(unsigned seed) {
  byte_array<32> raw;
  for (std::size_t i = 0; i < raw.size(); ++i) raw[i] = static_cast<std::byte>(seed >> (8 * (i % 4)));
  return raw;
}

inline Bytes random_bytes(std::size_t size, unsigned seed = 7) {
  std::mt19937 generator(seed);
  Bytes bytes(size);
  for (auto& byte : bytes) byte = static_cast<std::byte>(generator());
  return bytes;
}

inline Outgoing message(bytes_view body) {
  Outgoing record;
  record.type = FrameType::message;
  record.body = body;
  return record;
}
inline Outgoing message(std::string_view text) {
  return message(as_bytes(text));
}

inline result<Bytes> try_seal(Sealer& sealer, const Outgoing& record, std::uint64_t now = noon) {
  Bytes frame(record_overhead + record.prefix.size() + record.body.size());
  const auto size = sealer.seal(record, frame, now);
  if (!size) return size.error();
  frame.resize(*size);
  return frame;
}

inline Bytes seal(Sealer& sealer, std::string_view text, std::uint64_t now = noon) {
  return try_seal(sealer, message(text), now).value();
}

/// The payload, or why not. Whatever is refused must leave `out` without plaintext.
inline result<Bytes> open(Opener& opener, bytes_view frame, std::uint64_t now = noon) {
  Bytes out(frame.size());
  const auto opened = opener.open(frame, out.data(), now);
  if (!opened) {
    EXPECT_TRUE(std::ranges::all_of(out, [](auto byte) { return byte == std::byte{}; }))
        << "a refused record left bytes";
    return opened.error();
  }
  return Bytes(opened->payload.begin(), opened->payload.end());
}

inline Error open_error(Opener& opener, bytes_view frame, std::uint64_t now = noon) {
  const auto opened = open(opener, frame, now);
  return opened ? Error::none : opened.error().code();
}

inline std::string_view text_of(const Bytes& bytes) {
  return as_text(bytes);
}

/// What a hostile peer that holds the key can make: any header over any payload, with a tag that verifies.
inline Bytes craft(const crypto::AeadKey& key, Header header, std::string_view text = "crafted") {
  Bytes frame(record_overhead + text.size());
  header.length = static_cast<std::uint32_t>(text.size() + crypto::tag_size);
  const auto head = std::span(frame).first<header_size>();
  encode(header, head);
  EXPECT_TRUE(key.seal(header.sequence, head, as_bytes(text), frame.data() + header_size,
                       std::span(frame).last<crypto::tag_size>()));
  return frame;
}

inline Header message_header(std::uint64_t sequence, std::uint32_t epoch = 0, std::uint8_t flags = 0,
                             std::uint64_t time = noon) {
  return {.type = FrameType::message,
          .flags = flags,
          .handles = 0,
          .epoch = epoch,
          .length = 0,
          .sequence = sequence,
          .time = time};
}

/// Both ends of one direction.
struct Direction {
  explicit Direction(bool ordered = true, RekeyPolicy policy = {}, Limits limits = {},
                     crypto::Cipher cipher = crypto::Cipher::chacha20_poly1305)
      : sealer(test_key(cipher), policy), opener(test_key(cipher), ordered, limits) {}
  Sealer sealer;
  Opener opener;
};

}  // namespace penstock::protocol
