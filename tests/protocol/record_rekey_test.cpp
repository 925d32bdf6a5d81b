// Changes of key: by count, bytes and age, on demand, with and without a fresh secret.
#include "tests/protocol/record_testing.hpp"

namespace penstock::protocol {
namespace {

RekeyPolicy policy(std::uint64_t records, std::uint64_t bytes = ~std::uint64_t{0},
                   std::int64_t age = 1'000'000'000'000) {
  RekeyPolicy made;
  made.records = records;
  made.bytes = bytes;
  made.age = std::chrono::seconds(age);
  return made;
}

std::uint32_t epoch_of(const Bytes& frame) {
  return read_fields(std::span(frame).first<header_size>()).epoch;
}

TEST(Rekey, ByCount) {
  Direction at(true, policy(3));
  for (std::uint32_t i = 0; i < 30; ++i) {
    const Bytes frame = seal(at.sealer, "x");
    EXPECT_EQ(epoch_of(frame), i / 3);
    EXPECT_EQ(open_error(at.opener, frame), Error::none);
    EXPECT_EQ(at.opener.epoch(), i / 3);
    EXPECT_EQ(at.opener.expected(), i + 1u) << "numbers run on across epochs";
  }
}

TEST(Rekey, ByBytes) {
  Direction at(true, policy(1000, 10));
  const std::string_view texts[] = {"12345", "12345", "1", "1234567890", "", "x", "longer than ten", "", "y"};
  const std::uint32_t epochs[] = {0, 0, 1, 2, 2, 3, 4, 5, 5};
  for (std::size_t i = 0; i < std::size(texts); ++i) {
    const Bytes frame = seal(at.sealer, texts[i]);
    EXPECT_EQ(epoch_of(frame), epochs[i]) << i;
    EXPECT_EQ(open_error(at.opener, frame), Error::none);
  }
}

TEST(Rekey, ByAgeCountedFromTheFirstRecordOfAnEpoch) {
  Direction at(true, policy(1000, ~std::uint64_t{0}, 10));
  const std::uint64_t times[] = {noon,
                                 noon + 10 * second - 1,
                                 noon + 10 * second,
                                 noon + 15 * second,
                                 noon + 20 * second - 1,
                                 noon + 20 * second,
                                 noon + 19 * second,
                                 noon + 500 * second};
  const std::uint32_t epochs[] = {0, 0, 1, 1, 1, 2, 2, 3};
  for (std::size_t i = 0; i < std::size(times); ++i) {
    const Bytes frame = seal(at.sealer, "x", times[i]);
    EXPECT_EQ(epoch_of(frame), epochs[i]) << i;
    EXPECT_EQ(open_error(at.opener, frame, times[i]), Error::none);
  }
}

TEST(Rekey, ThePolicyIsClampedToWhatAKeyMayCarry) {
  Direction at(true, policy(~std::uint64_t{0}));
  RecordProbe::used(at.sealer, max_epoch_records - 1, 0);
  EXPECT_EQ(epoch_of(seal(at.sealer, "x")), 0u);
  EXPECT_EQ(epoch_of(seal(at.sealer, "x")), 1u);
  RecordProbe::used(at.sealer, 1, max_epoch_bytes - 1);
  EXPECT_EQ(epoch_of(seal(at.sealer, "x")), 1u);
  EXPECT_EQ(epoch_of(seal(at.sealer, "x")), 2u);

  Direction least(true, policy(0, 0, -7));
  for (std::uint32_t i = 0; i < 5; ++i) {
    const Bytes frame = seal(least.sealer, "x");
    EXPECT_EQ(epoch_of(frame), i) << "each record its own key, and no loop";
    EXPECT_EQ(open_error(least.opener, frame), Error::none);
  }
  Direction longest(true, policy(1000, ~std::uint64_t{0}, std::chrono::seconds::max().count()));
  (void)seal(longest.sealer, "x", 0);
  EXPECT_EQ(epoch_of(seal(longest.sealer, "x", ~std::uint64_t{0} - 1)), 0u) << "no overflow of the age";
}

TEST(Rekey, OnDemandButNeverAnUnusedKey) {
  Direction at;
  at.sealer.rekey_next();
  EXPECT_EQ(epoch_of(seal(at.sealer, "x")), 0u);
  at.sealer.rekey_next();
  at.sealer.rekey_next();
  EXPECT_EQ(epoch_of(seal(at.sealer, "x")), 1u);
  ASSERT_TRUE(at.sealer.refresh(test_secret(1)));
  at.sealer.rekey_next();
  EXPECT_EQ(epoch_of(seal(at.sealer, "x")), 2u) << "the peer follows one epoch at a time";
}

TEST(Rekey, AFreshSecretMakesTheNextEpoch) {
  Direction at;
  EXPECT_EQ(open_error(at.opener, seal(at.sealer, "before")), Error::none);
  ASSERT_TRUE(at.opener.expect_refresh(test_secret(9)));
  EXPECT_EQ(open_error(at.opener, seal(at.sealer, "under way")), Error::none);
  ASSERT_TRUE(at.sealer.refresh(test_secret(9)));
  EXPECT_EQ(open_error(at.opener, seal(at.sealer, "after")), Error::none);
  EXPECT_EQ(at.opener.epoch(), 1u);
  EXPECT_FALSE(at.opener.snapshot().refresh_pending);
  EXPECT_TRUE(at.opener.snapshot().epoch_fresh);
  EXPECT_EQ(open_error(at.opener, seal(at.sealer, "and on")), Error::none);
  at.sealer.rekey_next();
  EXPECT_EQ(open_error(at.opener, seal(at.sealer, "ordinary again")), Error::none);
  EXPECT_FALSE(at.opener.snapshot().epoch_fresh);
}

TEST(Rekey, ADifferentSecretOpensNothing) {
  Direction at;
  ASSERT_TRUE(at.opener.expect_refresh(test_secret(9)));
  ASSERT_TRUE(at.sealer.refresh(test_secret(10)));
  const auto before = at.opener.snapshot();
  EXPECT_EQ(open_error(at.opener, seal(at.sealer, "x")), Error::record_forged);
  EXPECT_EQ(at.opener.snapshot(), before);
}

// The point of a fresh Diffie-Hellman: whoever has the old key still cannot follow.
TEST(Rekey, TheOldKeyAloneDoesNotMakeTheFreshEpoch) {
  Direction at;
  ASSERT_TRUE(at.opener.expect_refresh(test_secret(9)));
  const auto derived = test_key().rekeyed();
  EXPECT_EQ(open_error(at.opener, craft(*derived, message_header(0, 1, flag_fresh))), Error::record_forged);
}

TEST(Rekey, ASecretThatWaitsOutlivesOrdinaryEpochs) {
  Direction at(true, policy(1));
  ASSERT_TRUE(at.opener.expect_refresh(test_secret(9)));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(open_error(at.opener, seal(at.sealer, "ordinary")), Error::none);
  EXPECT_TRUE(at.opener.snapshot().refresh_pending);
  ASSERT_TRUE(at.sealer.refresh(test_secret(9)));
  EXPECT_EQ(open_error(at.opener, seal(at.sealer, "fresh")), Error::none);
  EXPECT_FALSE(at.opener.snapshot().refresh_pending);
}

TEST(Rekey, AFreshEpochWithoutASecretIsRefusedAndOpensOnceItIsThere) {
  Direction at;
  ASSERT_TRUE(at.sealer.refresh(test_secret(9)));
  const Bytes frame = seal(at.sealer, "early");
  const auto before = at.opener.snapshot();
  EXPECT_EQ(open_error(at.opener, frame), Error::epoch_wrong);
  EXPECT_EQ(at.opener.snapshot(), before);
  ASSERT_TRUE(at.opener.expect_refresh(test_secret(9)));
  EXPECT_EQ(open_error(at.opener, frame), Error::none);
}

// flag_fresh is authenticated, but a peer with the key can still lie about it.
TEST(Rekey, FlagFreshMustSayHowTheKeyWasMade) {
  Direction at;
  const auto ordinary = test_key().rekeyed();
  EXPECT_EQ(open_error(at.opener, craft(*ordinary, message_header(0, 1))), Error::none);
  auto before = at.opener.snapshot();
  EXPECT_EQ(open_error(at.opener, craft(*ordinary, message_header(1, 1, flag_fresh))), Error::epoch_wrong);
  EXPECT_EQ(at.opener.snapshot(), before);

  ASSERT_TRUE(at.opener.expect_refresh(test_secret(4)));
  const auto fresh = ordinary->rekeyed_with(test_secret(4));
  EXPECT_EQ(open_error(at.opener, craft(*fresh, message_header(1, 2, flag_fresh))), Error::none);
  before = at.opener.snapshot();
  EXPECT_EQ(open_error(at.opener, craft(*fresh, message_header(2, 2))), Error::epoch_wrong);
  EXPECT_EQ(at.opener.snapshot(), before);
  EXPECT_EQ(open_error(at.opener, craft(*fresh, message_header(2, 2, flag_fresh))), Error::none);
}

TEST(Rekey, OneExchangeAtATime) {
  Direction at;
  ASSERT_TRUE(at.opener.expect_refresh(test_secret(1)));
  EXPECT_EQ(at.opener.expect_refresh(test_secret(2)).error().code(), Error::epoch_wrong);
  ASSERT_TRUE(at.sealer.refresh(test_secret(1)));
  EXPECT_EQ(at.sealer.refresh(test_secret(2)).error().code(), Error::epoch_wrong);
  EXPECT_EQ(try_seal(at.sealer, message("x")).error().code(), Error::closed);
}

TEST(Rekey, ASecretHasThirtyTwoBytes) {
  for (const std::size_t size : {0u, 31u, 33u, 64u}) {
    Direction at;
    EXPECT_EQ(at.opener.expect_refresh(Bytes(size)).error().code(), Error::invalid_argument);
    EXPECT_EQ(at.sealer.refresh(Bytes(size)).error().code(), Error::invalid_argument);
    EXPECT_EQ(try_seal(at.sealer, message("x")).error().code(), Error::closed);
  }
}

TEST(Rekey, BothEndsAgreeAcrossThousandsOfEpochs) {
  for (const bool ordered : {true, false}) {
    for (const auto cipher : {crypto::Cipher::aes256_gcm, crypto::Cipher::chacha20_poly1305}) {
      if (!crypto::available(cipher)) continue;
      Direction at(ordered, policy(3, 200), {}, cipher);
      std::mt19937 random(1);
      unsigned secrets = 0;
      for (std::uint64_t i = 0; i < 9000; ++i) {
        if (random() % 16 == 0) {
          ++secrets;
          ASSERT_TRUE(at.opener.expect_refresh(test_secret(secrets)));
          ASSERT_TRUE(at.sealer.refresh(test_secret(secrets)));
        }
        if (random() % 32 == 0) at.sealer.rekey_next();
        const Bytes body = random_bytes(random() % 150, secrets);
        const Bytes frame = try_seal(at.sealer, message(body), noon + i).value();
        ASSERT_EQ(open(at.opener, frame, noon + i).value(), body) << i;
        ASSERT_EQ(at.opener.epoch(), at.sealer.epoch());
        ASSERT_EQ(at.opener.expected(), i + 1);
      }
      EXPECT_GT(at.opener.epoch(), 3000u);
      EXPECT_GT(secrets, 400u);
    }
  }
}

}  // namespace
}  // namespace penstock::protocol
