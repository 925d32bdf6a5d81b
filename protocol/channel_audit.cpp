// What a channel records of itself.
#include "protocol/channel_core.hpp"

namespace penstock::protocol {
namespace {

void describe(AuditEvent& event, const ChannelInfo& info, const PeerIdentity& peer, std::string_view endpoint) {
  event.role = info.initiator ? "connector" : "listener";
  event.endpoint = endpoint;
  event.carrier = info.carrier;
  event.peer = &peer;
  event.peer_key = info.peer_key ? &*info.peer_key : nullptr;
  event.admission = &info.admission;
  event.trust = &info.trust;
  event.suite = info.suite;
  event.transcript = std::span(info.transcript).first(info.transcript_size);
}

}  // namespace

void ChannelCore::record_closed() noexcept {
  if (!settings_->audit) return;
  AuditEvent event;
  event.kind = AuditKind::channel_closed;
  describe(event, session_.info, carrier_->peer(), settings_->endpoint_text);
  event.reason = reason_.code();
  event.detail = reason_.sentence();
  event.records_sent = session_.sealer.sequence();
  event.records_received = session_.opener.expected();
  event.bytes_sent = bytes_sent_;
  event.bytes_received = bytes_received_;
  // The channel ends either way; a sink that fails refuses the next peer.
  (void)settings_->audit->record(event);
}

void ChannelCore::record_refused_operation(std::string_view operation) noexcept {
  if (!settings_->audit) return;
  AuditEvent event;
  event.kind = AuditKind::operation_refused;
  describe(event, session_.info, carrier_->peer(), settings_->endpoint_text);
  event.reason = Error::operation_refused;
  event.detail = error_sentence(Error::operation_refused);
  event.operation = operation;
  (void)settings_->audit->record(event);
}

}  // namespace penstock::protocol
