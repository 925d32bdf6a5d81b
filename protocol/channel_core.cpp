// The channel's life and its sending half. The receiving half is channel_receive.cpp.
#include "protocol/channel_core.hpp"

#include "protocol/nanoseconds.hpp"
#include "protocol/wire.hpp"

namespace penstock::protocol {

ChannelCore::ChannelCore(std::unique_ptr<transport::Carrier> carrier, Session session,
                         std::shared_ptr<const ChannelSettings> settings)
    : carrier_(std::move(carrier)),
      session_(std::move(session)),
      settings_(std::move(settings)),
      outbox_(limits().outbound_bytes),
      refreshed_at_(monotonic_time()),
      poll_(settings_->options.poll_limit),
      room_poll_(settings_->options.poll_limit) {}

ChannelCore::~ChannelCore() { close_gracefully(); }

result<void> ChannelCore::check(const OutgoingMessage& message) const {
  if (!is_open()) return reason_;
  const auto& header = message.header;
  if (header.type == FrameType::request && !valid_operation(header.operation)) {
    return Failure(Error::invalid_argument, "an operation's name is 1 to 64 of A-Z a-z 0-9 . _ / -");
  }
  if (message.body.size() > session_.parameters.max_message) return Error::message_too_large;
  if (message.attached().size() > session_.parameters.max_handles) return Error::handles_limit;
  if (!message.attached().empty() && !carrier_->traits().passes_handles) return Error::unsupported;
  return {};
}

result<bool> ChannelCore::seal(OutgoingMessage& message, Pause pause) {
  if (!is_open()) return reason_;
  if (write_failed_) return Error::truncated;
  if (auto told = seal_refusals(); !told) return failed<bool>(told.error());
  const auto now = monotonic_time();
  if (auto fresh = refresh_if_due(now); !fresh) return failed<bool>(fresh.error());
  while (!message.started || message.offset < message.body.size()) {
    if (pause == Pause::at_write && outbox_.size() >= write_due_) return false;
    std::array<std::byte, max_message_header> prefix;
    std::size_t prefix_size = 0;
    const std::size_t left = message.body.size() - message.offset;
    if (!message.started) {
      auto header = message.header;
      // Whether one record does depends on the header, whose length depends on that: ask for the shorter one first.
      prefix_size = encode(header, prefix);
      if (prefix_size + left > max_record_payload) {
        header.total = message.body.size();
        prefix_size = encode(header, prefix);
      }
    }
    std::size_t chunk = std::min(left, max_record_payload - prefix_size);
    // Of several records the first, whose plaintext is put together from two places, is the one that is not full.
    if (!message.started && chunk < left) chunk = std::min(chunk, left % max_record_payload);
    if (!outbox_.has_room(prefix_size + chunk)) return false;
    if (message.started) poll_room(record_overhead + chunk);

    Outgoing record;
    record.type = message.header.type;
    if (chunk < left) record.flags |= flag_more;
    if (message.started) record.flags |= flag_continued;
    record.prefix = std::span(prefix).first(prefix_size);
    record.body = message.body.subspan(message.offset, chunk);
    const auto handles = message.started ? std::span<const native_handle>() : message.attached();
    if (auto sealed = outbox_.seal(*carrier_, session_.sealer, record, handles, now); !sealed) {
      // A handle that could not be duplicated harms nobody; a seal that failed has spent the keys.
      if (!session_.sealer.spent() && !message.started) return sealed.error();
      return failed<bool>(sealed.error());
    }
    message.started = true;
    message.offset += chunk;
    mid_message_ = chunk < left;
    if (message.header.type == FrameType::request) {
      last_asked_ = message.header.id;
      if (!mid_message_) last_said_ = message.header.id;
    }
    bytes_sent_ += chunk;
  }
  if (auto told = seal_refusals(); !told) return failed<bool>(told.error());
  return true;
}

bool ChannelCore::polls(bool mid_message) const noexcept {
  return settings_->options.wait == WaitProfile::latency || (mid_message && carrier_->traits().in_memory);
}

// A record that is sealed anywhere but into the carrier's memory is copied there later, and its sender sleeps in between. Bounded by
// the budget: a peer that does not read gets no more of our time.
void ChannelCore::poll_room(std::size_t frame) noexcept {
  if (!polls(true) || !outbox_.empty() || !carrier_->may_reserve(frame) || !carrier_->reserve(frame).empty()) return;
  const auto start = PollBudget::clock::now();
  auto now = start;
  while (now - start < room_poll_.budget()) {
    if (!carrier_->reserve(frame).empty()) return room_poll_.hit();
    now = PollBudget::clock::now();
  }
  room_poll_.miss(now);
}

result<void> ChannelCore::seal_record(FrameType type, bytes_view body) {
  if (write_failed_) return {};
  Outgoing record;
  record.type = type;
  record.body = body;
  return outbox_.seal(*carrier_, session_.sealer, record, {}, monotonic_time());
}

result<bool> ChannelCore::flush(transport::Wait wait) {
  if (!is_open()) return reason_;
  auto done = outbox_.flush(*carrier_, wait);
  while (done && !refused_.empty() && !mid_message_) {
    if (auto told = seal_refusals(); !told) return failed<bool>(told.error());
    done = outbox_.flush(*carrier_, wait);
  }
  // What the carrier does not take now, it is not offered again for every few bytes more.
  write_due_ = outbox_.size() + write_at;
  if (done && room_poll_.slept()) room_poll_.woken(PollBudget::clock::now());
  if (done) return true;
  if (done.error() == Error::would_block) return false;
  if (done.error() != Error::truncated) return failed<bool>(done.error());
  // The peer reads no more, but what it sent before, its close record too, can still be received.
  write_failed_ = true;
  outbox_.clear();
  return done.error();
}

result<void> ChannelCore::begin_call(PendingCall& call, OutgoingMessage& message) {
  if (auto sound = check(message); !sound) return sound.error();
  if (calls_.size() >= limits().pending_calls) return Error::queue_full;
  call.id = message.header.id = ++last_call_;
  calls_.push_back(&call);
  return {};
}

void ChannelCore::forget(PendingCall& call) {
  const auto found = std::find(calls_.begin(), calls_.end(), &call);
  if (found == calls_.end()) return;
  calls_.erase(found);
  if (assembly_.active && assembly_.call == &call) {
    assembly_.destination = Destination::discarded;
    assembly_.call = nullptr;
  }
  // A request that never left is not taken back: the peer would be told of a number that it has not seen.
  if (!is_open() || call.id > last_asked_) return;
  std::array<std::byte, 8> id;
  put(id.data(), call.id);
  if (auto sealed = seal_record(FrameType::cancel, id); !sealed) close(sealed.error());
}

result<OutgoingMessage> ChannelCore::begin_reply(RequestId request, std::uint32_t status, bytes_view body,
                                                 std::span<const native_handle> handles) {
  OutgoingMessage message;
  message.header.type = FrameType::reply;
  message.header.id = request.value;
  message.header.status = status;
  message.body = body;
  message.handles = handles;
  if (auto sound = check(message); !sound) return sound.error();
  const auto found = std::find(requests_.begin(), requests_.end(), request.value);
  if (found != requests_.end()) {
    requests_.erase(found);
    return message;
  }
  const auto cancelled = std::find(cancelled_.begin(), cancelled_.end(), request.value);
  if (cancelled == cancelled_.end()) return Error::message_malformed;
  cancelled_.erase(cancelled);
  return Error::cancelled;
}

// Only the initiator offers, so that two offers never cross (docs/PROTOCOL.md, "A fresh secret").
result<void> ChannelCore::refresh_keys() {
  if (!is_open()) return reason_;
  if (session_.info.initiator) {
    auto offered = offer_refresh();
    if (!offered && session_.sealer.spent()) close(offered.error());
    return offered;
  }
  const std::array step{static_cast<std::byte>(RekeyStep::request)};
  auto sealed = seal_record(FrameType::rekey, step);
  if (!sealed) close(sealed.error());
  return sealed;
}

result<void> ChannelCore::offer_refresh() {
  if (offered_) return {};
  auto pair = crypto::KeyPair::generate();
  if (!pair) return pair.error();
  std::array<std::byte, 33> offer;
  offer[0] = static_cast<std::byte>(RekeyStep::offer);
  std::copy(pair->public_key.begin(), pair->public_key.end(), offer.begin() + 1);
  offered_ = std::make_unique<crypto::KeyPair>(std::move(*pair));
  refreshed_at_ = monotonic_time();
  return seal_record(FrameType::rekey, offer);
}

result<void> ChannelCore::refresh_if_due(std::uint64_t now) {
  if (!session_.info.initiator) return {};
  if (now - refreshed_at_ < saturated_nanoseconds(settings_->options.rekey.fresh_secret_every)) return {};
  return offer_refresh();
}

result<void> ChannelCore::seal_close() {
  if (!is_open()) return reason_;
  return seal_record(FrameType::close, {});
}

void ChannelCore::close_gracefully() noexcept {
  if (!is_open()) return;
  // In the middle of a message a close record would be a lie about what was sent: the peer is to see that it was cut.
  if (!mid_message_ && seal_close()) (void)outbox_.flush(*carrier_, transport::Wait::no);
  close(Error::closed);
}

void ChannelCore::close(const Failure& reason) noexcept {
  if (!is_open()) return;
  reason_ = reason;
  record_closed();
  session_.sealer.reset();
  session_.opener.reset();
  offered_.reset();
  outbox_.clear();
  inbox_.clear();
  carrier_->close();
  assembly_.finish();
  // What came whole before the peer's own close record can still be received; after a forgery nothing is.
  if (reason != Error::closed_by_peer) {
    queue_.clear();
    queued_bytes_ = queued_handles_ = 0;
  }
  for (auto* call : calls_) {
    call->done = true;
    call->failure = reason;
  }
  calls_.clear();
  if (auto hook = std::exchange(hook_, nullptr)) hook();
}

}  // namespace penstock::protocol
