// A peer that was admitted honestly and then lies beside its records: in its segment's numbers, on the control carrier, in the segment
// that it hands over. Each lie closes the channel, is recorded with its own reason, and delivers nothing. PS-SHM-03, PS-SHM-06, PS-SHM-07, PS-HS-15.
#include <functional>
#include <new>

#include "tests/channel/lies.hpp"
#include "transports/memory_segment.hpp"
#include "transports/ring.hpp"

namespace penstock::test {
namespace {

constexpr std::size_t ring = transport::smallest_ring;
constexpr std::size_t segment_size = transport::ring_offset + ring;

/// What a hostile peer sends as its segment: the record's payload and handles. May change both.
struct Offer {
  std::vector<std::byte> payload = std::vector<std::byte>(8);
  transport::OwnSegment segment;
  std::vector<native_handle> handles;
  std::uint8_t declared = 1;
  FrameType type = FrameType::segment;

  /// Another size than a ring may have, and memory that is really so large.
  void resize(std::uint64_t size) {
    auto made = transport::make_segment(transport::ring_offset + static_cast<std::size_t>(size));
    if (!made) throw std::runtime_error(std::string(made.error().sentence()));
    segment = std::move(*made);
    handles = {segment.for_peer.get()};
    protocol::put(payload.data(), size);
  }
};

class MemoryLies : public ::testing::Test {
 protected:
  using Change = std::function<void(Offer&)>;

  /// Connects, hands a segment over and takes the server's. With a `change`: hands that over, sees that it is refused, and then lets
  /// the listener's accept have an honest client.
  bool meet(const Change& change = {}) {
    auto options = listen_options();
    options.allow_shared_memory = true;
    options.audit = audit;
    auto opened = blocking::Listener::open(endpoint_in(directory), std::move(options));
    if (!opened) return false;
    bool met = false;
    std::thread connecting([&] {
      hostile = HostilePeer::before_segments(endpoint_in(directory), own_policy());
      met = hostile && exchange(change);
      if (!change) return;
      met = met && !hostile->sees_the_end();
      EXPECT_TRUE(blocking::connect(endpoint_in(directory), connect_options()));
    });
    auto accepted = opened->accept(std::chrono::seconds(60));
    connecting.join();
    if (accepted && met) server = std::move(*accepted);
    return met && server.is_open();
  }

  bool exchange(const Change& change) {
    auto made = transport::make_segment(segment_size, ring);
    if (!made) return false;
    Offer offer;
    offer.segment = std::move(*made);
    protocol::put(offer.payload.data(), std::uint64_t{ring});
    offer.handles = {offer.segment.for_peer.get()};
    if (change) change(offer);
    own = std::move(offer.segment.memory);
    if (!hostile->write(hostile->seal(offer.type, offer.payload, 0, offer.declared), offer.handles)) return false;
    // The server's own: 56 bytes and a handle.
    std::array<std::byte, protocol::record_overhead + 8> frame;
    HandleList handles;
    for (std::size_t held = 0; held < frame.size();) {
      const auto got = hostile->carrier->receive(std::span(frame).subspan(held), handles, transport::Wait::yes);
      if (!got) return false;
      held += got->size;
    }
    std::array<std::byte, 8> payload;
    if (!hostile->session->opener.open(frame, payload.data(), protocol::monotonic_time()) || handles.size() != 1) return false;
    auto mapped = transport::map_peer_segment(handles[0], transport::ring_offset + protocol::get<std::uint64_t>(payload.data()));
    if (!mapped) return false;
    peer = std::move(*mapped);
    return true;
  }

  transport::SegmentHeader& numbers() { return *std::launder(reinterpret_cast<transport::SegmentHeader*>(own.data())); }

  /// Puts a frame into the ring at its beginning, and publishes it.
  void publish(bytes_view frame) {
    std::ranges::copy(frame, own.data() + transport::ring_offset);
    numbers().written.store(frame.size());
  }
  void say(std::initializer_list<int> values, std::span<const native_handle> handles = {}) {
    ASSERT_TRUE(hostile->write(bytes(values), handles));
  }
  void attach(std::uint64_t position, std::span<const native_handle> handles, std::uint8_t declared = 1) {
    std::vector<std::byte> message(10);
    message[0] = std::byte{1};
    message[1] = static_cast<std::byte>(declared);
    protocol::put(message.data() + 2, position);
    ASSERT_TRUE(hostile->write(message, handles));
  }
  void expect_refused(Error why) {
    std::vector<std::byte> buffer(100'000);
    const auto got = server.receive(buffer, std::chrono::seconds(60));
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code(), why) << error_name(got.error().code());
    EXPECT_EQ(server.close_reason().code(), why);
    EXPECT_EQ(audit->count(AuditKind::channel_closed, why), 1u);
    EXPECT_TRUE(hostile->sees_the_end());
  }
  void expect_no_channel(const Change& change, Error why) {
    EXPECT_FALSE(meet(change));
    EXPECT_EQ(audit->count(AuditKind::peer_refused, why), 1u) << error_name(why);
    EXPECT_FALSE(server.is_open());
  }

  TempDirectory directory;
  std::shared_ptr<RecordingAudit> audit = std::make_shared<RecordingAudit>();
  blocking::Channel server;
  std::optional<HostilePeer> hostile;
  transport::Mapping own, peer;
  Handle file = file_with("x");
  native_handle one[1] = {file.get()};
};

TEST_F(MemoryLies, TheTruthIsDelivered) {
  ASSERT_TRUE(meet());
  attach(0, one);
  numbers().attachments.store(1);
  publish(hostile->seal(FrameType::message, bytes({1, 2, 3}), 0, 1));
  say({0, 0, 0});
  std::vector<std::byte> buffer(16);
  const auto got = server.receive(buffer, std::chrono::seconds(60));
  ASSERT_TRUE(got) << got.error().sentence();
  EXPECT_EQ(got->size, 3u);
  EXPECT_EQ(got->handles.size(), 1u);
}

TEST_F(MemoryLies, Atk13MoreWrittenThanTheRingHolds) {
  ASSERT_TRUE(meet());
  numbers().written.store(ring + 1);
  expect_refused(Error::frame_malformed);
}

TEST_F(MemoryLies, Atk13NumbersAtTheEndOfTheirRange) {
  ASSERT_TRUE(meet());
  numbers().written.store(~std::uint64_t{0});
  expect_refused(Error::frame_malformed);
}

TEST_F(MemoryLies, Atk13GarbageInTheRing) {
  ASSERT_TRUE(meet());
  numbers().written.store(ring);
  expect_refused(Error::frame_malformed);
}

TEST_F(MemoryLies, Atk13ARecordThatNobodySealed) {
  ASSERT_TRUE(meet());
  auto frame = hostile->seal(FrameType::message, pattern(100));
  frame[50] ^= std::byte{1};
  publish(frame);
  expect_refused(Error::record_forged);
}

TEST_F(MemoryLies, Atk13TakenWhatWasNeverWritten) {
  ASSERT_TRUE(meet());
  numbers().taken.store(1'000'000);
  const auto sent = server.send(pattern(600'000));
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error(), Error::frame_malformed);
  EXPECT_EQ(server.close_reason().code(), Error::frame_malformed);
}

// Odd, even, or another at every look: it is rung for now and then, and nothing else happens.
TEST_F(MemoryLies, Atk13WishesThatMeanNothing) {
  ASSERT_TRUE(meet());
  for (std::uint32_t wish = 1; wish < 200; wish += 2) {
    numbers().wants_data.store(wish);
    numbers().wants_room.store(wish * 3);
    ASSERT_TRUE(server.send(pattern(16)));
  }
  publish(hostile->seal(FrameType::message, bytes({1, 2, 3})));
  std::vector<std::byte> buffer(16);
  EXPECT_TRUE(server.receive(buffer, std::chrono::seconds(60)));
}

TEST_F(MemoryLies, WhatIsNeitherABellNorAnAttachment) {
  ASSERT_TRUE(meet());
  say({2});
  expect_refused(Error::frame_malformed);
}

TEST_F(MemoryLies, Atk12HandlesOnABell) {
  ASSERT_TRUE(meet());
  say({0}, one);
  expect_refused(Error::handles_mismatch);
}

TEST_F(MemoryLies, Atk12AnAttachmentThatCountsWrong) {
  for (const std::uint8_t declared : {std::uint8_t{0}, std::uint8_t{2}, std::uint8_t{255}}) {
    audit = std::make_shared<RecordingAudit>();
    ASSERT_TRUE(meet());
    attach(0, one, declared);
    expect_refused(Error::handles_mismatch);
  }
}

TEST_F(MemoryLies, Atk12AnAttachmentOfNothing) {
  ASSERT_TRUE(meet());
  attach(0, {}, 1);
  expect_refused(Error::handles_mismatch);
}

TEST_F(MemoryLies, Atk12AnAttachmentForAByteThatWasTaken) {
  ASSERT_TRUE(meet());
  const auto frame = hostile->seal(FrameType::message, bytes({1, 2, 3}));
  publish(frame);
  std::vector<std::byte> buffer(16);
  ASSERT_TRUE(server.receive(buffer, std::chrono::seconds(60)));
  attach(frame.size() - 1, one);
  numbers().attachments.store(1);
  numbers().written.store(frame.size() + 10);
  expect_refused(Error::handles_mismatch);
}

TEST_F(MemoryLies, Atk12MoreAttachmentsThanMayWait) {
  ASSERT_TRUE(meet());
  for (std::uint64_t i = 0; i < 17; ++i) attach(1000 + i, one);
  expect_refused(Error::handles_limit);
}

// Announced and never sent: its bytes wait with it, and whoever receives keeps to its own deadline.
TEST_F(MemoryLies, Atk24AnAttachmentThatNeverComes) {
  ASSERT_TRUE(meet());
  numbers().attachments.store(1);
  publish(hostile->seal(FrameType::message, bytes({1, 2, 3})));
  std::vector<std::byte> buffer(16);
  EXPECT_EQ(server.receive(buffer, std::chrono::milliseconds(1)).error(), Error::deadline_exceeded);
  hostile->carrier->close();
  EXPECT_EQ(server.receive(buffer, std::chrono::seconds(60)).error(), Error::handles_mismatch);
}

TEST_F(MemoryLies, Atk26TheEndInTheMiddleOfARecord) {
  ASSERT_TRUE(meet());
  const auto frame = hostile->seal(FrameType::message, pattern(100));
  publish(std::span(frame).first(frame.size() - 1));
  hostile->carrier->close();
  std::vector<std::byte> buffer(100);
  EXPECT_EQ(server.receive(buffer, std::chrono::seconds(60)).error(), Error::truncated);
}

TEST_F(MemoryLies, Atk14ASegmentOfAnotherSize) {
  expect_no_channel([](Offer& offer) { protocol::put(offer.payload.data(), std::uint64_t{2 * ring}); }, Error::segment_invalid);
}

TEST_F(MemoryLies, Atk14ASizeThatNoRingHas) {
  for (const std::uint64_t size : {std::uint64_t{0}, std::uint64_t{2048}, std::uint64_t{12288}, std::uint64_t{2} * transport::largest_ring}) {
    audit = std::make_shared<RecordingAudit>();
    expect_no_channel([size](Offer& offer) { offer.resize(size); }, Error::segment_invalid);
  }
  audit = std::make_shared<RecordingAudit>();
  expect_no_channel([](Offer& offer) { protocol::put(offer.payload.data(), ~std::uint64_t{0} - 4095); }, Error::segment_invalid);
}

TEST_F(MemoryLies, Atk14AFileInPlaceOfASegment) {
  expect_no_channel([this](Offer& offer) { offer.handles = {file.get()}; }, Error::segment_invalid);
}

TEST_F(MemoryLies, Atk12ASegmentRecordWithoutItsHandle) {
  expect_no_channel(
      [](Offer& offer) {
        offer.handles.clear();
        offer.declared = 0;
      },
      Error::handles_mismatch);
}

TEST_F(MemoryLies, Atk12ASegmentRecordThatDeclaresNoneOrBringsTwo) {
  expect_no_channel([](Offer& offer) { offer.declared = 0; }, Error::handles_mismatch);
  audit = std::make_shared<RecordingAudit>();
  expect_no_channel([this](Offer& offer) { offer.handles.push_back(file.get()); }, Error::handles_mismatch);
}

TEST_F(MemoryLies, AMessageBeforeTheSegment) {
  expect_no_channel([](Offer& offer) { offer.type = FrameType::message; }, Error::message_malformed);
}

TEST_F(MemoryLies, AnythingElseInPlaceOfASegmentRecord) {
  expect_no_channel([](Offer& offer) { offer.payload.resize(9); }, Error::frame_malformed);
}

}  // namespace
}  // namespace penstock::test
