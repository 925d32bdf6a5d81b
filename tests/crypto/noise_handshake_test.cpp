// Handshakes that must not succeed: other keys, other prologues, changed bytes, hostile points, and misuse.
#include <gtest/gtest.h>

#include "crypto/noise.hpp"
#include "tests/crypto/hex.hpp"
#include "tests/crypto/print.hpp"

namespace penstock::crypto {
namespace {

struct Ends {
  NoiseHandshake initiator, responder;
};

struct Setting {
  std::string_view pattern = "XX";
  test::Bytes initiator_prologue = test::counting(40), responder_prologue = test::counting(40);
  test::Bytes initiator_psks{}, responder_psks{};
  bool static_keys = true;
};

Ends make_ends(const Setting& setting) {
  auto one = KeyPair::generate(), other = KeyPair::generate();
  auto initiator = NoiseHandshake::make({.pattern = setting.pattern,
                                         .prologue = setting.initiator_prologue,
                                         .static_key = setting.static_keys ? &*one : nullptr,
                                         .psks = setting.initiator_psks});
  auto responder = NoiseHandshake::make({.pattern = setting.pattern,
                                         .initiator = false,
                                         .prologue = setting.responder_prologue,
                                         .static_key = setting.static_keys ? &*other : nullptr,
                                         .psks = setting.responder_psks});
  return {std::move(initiator).value(), std::move(responder).value()};
}

// Runs until one side refuses; `change` may alter each message on its way. Answers the error, or none.
template <class Change>
Error run(Ends& ends, Change change) {
  for (int number = 0; !ends.initiator.finished() || !ends.responder.finished(); ++number) {
    auto& writer = number % 2 == 0 ? ends.initiator : ends.responder;
    auto& reader = number % 2 == 0 ? ends.responder : ends.initiator;
    test::Bytes message(256), payload(256);
    const auto size = writer.write(as_bytes("hello"), message);
    if (!size) return size.error().code();
    message.resize(*size);
    change(number, message);
    const auto got = reader.read(message, payload);
    if (!got) return got.error().code();
    if (as_text(bytes_view(payload).first(*got)) != "hello") return Error::internal;
  }
  return Error::none;
}

constexpr auto unchanged = [](int, test::Bytes&) {};

// After a failure nothing works any more, and nothing is left to split.
void expect_dead(NoiseHandshake& handshake) {
  byte_array<512> buffer{};
  EXPECT_FALSE(handshake.finished());
  EXPECT_FALSE(handshake.writes_next());
  EXPECT_EQ(handshake.write({}, buffer).error(), Error::handshake_failed);
  EXPECT_EQ(handshake.read(bytes_view(buffer).first(48), bytes_span(buffer).last(48)).error(), Error::handshake_failed);
  EXPECT_EQ(handshake.split().error(), Error::handshake_failed);
  EXPECT_FALSE(handshake.remote_static());
}

TEST(NoiseHandshake, BothEndsLearnTheOthersKeyAndTheSameHash) {
  auto ends = make_ends({});
  EXPECT_TRUE(ends.initiator.writes_next());
  EXPECT_FALSE(ends.responder.writes_next());
  EXPECT_FALSE(ends.initiator.remote_static());
  ASSERT_EQ(run(ends, unchanged), Error::none);
  auto one = ends.initiator.split(), other = ends.responder.split();
  ASSERT_TRUE(one && other);
  EXPECT_EQ(one->hash, other->hash);
  EXPECT_EQ(one->hash_size, 32u);
  EXPECT_TRUE(ends.initiator.remote_static() && ends.responder.remote_static());

  byte_array<tag_size> tag{};
  ASSERT_TRUE(one->initiator_to_responder.seal(0, {}, {}, nullptr, tag));
  EXPECT_TRUE(other->initiator_to_responder.open(0, {}, {}, tag, nullptr));
  EXPECT_EQ(other->responder_to_initiator.open(0, {}, {}, tag, nullptr).error(), Error::record_forged);

  // The keys are handed out once.
  EXPECT_EQ(ends.initiator.split().error(), Error::handshake_failed);
  EXPECT_TRUE(ends.initiator.finished());
}

TEST(NoiseHandshake, AnyDifferenceInThePrologueEndsIt) {
  Setting setting;
  setting.responder_prologue[39] ^= std::byte{1};
  auto ends = make_ends(setting);
  EXPECT_EQ(run(ends, unchanged), Error::handshake_failed);
  expect_dead(ends.initiator);
}

TEST(NoiseHandshake, TheLaunchSecretMustBeTheSame) {
  Setting setting{.pattern = "NNpsk0", .static_keys = false};
  setting.initiator_psks = setting.responder_psks = test::counting(32);
  auto same = make_ends(setting);
  EXPECT_EQ(run(same, unchanged), Error::none);
  for (std::size_t bit : {0u, 100u, 255u}) {
    setting.responder_psks = setting.initiator_psks;
    setting.responder_psks[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
    auto ends = make_ends(setting);
    EXPECT_EQ(run(ends, unchanged), Error::handshake_failed) << bit;
    expect_dead(ends.responder);
  }
}

TEST(NoiseHandshake, SeveralPsksAreUsedInOrder) {
  Setting setting{.pattern = "XXpsk0+psk3"};
  setting.initiator_psks = setting.responder_psks = test::counting(64);
  auto same = make_ends(setting);
  EXPECT_EQ(run(same, unchanged), Error::none);
  std::rotate(setting.responder_psks.begin(), setting.responder_psks.begin() + 32, setting.responder_psks.end());
  auto swapped = make_ends(setting);
  EXPECT_EQ(run(swapped, unchanged), Error::handshake_failed);
  setting.responder_psks = setting.initiator_psks;
  setting.responder_psks.back() ^= std::byte{1};
  auto second_differs = make_ends(setting);
  EXPECT_EQ(run(second_differs, unchanged), Error::handshake_failed);
}

// Every byte of every message, in turn, and every truncation.
TEST(NoiseHandshake, NoChangedMessageEverLeadsToKeys) {
  const std::array<std::size_t, 3> sizes = {32 + 5, 32 + 48 + 16 + 5, 48 + 16 + 5};
  for (int message = 0; message < 3; ++message) {
    for (std::size_t at = 0; at < sizes[static_cast<std::size_t>(message)]; ++at) {
      auto flipped = make_ends({});
      EXPECT_NE(run(flipped,
                    [&](int number, test::Bytes& bytes) {
                      if (number == message) bytes.at(at) ^= std::byte{0x40};
                    }),
                Error::none)
          << message << ", " << at;
      auto cut = make_ends({});
      EXPECT_NE(run(cut,
                    [&](int number, test::Bytes& bytes) {
                      if (number == message) bytes.resize(at);
                    }),
                Error::none)
          << message << ", " << at;
    }
  }
}

TEST(NoiseHandshake, ALowOrderEphemeralKeyEndsItOnEitherSide) {
  for (const int message : {0, 1}) {
    auto ends = make_ends({});
    const auto hostile = [&](int number, test::Bytes& bytes) {
      if (number == message) std::fill_n(bytes.begin(), 32, std::byte{0});
    };
    EXPECT_EQ(run(ends, hostile), Error::handshake_failed);
    expect_dead(message == 0 ? ends.responder : ends.initiator);
  }
}

TEST(NoiseHandshake, OutOfTurnTooSmallAndTooLongEndIt) {
  test::Bytes large(70000);
  byte_array<31> small{};
  EXPECT_EQ(make_ends({}).initiator.read(large, large).error(), Error::handshake_malformed);
  EXPECT_EQ(make_ends({}).responder.write({}, large).error(), Error::handshake_malformed);
  EXPECT_EQ(make_ends({}).initiator.write({}, small).error(), Error::handshake_malformed);
  EXPECT_EQ(make_ends({}).initiator.write(bytes_view(large).first(65535), large).error(), Error::handshake_malformed);
  EXPECT_EQ(make_ends({}).responder.read(bytes_view(large).first(31), large).error(), Error::handshake_malformed);
  EXPECT_EQ(make_ends({}).responder.read(bytes_view(large).first(65536), large).error(), Error::handshake_malformed);
  EXPECT_EQ(make_ends({}).responder.read(bytes_view(large).first(64), small).error(), Error::handshake_malformed);
  EXPECT_EQ(make_ends({}).initiator.split().error(), Error::handshake_malformed);

  auto ends = make_ends({});
  ASSERT_FALSE(ends.initiator.split());
  expect_dead(ends.initiator);
  auto moved = std::move(ends.responder);
  EXPECT_EQ(ends.responder.write({}, large).error(), Error::handshake_failed);
  EXPECT_EQ(moved.overhead(), 32u);
}

}  // namespace
}  // namespace penstock::crypto
