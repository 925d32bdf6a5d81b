// One direction as it is meant to be used, and its hard edges.
#include "tests/protocol/record_testing.hpp"

namespace penstock::protocol {
namespace {

class Record : public testing::TestWithParam<crypto::Cipher> {
 protected:
  void SetUp() override {
    if (!crypto::available(GetParam())) GTEST_SKIP() << "this processor has no AES";
  }
  [[nodiscard]] Direction direction(bool ordered = true, RekeyPolicy policy = {}, Limits limits = {}) const {
    return Direction(ordered, policy, limits, GetParam());
  }
};

TEST_P(Record, RoundTripOfEverySizeThatMatters) {
  auto [sealer, opener] = direction();
  for (const std::size_t size : {0u, 1u, 15u, 16u, 17u, 31u, 32u, 64u, 255u, 1024u, 4096u, 65535u, 65536u}) {
    const Bytes body = random_bytes(size);
    const Bytes frame = try_seal(sealer, message(body)).value();
    EXPECT_EQ(frame.size(), record_overhead + size);
    EXPECT_EQ(open(opener, frame).value(), body) << size;
  }
}

TEST_P(Record, PrefixAndBodyAreOnePayload) {
  auto [sealer, opener] = direction();
  for (const std::size_t prefix : {1u, 8u, 65536u}) {
    const Bytes first = random_bytes(prefix, 1), rest = random_bytes(prefix == 65536 ? 0 : 100, 2);
    Outgoing record = message(rest);
    record.prefix = first;
    Bytes whole = first;
    whole.insert(whole.end(), rest.begin(), rest.end());
    EXPECT_EQ(open(opener, try_seal(sealer, record).value()).value(), whole);
  }
}

TEST_P(Record, OpensInPlace) {
  auto [sealer, opener] = direction();
  Bytes frame = seal(sealer, "in place");
  const auto opened = opener.open(frame, frame.data() + header_size, noon);
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->payload.data(), frame.data() + header_size);
  EXPECT_EQ(as_text(opened->payload), "in place");
}

TEST_P(Record, TheHeaderSaysWhatWasSealed) {
  auto [sealer, opener] = direction();
  (void)seal(sealer, "first");
  Outgoing record = message("second");
  record.type = FrameType::request;
  record.flags = flag_more;
  record.handles = 5;
  const Bytes frame = try_seal(sealer, record, noon + 3).value();
  RecordProbe::sequence(opener, 1);
  Bytes out(6);
  const auto opened = opener.open(frame, out.data(), noon + 4);
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->header, (Header{FrameType::request, flag_more, 5, 0, 6 + 16, 1, noon + 3}));
  // No byte of the plaintext stands in the frame.
  EXPECT_EQ(as_text(frame).find("second"), std::string_view::npos);
}

TEST_P(Record, AnyFailureSpendsTheSealer) {
  const Bytes large(max_record_payload + 1);
  Outgoing long_prefix = message(Bytes{});
  long_prefix.prefix = large;
  Outgoing fresh = message("x"), handles = message("x"), unknown = message("x"), control = message(random_bytes(1025));
  fresh.flags = flag_fresh;  // only the Sealer knows
  handles.type = FrameType::cancel;
  handles.handles = 1;
  unknown.flags = 0x40;
  const Bytes control_body = random_bytes(1025);
  control.body = control_body;
  control.type = FrameType::close;
  const struct {
    Outgoing record;
    Error error;
  } cases[] = {{message(large), Error::frame_too_large}, {long_prefix, Error::frame_too_large},
               {fresh, Error::frame_malformed},          {handles, Error::frame_malformed},
               {unknown, Error::frame_malformed},        {control, Error::frame_too_large}};
  for (const auto& [record, error] : cases) {
    auto [sealer, opener] = direction();
    EXPECT_EQ(try_seal(sealer, record).error().code(), error);
    EXPECT_EQ(try_seal(sealer, message("x")).error().code(), Error::closed);
    EXPECT_EQ(sealer.refresh(test_secret(1)).error().code(), Error::closed);
  }
  auto [sealer, opener] = direction();
  Bytes small(record_overhead + 3);
  EXPECT_EQ(sealer.seal(message("four"), small, noon).error().code(), Error::invalid_argument);
  EXPECT_EQ(try_seal(sealer, message("x")).error().code(), Error::closed);
}

TEST_P(Record, ConfirmIsTheFirstRecordOrNone) {
  auto [sealer, opener] = direction();
  Outgoing confirm = message("parameters");
  confirm.type = FrameType::confirm;
  EXPECT_TRUE(open(opener, try_seal(sealer, confirm).value()));
  EXPECT_EQ(try_seal(sealer, confirm).error().code(), Error::frame_malformed);
}

TEST_P(Record, WithoutAKeyThereIsNothing) {
  Sealer no_sealer;
  Opener no_opener;
  EXPECT_EQ(try_seal(no_sealer, message("x")).error().code(), Error::closed);
  EXPECT_EQ(open_error(no_opener, Bytes(100)), Error::closed);
  EXPECT_EQ(no_opener.expect_refresh(test_secret(1)).error().code(), Error::closed);

  auto [sealer, opener] = direction(false);
  const Bytes frame = seal(sealer, "x");
  Sealer moved_sealer = std::move(sealer);
  Opener moved_opener = std::move(opener);
  EXPECT_EQ(try_seal(sealer, message("x")).error().code(), Error::closed);  // NOLINT: moved from, on purpose
  EXPECT_EQ(open_error(opener, frame), Error::closed);                      // NOLINT
  EXPECT_EQ(open_error(moved_opener, frame), Error::none);
  moved_sealer.reset();
  moved_opener.reset();
  EXPECT_EQ(try_seal(moved_sealer, message("x")).error().code(), Error::closed);
  EXPECT_EQ(open_error(moved_opener, frame), Error::closed);
}

TEST_P(Record, TheNextNumberExactly) {
  auto [sealer, opener] = direction();
  std::vector<Bytes> frames;
  for (int i = 0; i < 4; ++i) frames.push_back(seal(sealer, "x"));
  EXPECT_EQ(open_error(opener, frames[1]), Error::sequence_wrong);
  EXPECT_EQ(open_error(opener, frames[0]), Error::none);
  EXPECT_EQ(open_error(opener, frames[0]), Error::record_replayed);
  EXPECT_EQ(open_error(opener, frames[1]), Error::none);
  EXPECT_EQ(open_error(opener, frames[3]), Error::sequence_wrong);
  EXPECT_EQ(open_error(opener, frames[0]), Error::record_replayed);
  EXPECT_EQ(opener.expected(), 2u);
}

// {time of the record, now, max_age, max_ahead in milliseconds, accepted}
TEST_P(Record, StalenessAtEveryEdge) {
  constexpr std::uint64_t top = ~std::uint64_t{0}, ms = 1'000'000;
  using std::chrono::milliseconds;
  const struct {
    int number;
    std::uint64_t time, now;
    milliseconds age, ahead;
    bool accepted;
  } cases[] = {
      {1, noon, noon, milliseconds(0), milliseconds(0), true},
      {2, noon, noon + 1, milliseconds(0), milliseconds(0), false},
      {3, noon + 1, noon, milliseconds(0), milliseconds(0), false},
      {4, noon, noon + 60'000 * ms, milliseconds(60'000), milliseconds(0), true},
      {5, noon, noon + 60'000 * ms + 1, milliseconds(60'000), milliseconds(0), false},
      {6, noon + 1'000 * ms, noon, milliseconds(0), milliseconds(1'000), true},
      {7, noon + 1'000 * ms + 1, noon, milliseconds(0), milliseconds(1'000), false},
      {8, 0, top, milliseconds(60'000), milliseconds(1'000), false},
      {9, top, 0, milliseconds(60'000), milliseconds(1'000), false},
      {10, top, top, milliseconds(60'000), milliseconds(1'000), true},
      {11, 0, 0, milliseconds(60'000), milliseconds(1'000), true},
      {12, top, top - 1'000 * ms, milliseconds(60'000), milliseconds(1'000), true},
      {13, top, top - 1'000 * ms - 1, milliseconds(60'000), milliseconds(1'000), false},
      {14, top - 60'000 * ms, top, milliseconds(60'000), milliseconds(1'000), true},
      {15, top - 60'000 * ms - 1, top, milliseconds(60'000), milliseconds(1'000), false},
      {16, 0, 60'000 * ms + 1, milliseconds(60'000), milliseconds(1'000), false},
      {17, 0, top, milliseconds::max(), milliseconds(0), true},
      {18, top, 0, milliseconds(0), milliseconds::max(), true},
      {19, 0, 1, milliseconds(-5), milliseconds(-5), false},
      {20, 1, 0, milliseconds::min(), milliseconds::min(), false},
      {21, 7, 7, milliseconds::min(), milliseconds::min(), true},
  };
  for (const auto& step : cases) {
    for (const bool ordered : {true, false}) {
      Limits limits;
      limits.max_age = step.age;
      limits.max_ahead = step.ahead;
      auto [sealer, opener] = direction(ordered, {}, limits);
      const Bytes frame = seal(sealer, "x", step.time);
      EXPECT_EQ(open_error(opener, frame, step.now), step.accepted ? Error::none : Error::record_stale)
          << "case " << step.number;
    }
  }
}

TEST_P(Record, HardStopOfTheSequenceNumber) {
  auto [sealer, opener] = direction();
  RecordProbe::sequence(sealer, max_records - 1);
  RecordProbe::sequence(opener, max_records - 1);
  EXPECT_EQ(open_error(opener, seal(sealer, "the last")), Error::none);
  EXPECT_EQ(try_seal(sealer, message("one too many")).error().code(), Error::counter_exhausted);
  EXPECT_EQ(try_seal(sealer, message("x")).error().code(), Error::closed);
  // A peer without the stop gets no further: not with the next number, not with the one that Noise reserves.
  for (const std::uint64_t sequence : {max_records, max_records + 1, ~std::uint64_t{0} - 1}) {
    EXPECT_EQ(open_error(opener, craft(test_key(GetParam()), message_header(sequence))), Error::frame_malformed);
  }
  Bytes reserved = craft(test_key(GetParam()), message_header(7));
  std::fill_n(reserved.begin() + 16, 8, std::byte{0xFF});
  EXPECT_EQ(open_error(opener, reserved), Error::frame_malformed);
}

TEST_P(Record, HardStopOfTheEpoch) {
  constexpr std::uint32_t last = ~std::uint32_t{0};
  auto [sealer, opener] = direction();
  RecordProbe::epoch(sealer, last - 1);
  RecordProbe::epoch(opener, last - 1);
  EXPECT_EQ(open_error(opener, seal(sealer, "x")), Error::none);
  sealer.rekey_next();
  EXPECT_EQ(open_error(opener, seal(sealer, "the last epoch")), Error::none);
  EXPECT_EQ(opener.epoch(), last);
  const auto key = test_key(GetParam()).rekeyed()->rekeyed();
  EXPECT_EQ(open_error(opener, craft(*key, message_header(2, 0))), Error::epoch_wrong) << "epoch + 1 must not wrap";
  sealer.rekey_next();
  EXPECT_EQ(try_seal(sealer, message("x")).error().code(), Error::counter_exhausted);
  EXPECT_EQ(try_seal(sealer, message("x")).error().code(), Error::closed);

  auto [second, unused] = direction();
  RecordProbe::epoch(second, last);
  (void)seal(second, "x");
  EXPECT_EQ(second.refresh(test_secret(1)).error().code(), Error::counter_exhausted);
  EXPECT_EQ(try_seal(second, message("x")).error().code(), Error::closed);
}

TEST_P(Record, APeerThatNeverChangesItsKeyIsStopped) {
  for (const bool ordered : {true, false}) {
    auto [sealer, opener] = direction(ordered);
    const auto key = test_key(GetParam());
    RecordProbe::used(opener, max_epoch_records - 1, 0);
    EXPECT_EQ(open_error(opener, craft(key, message_header(0))), Error::none);
    EXPECT_EQ(open_error(opener, craft(key, message_header(1))), Error::counter_exhausted);
    RecordProbe::used(opener, 5, max_epoch_bytes - 7);
    EXPECT_EQ(open_error(opener, craft(key, message_header(1), "8 bytes.")), Error::counter_exhausted);
    EXPECT_EQ(open_error(opener, craft(key, message_header(1), "7 bytes")), Error::none);
    EXPECT_EQ(open_error(opener, craft(key, message_header(2), "")), Error::none);
    EXPECT_EQ(open_error(opener, craft(key, message_header(3), "1")), Error::counter_exhausted);
    EXPECT_EQ(open_error(opener, craft(*key.rekeyed(), message_header(3, 1), "1")), Error::none) << "a new key may";
  }
}

TEST_P(Record, AHandshakeFrameIsNoRecord) {
  auto [sealer, opener] = direction();
  Header header = message_header(0);
  header.type = FrameType::handshake;
  EXPECT_EQ(open_error(opener, craft(test_key(GetParam()), header)), Error::frame_malformed);
}

TEST(RecordClock, IsTheMonotonicClockInNanoseconds) {
  timespec fine{};
  ASSERT_EQ(::clock_gettime(CLOCK_MONOTONIC, &fine), 0);
  const auto before = static_cast<std::uint64_t>(fine.tv_sec) * second + static_cast<std::uint64_t>(fine.tv_nsec);
  const std::uint64_t first = monotonic_time(), again = monotonic_time();
  EXPECT_GE(again, first);
  EXPECT_GE(first + second / 10, before) << "the coarse clock lags by ticks, not by tenths of a second";
}

TEST(RecordMemory, AnIdleOrderedDirectionIsSmall) {
  EXPECT_LE(sizeof(Sealer) + sizeof(Opener), 320u);
  EXPECT_LE(2 * (sizeof(Sealer) + sizeof(Opener)) + 4 * 512, 4096u);
}

INSTANTIATE_TEST_SUITE_P(Suites, Record, testing::Values(crypto::Cipher::aes256_gcm, crypto::Cipher::chacha20_poly1305),
                         [](const auto& which) {
                           return which.param == crypto::Cipher::aes256_gcm ? "AES256GCM" : "ChaCha20Poly1305";
                         });

}  // namespace
}  // namespace penstock::protocol
