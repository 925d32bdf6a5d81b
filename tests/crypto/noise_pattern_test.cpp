// The pattern table's names and modifiers, and the keys that each pattern asks for.
#include <gtest/gtest.h>

#include "crypto/noise.hpp"
#include "crypto/noise_patterns.hpp"

namespace penstock::crypto {
namespace {

std::vector<Token> tokens(const MessagePattern& message) {
  return {message.begin(), message.end()};
}

TEST(NoisePattern, PskModifiersStandWhereTheSpecificationPutsThem) {
  using enum Token;
  const auto psk0 = parse_pattern("NNpsk0"), both = parse_pattern("XXpsk0+psk1+psk3");
  ASSERT_TRUE(psk0 && both);
  EXPECT_EQ(tokens(psk0->messages[0]), (std::vector{psk, e}));
  EXPECT_EQ(psk0->psks, 1);
  EXPECT_EQ(tokens(both->messages[0]), (std::vector{psk, e, psk}));
  EXPECT_EQ(tokens(both->messages[1]), (std::vector{e, ee, s, es}));
  EXPECT_EQ(tokens(both->messages[2]), (std::vector{s, se, psk}));
  EXPECT_EQ(both->psks, 3);
  EXPECT_EQ(both->name, "XX");
}

TEST(NoisePattern, UnknownNamesAreRefusedWithASentence) {
  for (const char* const text :
       {"", "ZZ", "xx", "XX ", "XXpsk", "XXpsk4", "NNpsk3", "XXpsk0psk1", "XXpsk1+psk0", "XXpsk0+psk0", "XXpsk0+",
        "XXpsk+0", "XX+psk0", "XXfallback", "XXpsk-1", "XXpsk00", "psk0"}) {
    const auto parsed = parse_pattern(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error(), Error::invalid_argument);
    EXPECT_NE(parsed.error().sentence().find("no Noise pattern"), std::string_view::npos);
  }
}

TEST(NoisePattern, SaysWhichKeysEachRoleNeeds) {
  struct Row {
    const char* name;
    bool initiator_static, responder_static, initiator_told, responder_told;
  };
  for (const Row row :
       {Row{"NN", false, false, false, false}, Row{"N", false, true, true, false}, Row{"K", true, true, true, true},
        Row{"X", true, true, true, false}, Row{"XX", true, true, false, false}, Row{"NK", false, true, true, false},
        Row{"KN", true, false, false, true}, Row{"IK", true, true, true, false}, Row{"XN", true, false, false, false},
        Row{"NX", false, true, false, false}}) {
    SCOPED_TRACE(row.name);
    const auto pattern = parse_pattern(row.name);
    ASSERT_TRUE(pattern);
    EXPECT_EQ(pattern->needs_static(true), row.initiator_static);
    EXPECT_EQ(pattern->needs_static(false), row.responder_static);
    EXPECT_EQ(pattern->needs_remote_static(true), row.initiator_told);
    EXPECT_EQ(pattern->needs_remote_static(false), row.responder_told);
  }
}

// A key that is given and not used is a check that the caller believes in and that nobody makes.
TEST(NoisePattern, ExactlyTheKeysOfThePatternAreTaken) {
  const auto keys = KeyPair::generate();
  ASSERT_TRUE(keys);
  const byte_array<64> psks{};
  const auto refused = [](const NoiseConfig& config) {
    const auto made = NoiseHandshake::make(config);
    return !made && made.error() == Error::invalid_argument;
  };
  EXPECT_FALSE(refused({.pattern = "NN"}));
  EXPECT_TRUE(refused({.pattern = "NN", .static_key = &*keys}));
  EXPECT_TRUE(refused({.pattern = "NN", .remote_static = keys->public_key}));
  EXPECT_TRUE(refused({.pattern = "NN", .psks = bytes_view(psks).first(32)}));
  EXPECT_TRUE(refused({.pattern = "XX"}));
  EXPECT_FALSE(refused({.pattern = "XX", .static_key = &*keys}));
  EXPECT_TRUE(refused({.pattern = "NK"}));
  EXPECT_FALSE(refused({.pattern = "NK", .remote_static = keys->public_key}));
  EXPECT_TRUE(refused({.pattern = "NNpsk0"}));
  EXPECT_TRUE(refused({.pattern = "NNpsk0", .psks = bytes_view(psks).first(31)}));
  EXPECT_TRUE(refused({.pattern = "NNpsk0", .psks = psks}));
  EXPECT_FALSE(refused({.pattern = "NNpsk0", .psks = bytes_view(psks).first(32)}));
  EXPECT_FALSE(refused({.pattern = "NNpsk0+psk2", .psks = psks}));
}

}  // namespace
}  // namespace penstock::crypto
