// Our end of a DDE conversation, in either role, against a peer that posts what the input says, when the input says: true messages, near
// lies, garbage, from its own window and from others. Memory stays bounded and is freed once, a state never goes back, after goodbye nothing
// is delivered and nothing posted but the answer to one, and nothing is delivered that no chunk carried.
#include <map>
#include <set>

#include "fuzz/input.hpp"
#include "transports/dde/conversation.hpp"

namespace {

using namespace penstock;
using namespace penstock::transport::dde;
using fuzz::require;

constexpr Id own_peer = 11, stranger = 12, frames = 0xC001;
constexpr Names names{.frames = frames, .format = 0xC002};

class Play {
 public:
  Play(const std::uint8_t* data, std::size_t size)
      : in_(data, size), role_((in_.byte() & 1) != 0 ? Role::client : Role::server), conversation_(role_, names) {}

  void run() {
    if ((in_.byte() & 7) != 0) set_up();
    while (!in_.empty()) {
      step();
      act();
      check();
    }
    finish();
  }

 private:
  // As an honest peer would, so that most inputs get past it.
  void set_up() {
    if (role_ == Role::client) {
      conversation_.initiate(now_);
      conversation_.answered(own_peer);
      conversation_.broadcast_done();
      conversation_.link(now_);
      act();
      receive({.kind = MessageKind::ack, .from = own_peer, .item = frames, .status = status_ack, .payload = {}});
    } else {
      conversation_.accept(own_peer, now_);
      receive({.kind = MessageKind::advise, .from = own_peer, .item = frames, .format = names.format, .status = status_ack_request, .payload = {}});
    }
    const std::array<std::byte, nonce_size> nonce{};
    conversation_.send_nonce(nonce, now_);
    conversation_.send_handle(4, now_);
    act();
    std::array<std::byte, nonce_size> other{};
    other[0] = std::byte{1};
    receive_chunk({.kind = ChunkKind::nonce, .payload = other}, own_peer);
    receive_chunk({.kind = ChunkKind::handle, .number = 8}, own_peer);
    act();
    require(conversation_.state() == State::connected, "an honest peer connects");
  }

  void step() {
    switch (in_.byte() % 12) {
      case 0:
      case 1:
      case 2:
        return receive_chunk(any_chunk(), from());
      case 3:
        return receive_ack();
      case 4:
        return receive(any_event());
      case 5: {
        const auto size = in_.number<std::uint16_t>() * 2u;
        if (conversation_.send(std::vector<std::byte>(size, std::byte{0x55}), now_)) ++sent_;
        return;
      }
      case 6:
      case 7:
        return take();
      case 8:
        now_ += std::chrono::milliseconds(in_.number<std::uint16_t>() / 4);
        return conversation_.tick(now_);
      case 9:
        if (in_.byte() == 0) conversation_.terminate(now_);
        return;
      case 10:
        if (in_.byte() == 0) conversation_.peer_gone();
        return;
      default:
        fail_posts_ = in_.byte() == 0;
        if (in_.byte() == 0) conversation_.initiate(now_);
        if (in_.byte() == 0) conversation_.accept(own_peer, now_);
        if (in_.byte() == 0 && !std::exchange(answered_[0], true)) conversation_.answered(own_peer);
        if (in_.byte() == 0 && !std::exchange(answered_[1], true)) conversation_.answered(stranger);
        if (in_.byte() == 0) (in_.byte() & 1) != 0 ? conversation_.broadcast_stopped() : conversation_.broadcast_done();
        if (in_.byte() == 0) conversation_.link(now_);
        return;
    }
  }

  Id from() { return (in_.byte() & 15) == 0 ? stranger : own_peer; }

  Chunk any_chunk() {
    Chunk chunk;
    const auto kind = in_.byte();
    chunk.kind = kind < 200 ? ChunkKind::frame : static_cast<ChunkKind>(kind % 6);
    const auto number = in_.byte();
    chunk.number = number < 240 ? next_ + number % 4 : in_.number<std::uint64_t>();
    if (chunk.kind != ChunkKind::frame) return chunk;
    chunk.total = in_.number<std::uint16_t>() * (in_.byte() % 3u);
    chunk.offset = in_.byte() % 10u * static_cast<std::uint32_t>(chunk_payload) + ((in_.byte() & 31) == 0 ? 1u : 0u);
    auto length = std::min<std::size_t>(chunk_payload, chunk.total > chunk.offset ? chunk.total - chunk.offset : 0);
    if ((in_.byte() & 31) == 0) length /= 2;
    payload_.assign(length, static_cast<std::byte>(chunk.number));
    chunk.payload = payload_;
    return chunk;
  }

  void receive_chunk(const Chunk& chunk, Id window) {
    Event event{.from = window, .payload = {}};
    std::vector<std::byte> bytes = encode_chunk(chunk);
    if (role_ == Role::server) {
      event.kind = MessageKind::execute;
      event.memory = 0x10000 + ++last_theirs_;
      bytes = encode_command(bytes);
    } else {
      event.kind = MessageKind::data;
      event.item = frames;
      event.format = names.format;
      event.status = status_ack_request;
    }
    event.payload = bytes;
    receive(event);
    const bool last = chunk.kind == ChunkKind::frame && chunk.offset + chunk.payload.size() == chunk.total;
    if (last && conversation_.state() == State::connected) ++next_;
  }

  void receive_ack() {
    Event event{.kind = MessageKind::ack, .from = from(), .item = frames, .status = (in_.byte() & 31) == 0 ? in_.number<std::uint16_t>() : status_ack, .payload = {}};
    if (role_ == Role::client) {
      event.item = 0;
      event.memory = memory_.empty() || (in_.byte() & 31) == 0 ? in_.byte() : *memory_.begin();
    }
    receive(event);
  }

  Event any_event() {
    Event event;
    event.kind = static_cast<MessageKind>(in_.byte() % 9);
    event.from = from();
    event.item = (in_.byte() & 1) != 0 ? frames : in_.number<std::uint16_t>();
    event.memory = in_.byte();
    event.format = (in_.byte() & 1) != 0 ? names.format : in_.number<std::uint16_t>();
    event.status = (in_.byte() & 1) != 0 ? status_ack : in_.number<std::uint16_t>();
    event.payload = in_.take(in_.byte());
    garbage_ = true;  // which may be a chunk, of any bytes
    return event;
  }

  void receive(const Event& event) {
    const bool heard = conversation_.peer() != 0 && event.from == conversation_.peer();
    const auto before = conversation_.state();
    const bool had_actions = pending_;
    conversation_.receive(event, now_);
    if (heard && before == State::connected && conversation_.state() == State::connected) carried_ += payload_of(event);
    if (heard || had_actions) return;
    require(conversation_.state() == before, "a stranger changes nothing");
    require(!conversation_.next_action(), "a stranger is not answered");
  }

  std::size_t payload_of(const Event& event) const {
    const bool text = event.kind == MessageKind::execute;
    if (event.kind != (role_ == Role::server ? MessageKind::execute : MessageKind::data)) return 0;
    const auto bytes = text ? decode_command(event.payload) : std::vector<std::byte>(event.payload.begin(), event.payload.end());
    const auto chunk = bytes ? decode_chunk(*bytes) : Error::frame_malformed;
    return chunk && chunk->kind == ChunkKind::frame ? chunk->payload.size() : 0;
  }

  void take() {
    std::array<std::byte, 3000> buffer;
    const auto before = conversation_.state();
    const auto got = conversation_.take(buffer, now_);
    if (!got) return;
    require(!said_goodbye_first_, "delivered after our goodbye");
    require(*got != 0 && (before == State::connected || before == State::closed), "delivered in a wrong state");
    for (std::size_t i = 1; i < *got && !garbage_; ++i) require(buffer[i] == buffer[0], "bytes of two datagrams");
    delivered_ += *got;
    require(delivered_ <= carried_, "more than was carried");
  }

  void act() {
    pending_ = false;
    while (const auto action = conversation_.next_action()) {
      if (action->kind == Action::Kind::release) {
        require(memory_.erase(action->memory) == 1, "freed twice, or never made");
        continue;
      }
      if (action->kind == Action::Kind::initiate) continue;
      require(action->to == own_peer || action->to == stranger, "posted to nobody");
      if (action->message == MessageKind::terminate) {
        require(++goodbyes_[action->to] <= 1, "a second goodbye");
        if (conversation_.state() == State::terminating) said_goodbye_first_ = true;
      } else if (action->owns_memory) {
        require(goodbyes_.empty(), "posted after goodbye");
      }
      if (!action->owns_memory) continue;
      if (fail_posts_) {
        conversation_.post_failed(now_);
        continue;
      }
      memory_.insert(++last_);
      conversation_.posted(last_, now_);
      require(memory_.size() <= most_unacknowledged, "too much under way");
    }
  }

  void check() {
    require(conversation_.state() >= state_, "a state goes back");
    state_ = conversation_.state();
    if (state_ == State::closed) require(memory_.empty(), "memory is left at the end");
    require((state_ >= State::terminating) == (conversation_.error() != Error::none), "an end has a reason");
  }

  // Whatever the peer does or leaves, time ends it.
  void finish() {
    conversation_.terminate(now_);
    act();
    now_ += std::chrono::hours(1);
    conversation_.tick(now_);
    act();
    require(conversation_.state() == State::closed, "closed in the end");
    require(memory_.empty(), "memory is left");
  }

  fuzz::Input in_;
  Role role_;
  Conversation conversation_;
  Time now_{};
  State state_ = State::idle;
  std::set<Id> memory_;
  Id last_ = 0, last_theirs_ = 0;
  std::vector<std::byte> payload_;
  std::uint64_t next_ = 0;
  std::uint64_t carried_ = 0, delivered_ = 0, sent_ = 0;
  std::map<Id, int> goodbyes_;
  std::array<bool, 2> answered_{};
  bool said_goodbye_first_ = false, fail_posts_ = false, pending_ = false, garbage_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Play(data, size).run();
  return 0;
}
