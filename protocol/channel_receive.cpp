// The channel's receiving half: frames become messages, calls end, everything else ends the channel.
#include <algorithm>

#include "protocol/channel_core.hpp"
#include "protocol/wire.hpp"

namespace penstock::protocol {
namespace {

constexpr std::uint8_t chunk_flags = flag_more | flag_continued;

bool is_application(FrameType type) noexcept {
  return type == FrameType::message || type == FrameType::request || type == FrameType::reply;
}

}  // namespace

void ChannelCore::set_target(ReceiveTarget* target) {
  // A message half in the old target's buffer is kept for the next.
  if (assembly_.active && assembly_.destination == Destination::target) assembly_.move_to_owned();
  target_ = target;
}

bool ChannelCore::inbound_full() const noexcept {
  if (target_ != nullptr) return false;
  return queue_.size() >= limits().inbound_messages || queued_bytes_ >= limits().inbound_bytes ||
         queued_handles_ >= limits().inbound_handles;
}

result<ChannelCore::Step> ChannelCore::step(transport::Wait wait) {
  if (target_ != nullptr && deliver_queued()) return Step::progress;
  for (;;) {
    if (!is_open()) return reason_;
    if (inbound_full()) return Step::paused;
    const auto frame = inbox_.next_frame(*carrier_);
    if (!frame) return failed<Step>(frame.error());
    if (*frame) {
      const auto done = on_frame(**frame);
      if (!done) return failed<Step>(done.error());
      if (*done) return Step::progress;
      continue;
    }
    // Nobody sleeps on what the peer may be waiting for: an answer to a rekey, a refusal.
    if (wait == transport::Wait::yes && has_output()) {
      (void)flush(transport::Wait::no);
      if (!is_open()) return reason_;
      // The rest leaves when the peer reads on: to sleep on what it sends alone could last for ever.
      if (has_output()) wait = transport::Wait::no;
    }
    const auto filled = fill(wait);
    if (filled) continue;
    if (filled.error() == Error::would_block) return Step::need_input;
    return failed<Step>(filled.error());
  }
}

result<void> ChannelCore::fill(transport::Wait wait) {
  const bool polls = this->polls(assembly_.active);
  if (polls && wait == transport::Wait::yes) {
    const auto polled = poll_input();
    if (polled || polled.error() != Error::would_block) return polled;
  }
  auto filled = inbox_.fill(*carrier_, wait);
  if (filled && polls && poll_.slept()) poll_.woken(PollBudget::clock::now());
  return filled;
}

// Bounded by the budget, which is bounded by the options: a peer cannot make us spin for longer.
result<void> ChannelCore::poll_input() {
  const auto start = PollBudget::clock::now();
  auto now = start;
  while (now - start < poll_.budget()) {
    const auto filled = inbox_.fill(*carrier_, transport::Wait::no);
    if (filled) {
      poll_.hit();
      return filled;
    }
    if (filled.error() != Error::would_block) return filled;
    now = PollBudget::clock::now();
  }
  poll_.miss(now);
  return Error::would_block;
}

result<ChannelCore::Step> ChannelCore::poll_before_sleep() {
  if (!polls(assembly_.active)) return Step::need_input;
  const auto polled = poll_input();
  if (polled) return step(transport::Wait::no);
  if (polled.error() == Error::would_block) return Step::need_input;
  return failed<Step>(polled.error());
}

result<HandleList> ChannelCore::claim_handles(std::size_t count) {
  auto& arrived = inbox_.arrived();
  if (count > limits().max_handles) return Error::handles_limit;
  if (count != 0 && arrived.size() != count) return Error::handles_mismatch;
  // Handles come with their frame's first byte: with no further frame begun, nobody will declare these (ATK-12).
  if (count == 0 && !arrived.empty() && inbox_.empty()) return Error::handles_mismatch;
  return count == 0 ? HandleList() : std::exchange(arrived, HandleList());
}

result<bool> ChannelCore::on_frame(const Frame& frame) {
  // next_frame has decoded this header: the claims are well-formed, but nobody has signed them yet.
  const auto header = decode(frame.record.header);
  if (!header) return header.error();
  const std::size_t payload = frame.record.ciphertext.size();
  const bool chunked = (header->flags & chunk_flags) != 0;

  // Straight into the memory where it is wanted, if its place is known. A forged record leaves no more than zeros there.
  std::byte* direct = nullptr;
  bool into_target = false;
  if (header->type == FrameType::message && !chunked && !assembly_.active && target_ != nullptr && queue_.empty() &&
      payload <= target_->buffer.size()) {
    direct = target_->buffer.data();
    into_target = true;
  } else if (assembly_.active && header->type == assembly_.type && (header->flags & flag_continued) != 0 &&
             assembly_.destination != Destination::discarded && payload <= assembly_.total - assembly_.filled) {
    assembly_.make_room(payload);
    direct = assembly_.next();
  }
  std::byte* out = direct != nullptr ? direct : inbox_.place();

  const auto opened = session_.opener.open(frame.record, out, monotonic_time());
  if (!opened) return opened.error();
  if (auto taken = inbox_.consume(*carrier_, frame, direct == nullptr); !taken) return taken.error();
  bytes_received_ += payload;
  // ATK-26: where records may come in any order, those of one message may not, nor may one of them be another message's.
  const auto before = std::exchange(last_opened_, opened->header.sequence);
  if (assembly_.active && opened->header.sequence != before + 1) {
    if (direct != nullptr) crypto::wipe({direct, payload});
    return Error::sequence_wrong;
  }

  auto handles = claim_handles(opened->header.handles);
  if (!handles) return handles.error();
  if (into_target) {
    target_->incoming = Incoming();
    target_->incoming.size = payload;
    target_->incoming.handles = std::move(*handles);
    if (!session_.info.admission.allows("message")) {
      record_refused_operation("message");
      target_->incoming = Incoming();
      crypto::wipe(target_->buffer.first(payload));
      return Error::operation_refused;
    }
    target_->incoming.set_operation("message");
    target_->done = true;
    target_ = nullptr;
    return true;
  }
  if (opened->header.type == FrameType::buffer) return on_buffer(*opened, std::move(*handles));
  if (!is_application(opened->header.type)) return on_control(*opened);
  if ((opened->header.flags & flag_continued) != 0) return on_next_chunk(*opened, direct != nullptr);
  return on_first_chunk(*opened, std::move(*handles));
}

result<bool> ChannelCore::on_first_chunk(const Opened& record, HandleList handles) {
  if (assembly_.active) return Error::message_malformed;
  const bool more = (record.header.flags & flag_more) != 0;
  const auto decoded = decode_message(record.header.type, more, record.payload);
  if (!decoded) return decoded.error();
  const auto body = record.payload.subspan(decoded->size);
  const auto total = decoded->header.total.value_or(body.size());
  if (total > limits().max_message) return Error::message_too_large;

  assembly_.active = true;
  assembly_.type = record.header.type;
  assembly_.total = total;
  if (auto chosen = choose_destination(decoded->header, total, std::move(handles)); !chosen) return chosen.error();
  assembly_.make_room(body.size());
  if (auto* at = assembly_.next(); at != nullptr) std::copy(body.begin(), body.end(), at);
  assembly_.filled = body.size();
  return more ? false : on_assembled();
}

result<bool> ChannelCore::on_next_chunk(const Opened& record, bool already_there) {
  if (!assembly_.active || record.header.type != assembly_.type) return Error::message_malformed;
  if (record.header.handles != 0) return Error::handles_mismatch;  // they belong to a message's first record
  const auto size = record.payload.size();
  if (size == 0 || size > assembly_.total - assembly_.filled) return Error::message_malformed;
  if (!already_there) {
    assembly_.make_room(size);
    if (auto* at = assembly_.next(); at != nullptr) std::copy(record.payload.begin(), record.payload.end(), at);
  }
  assembly_.filled += size;
  const bool more = (record.header.flags & flag_more) != 0;
  if (more == (assembly_.filled == assembly_.total)) return Error::message_malformed;
  return more ? false : on_assembled();
}

result<void> ChannelCore::choose_destination(const MessageHeader& header, std::uint64_t total, HandleList handles) {
  auto& incoming = assembly_.message.incoming;
  incoming.handles = std::move(handles);
  incoming.size = total;
  if (header.type == FrameType::reply) return match_reply(header, total);
  if (header.type == FrameType::message) {
    if (!session_.info.admission.allows("message")) {
      record_refused_operation("message");
      return Error::operation_refused;
    }
    incoming.set_operation("message");
  }
  if (header.type == FrameType::request) {
    if (auto admitted = admit_request(header); !admitted) return admitted.error();
    if (assembly_.destination == Destination::discarded) return {};
  }
  choose_place(total);
  return {};
}

// Straight into the memory of whoever receives, if somebody does and it fits.
void ChannelCore::choose_place(std::uint64_t total) noexcept {
  const bool fits = target_ != nullptr && queue_.empty() && total <= target_->buffer.size();
  assembly_.destination = fits ? Destination::target : Destination::owned;
  assembly_.memory = fits ? target_->buffer.data() : nullptr;
}

result<void> ChannelCore::admit_request(const MessageHeader& header) {
  // Numbers only rise: a request shown twice is not two requests.
  if (header.id <= last_request_) return Error::message_malformed;
  last_request_ = header.id;
  auto& incoming = assembly_.message.incoming;
  incoming.kind = MessageKind::request;
  incoming.request = RequestId{header.id};
  incoming.set_operation(header.operation);
  if (!session_.info.admission.allows(header.operation)) {
    record_refused_operation(header.operation);
    return refuse_request(header.id, Outcome::refused);
  }
  if (requests_.size() + cancelled_.size() >= limits().pending_requests) {
    return refuse_request(header.id, Outcome::busy);
  }
  requests_.push_back(header.id);
  return {};
}

// A refused request is answered here and never reaches the application; its handles are closed with the assembly.
result<void> ChannelCore::refuse_request(std::uint64_t id, Outcome outcome) {
  assembly_.destination = Destination::discarded;
  // A peer that asks without ever reading the answers would grow this without a bound.
  if (refused_.size() >= limits().pending_requests) return Error::queue_full;
  refused_.push_back({id, outcome});
  return seal_refusals();
}

// As many as there is room for, in order; never in the middle of a message of ours. The others wait for the next write.
result<void> ChannelCore::seal_refusals() {
  std::size_t told = 0;
  result<void> sealed;
  for (; sealed && told < refused_.size() && !mid_message_; ++told) {
    std::array<std::byte, max_message_header> answer;
    MessageHeader header;
    header.type = FrameType::reply;
    header.id = refused_[told].id;
    header.outcome = refused_[told].outcome;
    const auto size = encode(header, answer);
    if (!outbox_.has_room(size)) break;
    sealed = seal_record(FrameType::reply, std::span(answer).first(size));
  }
  refused_.erase(refused_.begin(), refused_.begin() + static_cast<std::ptrdiff_t>(told));
  return sealed;
}

// ATK-27: a reply goes to the call whose number it bears, and to no other; one that comes after its call was given up is
// dropped; one to a call that was never made ends the channel.
result<void> ChannelCore::match_reply(const MessageHeader& header, std::uint64_t total) {
  // Only a refusal may come before the request has been said to its end.
  const auto last = header.outcome == Outcome::answered ? last_said_ : last_asked_;
  if (header.id == 0 || header.id > last) return Error::call_unknown;
  const auto found =
      std::find_if(calls_.begin(), calls_.end(), [&](const PendingCall* call) { return call->id == header.id; });
  assembly_.destination = Destination::discarded;
  if (found == calls_.end()) return {};
  auto* call = *found;
  assembly_.call = call;
  assembly_.status = header.status;
  if (header.outcome == Outcome::refused) assembly_.call_failure = Error::operation_refused;
  if (header.outcome == Outcome::busy) assembly_.call_failure = Error::queue_full;
  if (header.outcome != Outcome::answered) return {};
  if (total > call->reply_buffer.size()) {
    assembly_.call_failure = Error::buffer_too_small;
    return {};
  }
  assembly_.destination = Destination::call;
  assembly_.memory = call->reply_buffer.data();
  return {};
}

bool ChannelCore::on_assembled() {
  if (auto* call = assembly_.call; call != nullptr) {
    call->done = true;
    call->failure = assembly_.call_failure;
    call->reply.size = assembly_.total;
    call->reply.status = assembly_.status;
    if (assembly_.destination == Destination::call) call->reply.handles = std::move(assembly_.message.incoming.handles);
    std::erase(calls_, call);
    assembly_.finish();
    return true;
  }
  if (assembly_.destination == Destination::discarded) {
    assembly_.finish();
    return false;
  }
  if (assembly_.destination == Destination::target) {
    target_->incoming = std::move(assembly_.message.incoming);
    target_->done = true;
    target_ = nullptr;
    assembly_.finish();
    return true;
  }
  queued_bytes_ += assembly_.message.body.size();
  queued_handles_ += assembly_.message.incoming.handles.size();
  queue_.push_back(std::move(assembly_.message));
  assembly_.finish();
  return target_ != nullptr && deliver_queued();
}

bool ChannelCore::deliver_queued() {
  if (queue_.empty()) return false;
  auto& front = queue_.front();
  target_->done = true;
  if (front.body.size() > target_->buffer.size()) {
    target_->failure = Error::buffer_too_small;
    target_->incoming.size = front.body.size();
    target_ = nullptr;
    return true;
  }
  std::ranges::copy(front.body.view(), target_->buffer.begin());
  queued_handles_ -= front.incoming.handles.size();
  target_->incoming = std::move(front.incoming);
  target_ = nullptr;
  queued_bytes_ -= front.body.size();
  queue_.pop_front();
  return true;
}

result<bool> ChannelCore::on_control(const Opened& record) {
  switch (record.header.type) {
    case FrameType::cancel: {
      const auto decoded = decode_message(FrameType::cancel, false, record.payload);
      if (!decoded) return decoded.error();
      const auto id = decoded->header.id;
      if (id == 0 || id > last_request_) return Error::message_malformed;
      if (std::erase(requests_, id) != 0) cancelled_.push_back(id);
      return false;
    }
    case FrameType::rekey: {
      if (auto done = on_rekey(record.payload); !done) return done.error();
      return false;
    }
    case FrameType::close:
      if (!record.payload.empty()) return Error::message_malformed;
      // What comes no more was dropped on the way: no orderly end (ATK-26).
      return session_.opener.complete() ? Error::closed_by_peer : Error::truncated;
    default: return Error::frame_malformed;
  }
}

result<void> ChannelCore::on_rekey(bytes_view payload) {
  if (payload.empty()) return Error::message_malformed;
  const auto kind = std::to_integer<std::uint8_t>(payload[0]);
  const bool initiator = session_.info.initiator;
  if (kind == static_cast<std::uint8_t>(RekeyStep::request)) {
    if (payload.size() != 1 || !initiator) return Error::message_malformed;
    return offer_refresh();
  }
  if (payload.size() != 33) return Error::message_malformed;
  const auto theirs = payload.subspan<1, 32>();
  if (kind == static_cast<std::uint8_t>(RekeyStep::offer)) {
    if (initiator) return Error::message_malformed;
    auto own = crypto::KeyPair::generate();
    if (!own) return own.error();
    const auto shared = crypto::diffie_hellman(*own, theirs);
    if (!shared) return shared.error();
    std::array<std::byte, 33> answer;
    answer[0] = static_cast<std::byte>(RekeyStep::answer);
    std::copy(own->public_key.begin(), own->public_key.end(), answer.begin() + 1);
    // The answer still leaves under the old key; from the next record on, each direction changes on its own.
    if (auto sealed = seal_record(FrameType::rekey, answer); !sealed) return sealed.error();
    if (auto expect = session_.opener.expect_refresh(shared->bytes()); !expect) return expect.error();
    return session_.sealer.refresh(shared->bytes());
  }
  if (kind != static_cast<std::uint8_t>(RekeyStep::answer) || !initiator || !offered_) return Error::message_malformed;
  const auto shared = crypto::diffie_hellman(*offered_, theirs);
  offered_.reset();
  if (!shared) return shared.error();
  if (auto expect = session_.opener.expect_refresh(shared->bytes()); !expect) return expect.error();
  return session_.sealer.refresh(shared->bytes());
}

}  // namespace penstock::protocol
