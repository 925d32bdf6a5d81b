// The whole channel state machine against a hostile peer that holds valid keys: an honest handshake, then whatever the input
// says: authentic records of any kind and content, raw bytes, the end of the stream, in any order with the application's own
// sends, calls, receives, replies and closes. What is delivered keeps its bounds, and nothing is delivered after the end.
#include <list>

#include "fuzz/honest_session.hpp"
#include "protocol/channel_core.hpp"

namespace {

using namespace penstock;
using namespace penstock::protocol;
using fuzz::max_message;
using fuzz::policy;
using fuzz::require;

class Play {
 public:
  Play(const std::uint8_t* data, std::size_t size) : in_(data, size) {}

  void run() {
    const bool initiator = (in_.byte() & 1) != 0;
    auto carrier = std::make_unique<fuzz::MemoryCarrier>();
    carrier_ = carrier.get();
    auto sessions = fuzz::honest_sessions(initiator, *carrier);
    peer_.emplace(std::move(sessions.theirs));
    core_.emplace(std::move(carrier), std::move(sessions.ours), fuzz::settings());
    while (!in_.empty()) step();
    core_->close_gracefully();
    settle();
  }

 private:
  void step() {
    switch (in_.byte() % 14) {
      case 0: case 1: case 2: case 3: return peer_record();
      case 4: return peer_bytes();
      case 5: carrier_->ended = true; return;
      case 6: carrier_->congested = !carrier_->congested; return;
      case 7: case 8: return receive();
      case 9: return send();
      case 10: return call();
      case 11: return reply();
      case 12:
        if (!calls_.empty()) forget();
        return;
      default:
        (void)core_->refresh_keys();
        (void)core_->flush(transport::Wait::no);
    }
  }

  void peer_record() {
    constexpr FrameType types[] = {FrameType::message, FrameType::request, FrameType::reply, FrameType::cancel,
                                   FrameType::rekey,   FrameType::close,   FrameType::confirm};
    const auto shape = in_.byte();
    Outgoing record;
    record.type = types[(shape & 7) % std::size(types)];
    record.flags = static_cast<std::uint8_t>((shape >> 3) & (flag_more | flag_continued));
    record.handles = (shape & 0x80) != 0 ? 1 : 0;
    if ((shape & 0x40) != 0) peer_->sealer.rekey_next();
    const auto body = in_.take(in_.number<std::uint16_t>() % 6000);
    record.body = body;
    std::vector<std::byte> frame(record_overhead + body.size());
    const auto sealed = peer_->sealer.seal(record, frame, monotonic_time());
    if (!sealed) return;
    carrier_->incoming.insert(carrier_->incoming.end(), frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(*sealed));
  }

  void peer_bytes() {
    const auto bytes = in_.take(in_.byte());
    carrier_->incoming.insert(carrier_->incoming.end(), bytes.begin(), bytes.end());
  }

  void receive() {
    const bool was_open = core_->is_open();
    std::vector<std::byte> buffer(in_.number<std::uint16_t>() % (max_message + 1));
    ReceiveTarget target;
    target.buffer = buffer;
    if (was_open) core_->set_target(&target);
    const auto stepped = core_->step(transport::Wait::no);
    if (was_open && !target.done) core_->set_target(nullptr);
    settle();
    require(was_open || !stepped, "a step after the end");
    if (!target.done) return;
    require(was_open, "delivery after the end");
    require(target.incoming.size <= max_message, "delivery beyond the limit");
    if (target.failure.code() != Error::none) return;
    require(target.incoming.size <= buffer.size(), "delivery beyond the buffer");
    require(policy().rules()[0].operations[0] == target.incoming.operation() || target.incoming.operation() == "message",
            "an operation that policy does not allow");
    if (target.incoming.kind == MessageKind::request) requests_.push_back(target.incoming.request);
  }

  void send() {
    OutgoingMessage message;
    message.header.type = FrameType::message;
    const auto body = in_.take(in_.number<std::uint16_t>() % 5000);
    message.body = body;
    finish(message);
  }

  void finish(OutgoingMessage& message) {
    if (!core_->check(message)) return;
    for (int tries = 0; tries < 4; ++tries) {
      const auto sealed = core_->seal(message, ChannelCore::Pause::at_bound);
      if (!sealed || *sealed) break;
      (void)core_->flush(transport::Wait::no);
    }
    // Half a message left behind would be a broken promise of this program, not of the peer.
    if (message.started && message.offset < message.body.size()) core_->close(Error::closed);
    (void)core_->flush(transport::Wait::no);
    settle();
  }

  void call() {
    if (!core_->is_open()) return;
    auto& made = calls_.emplace_back();
    made.buffer.resize(in_.byte());
    made.pending.reply_buffer = made.buffer;
    OutgoingMessage message;
    message.header.type = FrameType::request;
    message.header.operation = "a";
    if (!core_->begin_call(made.pending, message)) {
      calls_.pop_back();
      return;
    }
    finish(message);
  }

  void forget() {
    core_->forget(calls_.front().pending);
    calls_.pop_front();
    settle();
  }

  void reply() {
    const RequestId id = requests_.empty() ? RequestId{in_.byte()} : requests_.back();
    const bool known = !requests_.empty();
    if (known) requests_.pop_back();
    auto message = core_->begin_reply(id, 1, {}, {});
    if (message) require(known, "an answer to a request that was not delivered");
    if (message) finish(*message);
  }

  /// Calls that are done leave; one that is done with a reply had its own number.
  void settle() {
    for (auto at = calls_.begin(); at != calls_.end();) {
      if (!at->pending.done) {
        require(core_->is_open(), "a call outlives its channel");
        ++at;
        continue;
      }
      if (at->pending.failure.code() == Error::none) {
        require(at->pending.reply.size <= at->buffer.size(), "a reply beyond its buffer");
      }
      at = calls_.erase(at);
    }
  }

  struct Call {
    PendingCall pending;
    std::vector<std::byte> buffer;
  };

  fuzz::Input in_;
  fuzz::MemoryCarrier* carrier_ = nullptr;
  std::optional<Session> peer_;
  std::list<Call> calls_;  // outlives the core, which points into it
  std::vector<RequestId> requests_;
  std::optional<ChannelCore> core_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Play(data, size).run();
  return 0;
}
