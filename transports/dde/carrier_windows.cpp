#include "transports/dde/carrier_windows.hpp"

#include <boost/asio/error.hpp>

#include "transports/traits.hpp"

namespace penstock::transport::dde {

const CarrierTraits& LinkCarrier::traits() const noexcept { return dde_traits; }

result<void> LinkCarrier::sender_checks(bool on) {
  if (closed()) return Error::closed;
  checking_ = on;
  return {};
}

result<std::size_t> LinkCarrier::send(bytes_view bytes, std::span<const native_handle> handles, Wait wait) {
  if (closed()) return Error::closed;
  if (!handles.empty()) return Error::unsupported;
  for (;;) {
    auto sent = link_->send(bytes);
    if (sent) pump_->poke();
    if (sent || sent.error() != Error::would_block || wait == Wait::no) return sent;
    if (auto waited = link_->wait(Readiness::writable, std::nullopt); !waited) return waited.error();
  }
}

result<void> LinkCarrier::finish_sends(Wait wait) {
  if (closed()) return Error::closed;
  return wait == Wait::yes ? link_->wait_flushed() : link_->flushed();
}

result<Received> LinkCarrier::receive(bytes_span buffer, HandleList&, Wait wait) {
  if (closed()) return Error::closed;
  if (buffer.empty()) return Error::invalid_argument;
  for (;;) {
    const auto got = link_->take(buffer);
    if (got) {
      pump_->poke();  // the sender may be waiting to hear that it was taken
      Received received;
      received.size = *got;
      // As claimed as the peer itself: a window says no more of one message than of the next.
      if (checking_) received.sender = MessageSender{peer().pid, peer().uid, peer().gid, peer().process_key};
      return received;
    }
    if (got.error() != Error::would_block || wait == Wait::no) return got.error();
    if (auto waited = link_->wait(Readiness::readable, std::nullopt); !waited) return waited.error();
  }
}

result<void> LinkCarrier::wait(Readiness readiness, Deadline deadline) {
  if (closed()) return Error::closed;
  return link_->wait(readiness, deadline);
}

result<void> LinkCarrier::attach(const boost::asio::any_io_executor& executor) {
  if (closed()) return Error::closed;
  if (executor_) return executor == executor_ ? result<void>() : Error::invalid_argument;
  executor_ = executor;
  link_->attach(executor);
  return {};
}

void LinkCarrier::detach() {
  link_->detach();
  executor_ = {};
}

void LinkCarrier::async_wait(Readiness readiness, WaitHandler handler) {
  if (!closed()) return link_->async_wait(readiness, std::move(handler));
  handler.complete(executor_, boost::asio::error::operation_aborted);
}

void LinkCarrier::close() noexcept {
  if (closed()) return;
  link_->cancel_waits();
  link_->detach();
  link_->terminate();
  pump_->poke();
  pump_.reset();
}

result<const crypto::Secret<32>*> LinkCarrier::challenge_secret() const noexcept {
  const auto& secret = link_->secret();
  if (!secret) return secret.error();
  return &*secret;
}

result<void> LinkCarrier::challenge_was_answered() {
  auto& peer = link_->peer();
  if (!link_->secret()) return Error::peer_unidentified;
  peer.identity.strength = Strength::pinned;
  return peer.identity.check_alive();
}

}  // namespace penstock::transport::dde
