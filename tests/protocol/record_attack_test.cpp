// What a carrier in hostile hands can do to recorded or invented frames.
#include <cstring>

#include "tests/protocol/record_testing.hpp"

namespace penstock::protocol {
namespace {

/// All of an Opener that is not behind a pointer, byte for byte; with snapshot() for what is.
struct State {
  explicit State(const Opener& opener) : snapshot(opener.snapshot()) {
    std::memcpy(bytes.data(), static_cast<const void*>(&opener), sizeof(Opener));
  }
  std::array<std::byte, sizeof(Opener)> bytes{};
  Opener::Snapshot snapshot;
  friend bool operator==(const State&, const State&) = default;
};

/// Refused with one of `errors`, nothing moved, and the genuine record still opens afterwards (on a second opener in
/// the same state, kept by the caller, the frame would count).
void expect_refused(Opener& opener, bytes_view frame, std::initializer_list<Error> errors, const std::string& what) {
  const State before(opener);
  const Error error = open_error(opener, frame);
  EXPECT_TRUE(std::ranges::count(errors, error) != 0) << what << " gave " << error_name(error);
  EXPECT_TRUE(State(opener) == before) << what << " moved something";
}

/// A direction in the middle of its life: epoch 2 (fresh), a secret waiting, 40 records through.
Direction middle(bool ordered) {
  Direction at(ordered);
  for (int i = 0; i < 40; ++i) {
    if (i == 10) at.sealer.rekey_next();
    if (i == 20) {
      EXPECT_TRUE(at.opener.expect_refresh(test_secret(1)));
      EXPECT_TRUE(at.sealer.refresh(test_secret(1)));
    }
    EXPECT_EQ(open_error(at.opener, seal(at.sealer, "before")), Error::none);
  }
  EXPECT_TRUE(at.opener.expect_refresh(test_secret(2)));
  return at;
}

class Atk18 : public testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(Carriers, Atk18, testing::Values(true, false),
                         [](const auto& which) { return which.param ? "Ordered" : "Reordered"; });

TEST_P(Atk18, ForgedFarFutureSequenceChangesNothing) {
  auto [sealer, opener] = middle(GetParam());
  const Bytes genuine = seal(sealer, "genuine");
  for (const std::uint64_t ahead : {std::uint64_t{1}, std::uint64_t{63}, std::uint64_t{64}, std::uint64_t{8191},
                                    std::uint64_t{8192}, std::uint64_t{8193}, std::uint64_t{1} << 32, max_records - 41,
                                    max_records - 40, ~std::uint64_t{0} - 41, ~std::uint64_t{0} - 40}) {
    Bytes forged = genuine;
    Header header = read_fields(std::span(genuine).first<header_size>());
    header.sequence += ahead;
    encode(header, std::span(forged).first<header_size>());
    expect_refused(opener, forged, {Error::record_forged, Error::frame_malformed}, "ahead " + std::to_string(ahead));
  }
  EXPECT_EQ(open_error(opener, genuine), Error::none);
}

TEST_P(Atk18, ForgedEpochChangesNothing) {
  auto [sealer, opener] = middle(GetParam());
  const Bytes genuine = seal(sealer, "genuine");
  for (const std::uint32_t epoch : {0u, 1u, 3u, 4u, 5u, 0x80000000u, 0xFFFFFFFEu, 0xFFFFFFFFu}) {
    for (const std::uint8_t flags : {std::uint8_t{0}, std::uint8_t{flag_fresh}}) {
      Bytes forged = genuine;
      Header header = read_fields(std::span(genuine).first<header_size>());
      header.epoch = epoch;
      header.flags = flags;
      encode(header, std::span(forged).first<header_size>());
      // The next epoch's key is tried, as an ordinary and, since a secret waits, as a fresh one; both leave no trace.
      expect_refused(opener, forged, {Error::record_forged, Error::epoch_wrong, Error::frame_malformed},
                     "epoch " + std::to_string(epoch));
    }
  }
  EXPECT_EQ(open_error(opener, genuine), Error::none);
  sealer.rekey_next();
  EXPECT_EQ(open_error(opener, seal(sealer, "ordinary")), Error::none);
  ASSERT_TRUE(sealer.refresh(test_secret(2)));
  EXPECT_EQ(open_error(opener, seal(sealer, "fresh")), Error::none) << "the waiting secret survived the trials";
}

TEST_P(Atk18, ForgedTimeChangesNothing) {
  auto [sealer, opener] = middle(GetParam());
  const Bytes genuine = seal(sealer, "genuine");
  for (const std::uint64_t time :
       {std::uint64_t{0}, noon - 61 * second, noon - 1, noon + 1, noon + 2 * second, ~std::uint64_t{0}}) {
    Bytes forged = genuine;
    Header header = read_fields(std::span(genuine).first<header_size>());
    header.time = time;
    encode(header, std::span(forged).first<header_size>());
    expect_refused(opener, forged, {Error::record_forged}, "time " + std::to_string(time));
  }
  EXPECT_EQ(open_error(opener, genuine), Error::none);
}

TEST_P(Atk18, EachBitOfAFrameFlipped) {
  auto [sealer, opener] = middle(GetParam());
  const Bytes genuine = seal(sealer, "genuine");
  for (std::size_t bit = 0; bit < genuine.size() * 8; ++bit) {
    Bytes forged = genuine;
    forged[bit / 8] ^= std::byte(1u << (bit % 8));
    expect_refused(opener, forged,
                   {Error::record_forged, Error::epoch_wrong, Error::frame_malformed, Error::frame_too_large,
                    Error::version_unsupported},
                   "bit " + std::to_string(bit));
  }
  EXPECT_EQ(open_error(opener, genuine), Error::none);
}

// Authentic, and yet wrong: the peer itself misbehaves, or its frames come at the wrong time. Nothing moves either.
TEST_P(Atk18, AuthenticButWrongChangesNothing) {
  const bool ordered = GetParam();
  auto [sealer, opener] = middle(ordered);
  const auto key0 = test_key();
  const auto key1 = key0.rekeyed();
  const auto key2 = key1->rekeyed_with(test_secret(1));
  const auto key3 = key2->rekeyed();
  const auto key3_fresh = key2->rekeyed_with(test_secret(2));
  const auto key4 = key3->rekeyed();
  const auto fresh = std::uint8_t{flag_fresh};
  const struct {
    const char* what;
    Bytes frame;
    Error ordered_error, reordered_error;  // none: not tried there
  } cases[] = {
      {"seen", craft(*key2, message_header(39, 2, fresh)), Error::record_replayed, Error::record_replayed},
      {"first of all again", craft(*key2, message_header(0, 2, fresh)), Error::record_replayed, Error::record_replayed},
      {"one ahead", craft(*key2, message_header(41, 2, fresh)), Error::sequence_wrong, Error::none},
      {"far ahead", craft(*key2, message_header(max_records - 1, 2, fresh)), Error::sequence_wrong, Error::sequence_wrong},
      {"too old", craft(*key2, message_header(40, 2, fresh, noon - 60 * second - 1)), Error::record_stale,
       Error::record_stale},
      {"from the future", craft(*key2, message_header(40, 2, fresh, noon + second + 1)), Error::record_stale,
       Error::record_stale},
      {"next epoch, seen number", craft(*key3, message_header(39, 3)), Error::record_replayed, Error::record_replayed},
      {"next epoch, one ahead", craft(*key3, message_header(41, 3)), Error::sequence_wrong, Error::none},
      {"next epoch, too old", craft(*key3, message_header(40, 3, 0, 5)), Error::record_stale, Error::record_stale},
      {"next epoch, from the future", craft(*key3, message_header(40, 3, 0, ~std::uint64_t{0})), Error::record_stale,
       Error::record_stale},
      {"fresh epoch, too old", craft(*key3_fresh, message_header(40, 3, fresh, 5)), Error::record_stale,
       Error::record_stale},
      {"fresh epoch, one ahead", craft(*key3_fresh, message_header(41, 3, fresh)), Error::sequence_wrong, Error::none},
      {"two epochs ahead", craft(*key4, message_header(40, 4)), Error::epoch_wrong, Error::epoch_wrong},
      {"two epochs ago", craft(key0, message_header(40, 0)), Error::epoch_wrong, Error::epoch_wrong},
      {"an epoch ago", craft(*key1, message_header(40, 1)), Error::epoch_wrong, Error::sequence_wrong},
  };
  for (const auto& [what, frame, ordered_error, reordered_error] : cases) {
    const Error expected = ordered ? ordered_error : reordered_error;
    if (expected != Error::none) expect_refused(opener, frame, {expected}, what);
  }
  EXPECT_EQ(open_error(opener, seal(sealer, "genuine")), Error::none);
  sealer.rekey_next();
  EXPECT_EQ(open_error(opener, seal(sealer, "ordinary epoch")), Error::none);
  ASSERT_TRUE(sealer.refresh(test_secret(2)));
  EXPECT_EQ(open_error(opener, seal(sealer, "fresh epoch")), Error::none);
}

// Each direction has its own key, so that a frame sent back to its sender is only noise.
TEST(Atk22, OwnFrameReflectedIsForged) {
  Sealer ours(test_key(crypto::Cipher::chacha20_poly1305, 1), {});
  Opener theirs_to_us(test_key(crypto::Cipher::chacha20_poly1305, 2), true, Limits{});
  expect_refused(theirs_to_us, seal(ours, "mine"), {Error::record_forged}, "reflected");
}

TEST(Atk26, TruncatedAtEachLengthAndExtended) {
  for (const auto cipher : {crypto::Cipher::aes256_gcm, crypto::Cipher::chacha20_poly1305}) {
    if (!crypto::available(cipher)) continue;
    Direction at(true, {}, {}, cipher);
    const Bytes genuine = seal(at.sealer, "a message that will be cut at every byte");
    for (std::size_t size = 0; size < genuine.size(); ++size) {
      const bytes_view cut = std::span(genuine).first(size);
      expect_refused(at.opener, cut, {Error::frame_malformed}, "cut to " + std::to_string(size));
      // The same with the length field put right: the tag is what is missing.
      if (size < record_overhead) continue;
      Bytes mended(cut.begin(), cut.end());
      Header header = read_fields(std::span(mended).first<header_size>());
      header.length = static_cast<std::uint32_t>(size - header_size);
      encode(header, std::span(mended).first<header_size>());
      expect_refused(at.opener, mended, {Error::record_forged}, "cut and mended to " + std::to_string(size));
    }
    Bytes extended = genuine;
    extended.push_back(std::byte{0});
    expect_refused(at.opener, extended, {Error::frame_malformed}, "extended");
    EXPECT_EQ(open_error(at.opener, genuine), Error::none);
  }
}

/// A recorded session of five records over three epochs.
std::vector<Bytes> recording(Sealer& sealer) {
  std::vector<Bytes> frames;
  for (const std::string_view text : {"one", "two", "three", "four", "five"}) {
    frames.push_back(seal(sealer, text));
    if (frames.size() == 2) sealer.rekey_next();
    if (frames.size() == 4) {
      EXPECT_TRUE(sealer.refresh(test_secret(3)));
    }
  }
  return frames;
}

Opener receiver(unsigned seed = 1) {
  Opener opener(test_key(crypto::Cipher::chacha20_poly1305, seed), true, Limits{});
  EXPECT_TRUE(opener.expect_refresh(test_secret(3)));
  return opener;
}

/// Plays `frames` to a fresh receiver as a channel would: closed at the first refusal. Returns what was delivered.
std::vector<std::string> play(const std::vector<Bytes>& frames) {
  Opener opener = receiver();
  std::vector<std::string> delivered;
  for (const auto& frame : frames) {
    const auto opened = open(opener, frame);
    if (!opened) break;
    delivered.emplace_back(text_of(*opened));
  }
  return delivered;
}

const std::vector<std::string> spoken = {"one", "two", "three", "four", "five"};

bool is_prefix_of_spoken(const std::vector<std::string>& delivered) {
  return delivered.size() <= spoken.size() && std::equal(delivered.begin(), delivered.end(), spoken.begin());
}

TEST(Atk26, EveryArrangementOfARecordedSessionDeliversOnlyWhatWasSaidInOrder) {
  Sealer sealer(test_key(), {});
  const auto frames = recording(sealer);
  ASSERT_EQ(play(frames), spoken);
  // Every sequence of five out of the recorded frames: all drops, repetitions and orders there are.
  for (std::size_t code = 0; code < 5 * 5 * 5 * 5 * 5; ++code) {
    std::vector<Bytes> arranged;
    std::size_t in_place = 0;
    bool still = true;
    for (std::size_t i = 0, rest = code; i < 5; ++i, rest /= 5) {
      arranged.push_back(frames[rest % 5]);
      still = still && rest % 5 == i;
      if (still) ++in_place;
    }
    const auto delivered = play(arranged);
    ASSERT_TRUE(is_prefix_of_spoken(delivered));
    ASSERT_EQ(delivered.size(), in_place) << "arrangement " << code;
  }
}

TEST(Atk26, EachFrameReplayedAfterEach) {
  Sealer sealer(test_key(), {});
  const auto frames = recording(sealer);
  for (std::size_t until = 0; until < frames.size(); ++until) {
    Opener opener = receiver();
    for (std::size_t i = 0; i <= until; ++i) ASSERT_EQ(open_error(opener, frames[i]), Error::none);
    for (std::size_t i = 0; i < frames.size(); ++i) {
      if (i == until + 1) continue;
      expect_refused(opener, frames[i], {Error::record_replayed, Error::sequence_wrong, Error::epoch_wrong},
                     std::to_string(i) + " after " + std::to_string(until));
    }
  }
}

TEST(Atk26, TwoRecordingsSplicedAtEachFrame) {
  // Another session of the same program: the same words at the same numbers, under its own key.
  Sealer ours(test_key(), {}), others(test_key(crypto::Cipher::chacha20_poly1305, 2), {});
  const auto mine = recording(ours), foreign = recording(others);
  for (std::size_t at = 0; at < mine.size(); ++at) {
    auto spliced = mine;
    spliced[at] = foreign[at];
    const auto delivered = play(spliced);
    EXPECT_EQ(delivered.size(), at);
    EXPECT_TRUE(is_prefix_of_spoken(delivered));
  }
}

TEST(Atk26, HeaderOfOneFrameOnTheBodyOfAnother) {
  Sealer sealer(test_key(), {});
  std::vector<Bytes> frames;
  for (int i = 0; i < 4; ++i) frames.push_back(seal(sealer, "same length"));
  for (std::size_t head = 0; head < frames.size(); ++head) {
    for (std::size_t body = 0; body < frames.size(); ++body) {
      if (head == body) continue;
      Opener opener = receiver();
      RecordProbe::sequence(opener, head);
      Bytes spliced = frames[body];
      std::copy_n(frames[head].begin(), header_size, spliced.begin());
      expect_refused(opener, spliced, {Error::record_forged}, "header " + std::to_string(head));
    }
  }
}

TEST(Atk26, EachBitOfARecordedSessionFlipped) {
  Sealer sealer(test_key(), {});
  const auto frames = recording(sealer);
  for (std::size_t at = 0; at < frames.size(); ++at) {
    for (std::size_t bit = 0; bit < frames[at].size() * 8; ++bit) {
      auto flipped = frames;
      flipped[at][bit / 8] ^= std::byte(1u << (bit % 8));
      const auto delivered = play(flipped);
      ASSERT_EQ(delivered.size(), at) << "frame " << at << " bit " << bit;
      ASSERT_TRUE(is_prefix_of_spoken(delivered));
    }
  }
}

}  // namespace
}  // namespace penstock::protocol
