#include "protocol/handshake_driver.hpp"

namespace penstock::protocol {

void record_refusal(const ChannelSettings& settings, bool initiator, std::string_view carrier, const PeerIdentity* peer,
                    const Handshake* handshake, const Failure& reason) noexcept {
  if (!settings.audit) return;
  AuditEvent event;
  event.kind = AuditKind::peer_refused;
  event.role = initiator ? "connector" : "listener";
  event.endpoint = settings.endpoint_text;
  event.carrier = carrier;
  event.peer = peer;
  event.reason = reason.code();
  event.detail = reason.sentence();
  if (handshake != nullptr) {
    event.peer_key = handshake->peer_key();
    event.trust = handshake->trust();
    event.suite = handshake->suite();
  }
  // Refused either way: a sink that fails cannot make it less so.
  (void)settings.audit->record(event);
}

HandshakeDriver::HandshakeDriver(std::unique_ptr<transport::Carrier> carrier,
                                 std::shared_ptr<const HandshakeInputs> inputs, Handshake handshake,
                                 bool initiator)
    : carrier_(std::move(carrier)),
      inputs_(std::move(inputs)),
      handshake_(std::move(handshake)),
      initiator_(initiator) {}

result<std::unique_ptr<HandshakeDriver>> HandshakeDriver::make(std::unique_ptr<transport::Carrier> carrier,
                                                               std::shared_ptr<const HandshakeInputs> inputs,
                                                               HandshakeContext context) {
  const bool initiator = context.initiator;
  context.policy = &inputs->policy;
  context.static_key = inputs->keys ? &inputs->keys->pair() : nullptr;
  context.launch_secret = inputs->launch_secret.valid() ? &inputs->launch_secret : nullptr;
  context.channel = inputs->channel.get();
  context.carrier = carrier.get();
  auto handshake = Handshake::make(std::move(context));
  if (!handshake) {
    record_refusal(*inputs->channel, initiator, carrier->traits().name, &carrier->peer(), nullptr, handshake.error());
    return handshake.error();
  }
  std::unique_ptr<HandshakeDriver> driver(
      new HandshakeDriver(std::move(carrier), std::move(inputs), std::move(*handshake), initiator));
  if (!initiator) return driver;
  if (auto started = driver->handshake_.start(driver->out_); !started) {
    driver->refuse(started.error());
    return started.error();
  }
  return driver;
}

// True when nothing is left to write.
result<bool> HandshakeDriver::write_some() {
  while (sent_ < out_.size) {
    const auto sent = carrier_->send(out_.view().subspan(sent_), {}, transport::Wait::no);
    if (!sent && sent.error() == Error::would_block) return false;
    if (!sent) return sent.error();
    sent_ += *sent;
  }
  out_.size = sent_ = 0;
  return true;
}

// True when a whole frame was processed. Never reads past it: what follows belongs to the channel.
result<bool> HandshakeDriver::read_some() {
  while (held_ < frame_) {
    HandleList handles;
    const auto received = carrier_->receive(std::span(in_).subspan(held_, frame_ - held_), handles, transport::Wait::no);
    if (!received && received.error() == Error::would_block) return false;
    if (!received) return received.error();
    if (!handles.empty()) return Error::handles_mismatch;
    // Two processes may not share a frame either (ATK-05).
    if (held_ == 0) sender_ = received->sender;
    if (!received->sender || !sender_ || received->sender->pid != sender_->pid ||
        received->sender->process_key != sender_->process_key || received->sender->uid != sender_->uid) {
      return Error::peer_changed;
    }
    held_ += received->size;
    if (held_ != header_size) continue;
    const auto size = handshake_frame_size(std::span(in_).first<header_size>());
    if (!size) return size.error();
    frame_ = *size;
  }
  const auto frame = std::span<const std::byte>(in_).first(frame_);
  held_ = 0;
  frame_ = header_size;
  if (auto done = handshake_.on_frame(frame, sender_, out_); !done) return done.error();
  return true;
}

result<HandshakeDriver::Need> HandshakeDriver::try_advance() {
  for (;;) {
    const auto written = write_some();
    if (!written) return written.error();
    if (!*written) return Need::writable;
    if (session_ || handshake_.finished()) {
      if (auto ready = conclude(); !ready) return ready.error();
      return segments_ ? segments_->advance(*carrier_, *session_) : result<Need>(Need::nothing);
    }
    const auto read = read_some();
    if (!read) return read.error();
    if (*read) continue;
    // The peer computes now; so do we, for the next handshake of this thread.
    Handshake::prepare_ephemeral();
    return Need::readable;
  }
}

result<HandshakeDriver::Need> HandshakeDriver::advance() {
  if (ended_) return Error::closed;
  auto need = try_advance();
  if (need) return need;
  auto reason = need.error();
  if (initiator_ && reason == Error::truncated) {
    reason = Failure(Error::truncated,
                     "the listener ended the connection during the handshake without a word: its policy refuses this process, "
                     "or key, trust, name or scope differ. Its audit log has the reason");
  }
  refuse(reason);
  return reason;
}

result<void> HandshakeDriver::run(transport::Deadline deadline) {
  for (;;) {
    const auto need = advance();
    if (!need) return need.error();
    if (*need == Need::nothing) return {};
    const auto ready =
        *need == Need::readable ? transport::Readiness::readable : transport::Readiness::writable;
    auto waited = carrier_->wait(ready, deadline);
    if (waited) continue;
    const Failure reason = waited.error() == Error::deadline_exceeded ? Failure(Error::handshake_timeout) : waited.error();
    refuse(reason);
    return reason;
  }
}

void HandshakeDriver::refuse(const Failure& reason) {
  if (std::exchange(ended_, true)) return;
  record_refusal(*inputs_->channel, initiator_, carrier_->traits().name, &carrier_->peer(), &handshake_, reason);
  carrier_->close();
}

// What both ends have proven is taken once. From here on the tag says who speaks.
result<void> HandshakeDriver::conclude() {
  if (session_) return {};
  auto session = handshake_.take_session();
  if (!session) return session.error();
  if (auto off = carrier_->sender_checks(false); !off) return off.error();
  session_.emplace(std::move(*session));
  if (!handshake_.shares_memory()) return {};
  auto segments = SegmentExchange::make(*session_, inputs_->channel->options.limits.ring_bytes);
  if (!segments) return segments.error();
  segments_ = std::move(*segments);
  return {};
}

result<std::unique_ptr<ChannelCore>> HandshakeDriver::take() {
  if (std::exchange(ended_, true) || !session_) return Error::closed;
  if (segments_) {
    auto shared = segments_->take(std::move(carrier_));
    if (!shared) return shared.error();
    carrier_ = std::move(*shared);
  }
  return std::make_unique<ChannelCore>(std::move(carrier_), std::move(*session_), inputs_->channel);
}

}  // namespace penstock::protocol
