// Our end of a channel over shared memory, against a peer that holds valid keys and its own segment: the input decides what the peer
// writes into its numbers and its ring, what it says on the control carrier, and when. The `when` includes the moments inside our own calls at
// which they ask the control carrier for something. Nothing is read or written out of bounds, nothing loops, what is delivered was sealed.
#include <cstring>
#include <functional>
#include <new>

#include "fuzz/honest_session.hpp"
#include "protocol/channel_core.hpp"
#include "transports/duplicate.hpp"
#include "transports/shared_memory_carrier.hpp"

namespace {

using namespace penstock;
using namespace penstock::protocol;
using fuzz::max_message;
using fuzz::require;

constexpr std::size_t ring = transport::smallest_ring;
constexpr std::size_t segment_size = transport::ring_offset + ring;

/// A control carrier in whose calls the peer may act, and whose bytes may bring a handle.
class Control final : public fuzz::MemoryCarrier {
 public:
  std::function<void()> meanwhile;
  bool handle_next = false;

  [[nodiscard]] result<transport::Received> receive(bytes_span buffer, HandleList& handles, transport::Wait wait) override {
    meanwhile();
    auto received = MemoryCarrier::receive(buffer, handles, wait);
    if (received && std::exchange(handle_next, false)) {
      auto made = BufferMaker::make(16);
      auto sealed = made ? made->seal() : result<SealedBuffer>(made.error());
      auto copy = sealed ? transport::duplicate(sealed->native()) : result<Handle>(sealed.error());
      if (copy) handles.push(std::move(*copy));
    }
    return received;
  }
  [[nodiscard]] result<std::size_t> send(bytes_view bytes, std::span<const native_handle> handles, transport::Wait wait) override {
    meanwhile();
    outgoing.clear();
    return MemoryCarrier::send(bytes, handles, wait);
  }
  // A wait without a bound ends all the same: here nothing would ever come.
  [[nodiscard]] result<void> wait(transport::Readiness, transport::Deadline) override {
    meanwhile();
    return Error::deadline_exceeded;
  }
};

class Play {
 public:
  Play(const std::uint8_t* data, std::size_t size) : in_(data, size) {}

  void run() {
    auto control = std::make_unique<Control>();
    control_ = control.get();
    control->meanwhile = [this] {
      // At most a few times within one call: whoever writes without end keeps itself busy, not us.
      if (in_.empty() || depth_ != 0 || ++acts_ > 64) return;
      ++depth_;
      if ((in_.byte() & 3) == 0) peer_acts();
      --depth_;
    };
    auto sessions = fuzz::honest_sessions((in_.byte() & 1) != 0, *control);
    peer_.emplace(std::move(sessions.theirs));
    auto own = transport::make_segment(segment_size, ring);
    auto theirs = transport::make_segment(segment_size, ring);
    require(own && theirs, "segments");
    segment_ = theirs->memory.data();
    own_ = own->memory.data();
    auto carrier = transport::SharedMemoryCarrier::make(std::move(control), std::move(own->memory), std::move(theirs->memory));
    require(carrier.has_value(), "carrier");
    core_.emplace(std::move(*carrier), std::move(sessions.ours), fuzz::settings());
    while (!in_.empty() && core_->is_open()) {
      acts_ = 0;
      (in_.byte() & 1) != 0 ? peer_acts() : we_act();
    }
    core_->close_gracefully();
  }

 private:
  transport::SegmentHeader& numbers() { return *std::launder(reinterpret_cast<transport::SegmentHeader*>(segment_)); }
  const transport::SegmentHeader& ours() { return *std::launder(reinterpret_cast<const transport::SegmentHeader*>(own_)); }

  // A number near the truth, or any at all.
  std::uint64_t lie(std::uint64_t truth) {
    const auto kind = in_.byte();
    if (kind < 128) return truth + kind - 64;
    if (kind < 160) return truth + ring + kind - 144;
    return kind < 192 ? in_.number<std::uint64_t>() : truth;
  }

  void peer_acts() {
    if (!core_ || !core_->is_open()) return;
    switch (in_.byte() % 10) {
      case 0: case 1: case 2: return peer_record();
      case 3: numbers().written.store(lie(written_)); return;
      case 4: numbers().taken.store(lie(ours().written.load())); return;
      case 5: numbers().attachments.store(lie(attached_)); return;
      case 6: {
        numbers().wants_data.store(in_.byte());
        numbers().wants_room.store(in_.byte());
        return;
      }
      case 7: {
        const auto at = in_.number<std::uint16_t>() % ring;
        segment_[transport::ring_offset + at] ^= static_cast<std::byte>(in_.byte());
        return;
      }
      case 8: {
        const auto bytes = in_.take(in_.byte() % 16);
        control_->incoming.insert(control_->incoming.end(), bytes.begin(), bytes.end());
        control_->handle_next = (in_.byte() & 1) != 0;
        return;
      }
      default: control_->ended = in_.byte() > 200; return;
    }
  }

  // An authentic record, put into the ring as an honest peer would, with an attachment where it says that it has one.
  void peer_record() {
    constexpr FrameType types[] = {FrameType::message, FrameType::message, FrameType::request, FrameType::buffer};
    const auto shape = in_.byte();
    Outgoing record;
    record.type = types[shape & 3];
    record.handles = (shape & 4) != 0 ? 1 : 0;
    if (record.type == FrameType::message) record.flags = static_cast<std::uint8_t>((shape >> 3) & (flag_more | flag_continued));
    const auto body = in_.take(in_.number<std::uint16_t>() % 5000);
    record.body = body;
    std::vector<std::byte> frame(record_overhead + body.size());
    const auto sealed = peer_->sealer.seal(record, frame, monotonic_time());
    if (!sealed) return;
    if (record.handles != 0) {
      std::array<std::byte, transport::attachment_size> attachment{std::byte{1}, std::byte{1}};
      std::memcpy(attachment.data() + 2, &written_, sizeof written_);
      control_->incoming.insert(control_->incoming.end(), attachment.begin(), attachment.end());
      control_->handle_next = true;
      numbers().attachments.store(++attached_);
    }
    for (std::size_t i = 0; i < *sealed; ++i) segment_[transport::ring_offset + ((written_ + i) & (ring - 1))] = frame[i];
    written_ += *sealed;
    numbers().written.store(written_);
    sealed_ += body.size();
  }

  void we_act() {
    switch (in_.byte() % 4) {
      case 0: case 1: return receive();
      case 2: return send();
      default:
        (void)core_->carrier().wait((in_.byte() & 1) != 0 ? transport::Readiness::readable : transport::Readiness::writable,
                                    std::chrono::steady_clock::time_point());
    }
  }

  void receive() {
    std::vector<std::byte> buffer(in_.number<std::uint16_t>() % (max_message + 1));
    ReceiveTarget target;
    target.buffer = buffer;
    core_->set_target(&target);
    const auto stepped = core_->step(transport::Wait::no);
    if (!target.done) core_->set_target(nullptr);
    require(stepped || !core_->is_open(), "a failure that closes nothing");
    if (!target.done || target.failure.code() != Error::none) return;
    require(target.incoming.size <= buffer.size(), "delivery beyond the buffer");
    delivered_ += target.incoming.size;
    require(delivered_ <= sealed_, "more was delivered than was ever sealed");
  }

  void send() {
    OutgoingMessage message;
    message.header.type = FrameType::message;
    const auto body = in_.take(in_.number<std::uint16_t>() % 5000);
    message.body = body;
    if (!core_->check(message)) return;
    const auto sealed = core_->seal(message, ChannelCore::Pause::at_bound);
    // Half a message left behind would be a broken promise of this program, not of the peer.
    if (message.started && message.offset < message.body.size()) return core_->close(Error::closed);
    if (sealed) (void)core_->flush(transport::Wait::no);
  }

  fuzz::Input in_;
  Control* control_ = nullptr;
  std::byte* segment_ = nullptr;    // the peer's, as it has it: writable
  const std::byte* own_ = nullptr;  // ours, as it has it
  std::optional<Session> peer_;
  std::optional<ChannelCore> core_;
  std::uint64_t written_ = 0, attached_ = 0, sealed_ = 0, delivered_ = 0;
  int depth_ = 0, acts_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Play(data, size).run();
  return 0;
}
