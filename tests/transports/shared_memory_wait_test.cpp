// Waking, with a control carrier that does what the test says: what is heard in passing is told to whoever waits (docs/MODEL.md).
#include <gtest/gtest.h>

#include <new>
#include <vector>

#include "transports/shared_memory_carrier.hpp"
#include "transports/traits.hpp"

namespace penstock::transport {
namespace {

constexpr std::size_t segment_size = ring_offset + smallest_ring;

/// Bytes and completions come when the test says so.
class Control final : public Carrier {
 public:
  std::vector<std::byte> incoming, outgoing;
  WaitHandler readable, writable;

  [[nodiscard]] const CarrierTraits& traits() const noexcept override { return pipe_traits; }
  [[nodiscard]] const PeerIdentity& peer() const noexcept override { return nobody_; }
  [[nodiscard]] const PeerIdentity& self() const noexcept override { return nobody_; }
  [[nodiscard]] result<void> sender_checks(bool) override { return {}; }
  [[nodiscard]] result<std::size_t> send(bytes_view bytes, std::span<const native_handle>, Wait) override {
    outgoing.insert(outgoing.end(), bytes.begin(), bytes.end());
    return bytes.size();
  }
  [[nodiscard]] result<Received> receive(bytes_span buffer, HandleList&, Wait) override {
    if (incoming.empty()) return Error::would_block;
    const auto size = std::min(buffer.size(), incoming.size());
    std::copy_n(incoming.begin(), size, buffer.begin());
    incoming.erase(incoming.begin(), incoming.begin() + static_cast<std::ptrdiff_t>(size));
    return Received{size, std::nullopt};
  }
  [[nodiscard]] result<void> wait(Readiness, Deadline) override { return Error::deadline_exceeded; }
  [[nodiscard]] result<void> attach(const boost::asio::any_io_executor&) override { return {}; }
  void detach() override {}
  void async_wait(Readiness readiness, WaitHandler handler) override {
    (readiness == Readiness::writable ? writable : readable) = std::move(handler);
  }
  void cancel_waits() noexcept override {}
  [[nodiscard]] native_handle native() const noexcept override { return no_handle; }
  void close() noexcept override {}

  /// What a reactor would do now: output is always possible, input only when there is some.
  void turn() {
    if (writable) std::exchange(writable, WaitHandler())(boost::system::error_code());
    if (readable && !incoming.empty()) std::exchange(readable, WaitHandler())(boost::system::error_code());
  }

 private:
  PeerIdentity nobody_;
};

/// One end, and the other's segment in our hands.
struct End {
  End() {
    auto own = make_segment(segment_size);
    auto theirs = make_segment(segment_size);
    if (!own || !theirs) throw std::runtime_error("no segments");
    numbers = new (theirs->memory.data()) SegmentHeader{};
    auto made = std::make_unique<Control>();
    control = made.get();
    auto shared = SharedMemoryCarrier::make(std::move(made), std::move(own->memory), std::move(theirs->memory));
    if (!shared) throw std::runtime_error("no carrier");
    carrier = std::move(*shared);
  }
  Control* control = nullptr;
  SegmentHeader* numbers = nullptr;
  std::unique_ptr<Carrier> carrier;
};

constexpr std::byte bell{0};

TEST(SharedMemoryWait, ABellHeardByAnotherOperationWakesTheWaitThatItIsFor) {
  End end;
  const std::vector<std::byte> full(smallest_ring);
  ASSERT_EQ(*end.carrier->send(full, {}, Wait::no), smallest_ring);
  ASSERT_EQ(end.carrier->send(full, {}, Wait::no).error(), Error::would_block);
  bool woken = false;
  end.carrier->async_wait(Readiness::writable, [&](boost::system::error_code ec) { woken = !ec; });
  end.control->turn();
  EXPECT_FALSE(woken);
  // The peer takes everything and rings, once. Somebody who polls for data hears it.
  end.numbers->taken.store(smallest_ring);
  end.control->incoming.push_back(bell);
  std::array<std::byte, 16> buffer;
  HandleList handles;
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(end.carrier->receive(buffer, handles, Wait::no).error(), Error::would_block);
  ASSERT_TRUE(end.control->incoming.empty());
  end.control->turn();
  EXPECT_TRUE(woken);
}

TEST(SharedMemoryWait, WhoSleepsIsRungForOnceAndWhoDoesNotNever) {
  End end;
  const std::vector<std::byte> some(100);
  ASSERT_TRUE(end.carrier->send(some, {}, Wait::no));
  EXPECT_TRUE(end.control->outgoing.empty());
  end.numbers->wants_data.store(1);
  ASSERT_TRUE(end.carrier->send(some, {}, Wait::no));
  ASSERT_TRUE(end.carrier->send(some, {}, Wait::no));
  EXPECT_EQ(end.control->outgoing.size(), 1u);
  end.numbers->wants_data.store(3);
  ASSERT_TRUE(end.carrier->send(some, {}, Wait::no));
  EXPECT_EQ(end.control->outgoing.size(), 2u);
}

TEST(SharedMemoryWait, WhatIsThereAlreadyCompletesInALaterTurn) {
  End end;
  bool woken = false;
  end.carrier->async_wait(Readiness::writable, [&](boost::system::error_code ec) { woken = !ec; });
  EXPECT_FALSE(woken);
  end.control->turn();
  EXPECT_TRUE(woken);
}

}  // namespace
}  // namespace penstock::transport
