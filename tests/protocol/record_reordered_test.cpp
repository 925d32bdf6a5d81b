// Carriers that may reorder: a window of numbers and the key of the epoch before.
#include "tests/protocol/record_testing.hpp"

namespace penstock::protocol {
namespace {

constexpr std::uint64_t window_size = replay_window_size;

TEST(Reordered, AnyOrderWithinTheWindowEachOnce) {
  Direction at(false);
  std::vector<Bytes> frames;
  for (int i = 0; i < 500; ++i) frames.push_back(seal(at.sealer, std::to_string(i)));
  std::vector<std::size_t> order(frames.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::shuffle(order.begin(), order.end(), std::mt19937(3));
  for (const auto i : order) {
    EXPECT_EQ(text_of(open(at.opener, frames[i]).value()), std::to_string(i));
    const auto before = at.opener.snapshot();
    EXPECT_EQ(open_error(at.opener, frames[i]), Error::record_replayed);
    EXPECT_EQ(at.opener.snapshot(), before);
  }
}

TEST(Reordered, OlderThanTheWindowIsRefused) {
  Direction at(false);
  const auto key = test_key();
  for (std::uint64_t i = 0; i <= window_size; ++i) {
    if (i == 1) continue;
    ASSERT_EQ(open_error(at.opener, craft(key, message_header(i))), Error::none);
  }
  EXPECT_EQ(open_error(at.opener, craft(key, message_header(0))), Error::record_replayed);
  EXPECT_EQ(open_error(at.opener, craft(key, message_header(1))), Error::none);
  EXPECT_EQ(open_error(at.opener, craft(key, message_header(window_size + 2))), Error::none);
  EXPECT_EQ(open_error(at.opener, craft(key, message_header(2))), Error::record_replayed);
}

// ATK-26: nothing is dropped for ever and unseen.
TEST(Reordered, ANumberThatCanComeNoMoreEndsIt) {
  const auto key = test_key();
  Opener opener(test_key(), false, Limits{});
  EXPECT_TRUE(opener.complete());
  EXPECT_EQ(open_error(opener, craft(key, message_header(window_size))), Error::sequence_wrong) << "0 would be too late then";
  EXPECT_EQ(open_error(opener, craft(key, message_header(max_records - 1))), Error::sequence_wrong);
  EXPECT_EQ(open_error(opener, craft(key, message_header(window_size - 1))), Error::none);
  EXPECT_FALSE(opener.complete());
  EXPECT_EQ(open_error(opener, craft(key, message_header(window_size))), Error::sequence_wrong);
  EXPECT_EQ(open_error(opener, craft(key, message_header(0))), Error::none);
  EXPECT_EQ(open_error(opener, craft(key, message_header(window_size))), Error::none);
  EXPECT_EQ(open_error(opener, craft(key, message_header(window_size + 1))), Error::sequence_wrong) << "1";
}

TEST(Reordered, IsCompleteExactlyWhenNothingIsMissing) {
  Direction at(false);
  std::vector<Bytes> frames;
  for (int i = 0; i < 4; ++i) frames.push_back(seal(at.sealer, std::to_string(i)));
  std::vector<std::size_t> order{0, 1, 2, 3};
  do {
    Opener opener(test_key(), false, Limits{});
    std::size_t highest = 0;
    for (std::size_t count = 0; count < order.size(); ++count) {
      ASSERT_EQ(open_error(opener, frames[order[count]]), Error::none);
      highest = std::max(highest, order[count]);
      EXPECT_EQ(opener.complete(), highest == count);
    }
  } while (std::ranges::next_permutation(order).found);
}

TEST(Reordered, RecordsOfTheEpochBeforeStillArrive) {
  Direction at(false);
  std::vector<Bytes> frames;
  for (int i = 0; i < 6; ++i) {
    if (i == 2) at.sealer.rekey_next();
    if (i == 4) {
      ASSERT_TRUE(at.sealer.refresh(test_secret(1)));
    }
    frames.push_back(seal(at.sealer, std::to_string(i)));
  }
  ASSERT_TRUE(at.opener.expect_refresh(test_secret(1)));
  EXPECT_EQ(open_error(at.opener, frames[4]), Error::epoch_wrong) << "two epochs ahead";
  EXPECT_EQ(open_error(at.opener, frames[3]), Error::none);
  EXPECT_EQ(open_error(at.opener, frames[1]), Error::none) << "the epoch before";
  EXPECT_EQ(open_error(at.opener, frames[1]), Error::record_replayed);
  EXPECT_EQ(open_error(at.opener, frames[5]), Error::none);
  EXPECT_EQ(open_error(at.opener, frames[0]), Error::epoch_wrong) << "two epochs ago";
  EXPECT_EQ(open_error(at.opener, frames[2]), Error::none);
  EXPECT_EQ(open_error(at.opener, frames[4]), Error::none);
  EXPECT_EQ(at.opener.epoch(), 2u);
}

// Whoever steals the key of an epoch that is over cannot write into what came after it.
TEST(Reordered, EpochsDoNotOverlapInNumbers) {
  const auto key0 = test_key();
  const auto key1 = key0.rekeyed();
  const auto key2 = key1->rekeyed();
  Opener opener(test_key(), false, Limits{});
  EXPECT_EQ(open_error(opener, craft(key0, message_header(10))), Error::none);
  EXPECT_EQ(open_error(opener, craft(*key1, message_header(9, 1))), Error::sequence_wrong) << "below the epoch before";
  EXPECT_EQ(open_error(opener, craft(*key1, message_header(20, 1))), Error::none);
  EXPECT_EQ(open_error(opener, craft(key0, message_header(21))), Error::sequence_wrong);
  EXPECT_EQ(open_error(opener, craft(key0, message_header(19))), Error::none);
  EXPECT_EQ(open_error(opener, craft(*key1, message_header(18, 1))), Error::sequence_wrong);
  EXPECT_EQ(open_error(opener, craft(*key1, message_header(30, 1))), Error::none);
  EXPECT_EQ(open_error(opener, craft(*key2, message_header(29, 2))), Error::sequence_wrong);
  EXPECT_EQ(open_error(opener, craft(*key2, message_header(31, 2))), Error::none);
  EXPECT_EQ(open_error(opener, craft(*key1, message_header(29, 1))), Error::none);
  EXPECT_EQ(open_error(opener, craft(*key1, message_header(21, 1))), Error::none) << "still within its own numbers";
  EXPECT_EQ(open_error(opener, craft(*key1, message_header(20, 1))), Error::record_replayed);
  EXPECT_EQ(open_error(opener, craft(*key1, message_header(18, 1))), Error::sequence_wrong)
      << "those of two epochs ago";
}

TEST(Reordered, AnEpochThatIsSeenToBeginEarlierTakesThoseNumbers) {
  const auto key0 = test_key();
  const auto key1 = key0.rekeyed();
  Opener opener(test_key(), false, Limits{});
  EXPECT_EQ(open_error(opener, craft(*key1, message_header(20, 1))), Error::none);
  EXPECT_EQ(open_error(opener, craft(key0, message_header(18))), Error::none);
  EXPECT_EQ(open_error(opener, craft(*key1, message_header(19, 1))), Error::none);
  EXPECT_EQ(open_error(opener, craft(*key1, message_header(17, 1))), Error::sequence_wrong);

  Opener other(test_key(), false, Limits{});
  EXPECT_EQ(open_error(other, craft(*key1, message_header(20, 1))), Error::none);
  EXPECT_EQ(open_error(other, craft(*key1, message_header(15, 1))), Error::none);
  EXPECT_EQ(open_error(other, craft(key0, message_header(17))), Error::sequence_wrong);
  EXPECT_EQ(open_error(other, craft(key0, message_header(14))), Error::none);
}

TEST(Reordered, TheOldKeyGoesWhenTheWindowHasLeftItBehind) {
  const auto key0 = test_key();
  const auto key1 = key0.rekeyed();
  Opener opener(test_key(), false, Limits{});
  for (std::uint64_t i = 0; i < 4; ++i) EXPECT_EQ(open_error(opener, craft(key0, message_header(i))), Error::none);
  for (std::uint64_t i = 5; i < 9; ++i) EXPECT_EQ(open_error(opener, craft(*key1, message_header(i, 1))), Error::none);
  EXPECT_TRUE(opener.snapshot().previous_kept);
  EXPECT_EQ(open_error(opener, craft(*key1, message_header(window_size + 3, 1))), Error::none);
  EXPECT_TRUE(opener.snapshot().previous_kept) << "number 4 could still come";
  EXPECT_EQ(open_error(opener, craft(*key1, message_header(window_size + 4, 1))), Error::sequence_wrong);
  EXPECT_EQ(open_error(opener, craft(key0, message_header(4))), Error::none);
  EXPECT_EQ(open_error(opener, craft(*key1, message_header(window_size + 4, 1))), Error::none);
  EXPECT_FALSE(opener.snapshot().previous_kept);
  EXPECT_EQ(open_error(opener, craft(key0, message_header(4))), Error::epoch_wrong);
}

TEST(Reordered, FlagFreshOfTheEpochBeforeMustFit) {
  Opener opener(test_key(), false, Limits{});
  const auto key0 = test_key();
  const auto key1 = key0.rekeyed();
  const auto key2 = key1->rekeyed();
  EXPECT_EQ(open_error(opener, craft(*key1, message_header(10, 1))), Error::none);
  EXPECT_EQ(open_error(opener, craft(*key2, message_header(20, 2))), Error::none);
  EXPECT_EQ(open_error(opener, craft(*key1, message_header(11, 1, flag_fresh))), Error::epoch_wrong);
  EXPECT_EQ(open_error(opener, craft(*key1, message_header(11, 1))), Error::none);
}

TEST(Reordered, LateRecordsDoNotCountAgainstTheNewKey) {
  Opener opener(test_key(), false, Limits{});
  const auto key0 = test_key();
  const auto key1 = key0.rekeyed();
  EXPECT_EQ(open_error(opener, craft(*key1, message_header(10, 1))), Error::none);
  RecordProbe::used(opener, max_epoch_records - 1, 0);
  EXPECT_EQ(open_error(opener, craft(key0, message_header(9))), Error::none);
  EXPECT_EQ(open_error(opener, craft(*key1, message_header(11, 1))), Error::none);
  EXPECT_EQ(open_error(opener, craft(key0, message_header(8))), Error::none);
  EXPECT_EQ(open_error(opener, craft(*key1, message_header(12, 1))), Error::counter_exhausted);
}

}  // namespace
}  // namespace penstock::protocol
