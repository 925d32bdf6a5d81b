// Sleeping and waking on shared memory. Nobody is woken who does not sleep, and nobody sleeps through what it waits for: who sleeps
// says so in its own segment and then looks once more; who writes publishes and then looks whether the other sleeps. The order of
// these two is sequentially consistent, so at least one of them sees the other (docs/MODEL.md has the proof by enumeration).
#include <boost/asio/error.hpp>
#include <cstring>

#include "transports/shared_memory_carrier.hpp"

namespace penstock::transport {
namespace {

// Some microseconds: a peer that sends handles and never their byte costs us no more than that for each.
constexpr unsigned looks_after_handles = 256;

}  // namespace

// One bell for each time that the other end lies down. An end that lies about it is rung for once for each of our own writes.
void SharedMemoryCarrier::ring_bell(const std::atomic<std::uint32_t>& wants, std::uint32_t& last) noexcept {
  const std::uint32_t wish = wants.load();
  if (!is_wish(wish, last)) return;
  last = wish;
  constexpr std::byte bell{0};
  const auto rung = control_->send({&bell, 1}, {}, Wait::no);
  // A carrier too full to take a bell has others in it that nobody has heard yet; one whose end has gone tells when it is read. But a bell that
  // is lost for want of memory is a peer that sleeps on.
  if (!rung && rung.error() != Error::would_block && rung.error() != Error::truncated) fault_ = rung.error().code();
}

result<bool> SharedMemoryCarrier::ready(Readiness readiness) {
  if (readiness != Readiness::writable) {
    const auto available = reader_.available();
    if (!available) return available.error();
    if (*available != 0) {
      // Its handles may still be on their way. A peer that announces what never comes waits for itself.
      if (peer_header_->attachments.load() == attachments_seen_) return true;
      if (auto heard = hear(Wait::no); !heard) return heard.error();
      if (peer_header_->attachments.load() == attachments_seen_) return true;
      if (ended_) return Error::handles_mismatch;
    }
  }
  if (readiness != Readiness::readable) {
    const auto room = writer_.has_room();
    if (!room) return room.error();
    const auto allowed = may_attach();
    if (!allowed) return allowed.error();
    if (*room && *allowed) return true;
  }
  return ended_;
}

// Says that we lie down, and looks once more. True: there is no need to.
result<bool> SharedMemoryCarrier::arm(Readiness readiness) {
  const auto wish = [](std::atomic<std::uint32_t>& word) { word.store((word.load(std::memory_order_relaxed) + 1) | 1); };
  if (readiness != Readiness::writable) wish(own_header_->wants_data);
  if (readiness != Readiness::readable) wish(own_header_->wants_room);
  return ready(readiness);
}

result<void> SharedMemoryCarrier::take_control(bytes_view bytes) {
  for (const std::byte byte : bytes) {
    if (held_ == 0 && byte == std::byte{0}) continue;
    message_[held_++] = byte;
    if (message_[0] != std::byte{1}) return Error::frame_malformed;
    if (held_ != message_.size()) continue;
    held_ = 0;
    const auto count = std::to_integer<std::size_t>(message_[1]);
    if (count == 0 || count != arrived_.size()) return Error::handles_mismatch;
    if (attachments_.size() == max_attachments_ahead) return Error::handles_limit;
    std::uint64_t position = 0;
    std::memcpy(&position, message_.data() + 2, sizeof position);
    attachments_.push_back({position, std::exchange(arrived_, HandleList())});
    ++attachments_seen_;
  }
  return held_ == 0 && !arrived_.empty() ? result<void>(Error::handles_mismatch) : result<void>();
}

// Everything that stands on the control carrier. Wait::yes sleeps for the first of it.
result<void> SharedMemoryCarrier::hear_all(Wait wait) {
  while (!ended_) {
    std::array<std::byte, 64> bytes;
    // Of an attachment under way only the rest: handles of the next one are not to come with it (ATK-12).
    const std::size_t want = held_ == 0 ? bytes.size() : message_.size() - held_;
    const auto received = control_->receive(std::span(bytes).first(want), arrived_, wait);
    if (!received && received.error() == Error::would_block) return {};
    if (!received && received.error() == Error::truncated) {
      ended_ = true;
      return {};
    }
    if (!received) return received.error();
    // A bell that is heard here in passing may be the one that an outstanding wait is for, and it is not rung twice.
    if (waiting_ && !waiting_->looking && (waiting_->readable || waiting_->writable)) wake_soon();
    if (auto taken = take_control(std::span(bytes).first(received->size)); !taken) return taken.error();
    // A bell alone is the usual case; what comes behind it is heard before the next sleep.
    if (received->size < want && held_ == 0 && peer_header_->attachments.load() == attachments_seen_) return {};
    wait = Wait::no;
  }
  return {};
}

result<void> SharedMemoryCarrier::hear(Wait wait) {
  polls_ = 0;
  auto heard = hear_all(wait);
  if (!heard) fault_ = heard.error().code();
  return heard;
}

// That the peer lies is no reason to wait, nor this function's to tell: who is woken will ask, and be told.
result<void> SharedMemoryCarrier::wait(Readiness readiness, Deadline deadline) {
  for (;;) {
    if (usable() != Error::none) return {};
    if (readiness != Readiness::readable && std::exchange(control_full_, false)) return control_->wait(readiness, deadline);
    const auto awake = arm(readiness);
    if (!awake || *awake) return {};
    if (deadline) {
      if (auto waited = control_->wait(Readiness::readable, deadline); !waited) return waited.error();
    }
    if (auto heard = hear(deadline ? Wait::no : Wait::yes); !heard) return {};
    auto now = ready(readiness);
    // Handles come a moment before the byte that they belong to: to lie down again in between would cost more than the moment.
    for (unsigned look = 0; now && !*now && !attachments_.empty() && look < looks_after_handles; ++look) now = ready(readiness);
    if (!now || *now) return {};
  }
}

void SharedMemoryCarrier::Waiting::abort() {
  if (readable) readable(boost::asio::error::operation_aborted);
  if (writable) writable(boost::asio::error::operation_aborted);
}

void SharedMemoryCarrier::async_wait(Readiness readiness, WaitHandler handler) {
  if (!waiting_) waiting_ = std::make_shared<Waiting>(Waiting{this, {}, {}});
  (readiness == Readiness::writable ? waiting_->writable : waiting_->readable) = std::move(handler);
  if (readiness == Readiness::writable && control_full_) return wake_soon();
  const auto awake = usable() == Error::none ? arm(readiness) : result<bool>(true);
  if (awake && !*awake) return listen_later();
  // What is wrong, the operation itself will say.
  wake_soon();
}

void SharedMemoryCarrier::listen_later() {
  if (std::exchange(waiting_->listening, true)) return;
  control_->async_wait(Readiness::readable, [shared = waiting_](boost::system::error_code ec) {
    shared->listening = false;
    if (shared->carrier == nullptr) return shared->abort();
    shared->carrier->on_control(ec);
  });
}

// Never inside the call that asks: a turn of the executor later.
void SharedMemoryCarrier::wake_soon() {
  if (std::exchange(waiting_->soon, true)) return;
  control_->async_wait(Readiness::writable, [shared = waiting_](boost::system::error_code ec) {
    shared->soon = false;
    if (shared->carrier == nullptr) return shared->abort();
    shared->carrier->control_full_ = false;
    shared->carrier->on_control(ec);
  });
}

// Something was heard, or it is time to look. A handler may close this carrier, or wait anew.
void SharedMemoryCarrier::on_control(boost::system::error_code ec) {
  const auto shared = waiting_;
  if (ec) return shared->abort();
  shared->looking = true;  // whoever waits is looked after below
  const bool usable = this->usable() == Error::none && hear(Wait::no).has_value();
  shared->looking = false;
  for (const auto readiness : {Readiness::readable, Readiness::writable}) {
    auto& handler = readiness == Readiness::readable ? shared->readable : shared->writable;
    if (!handler) continue;
    const auto awake = usable ? arm(readiness) : result<bool>(true);
    if (awake && !*awake) {
      listen_later();
      continue;
    }
    handler(boost::system::error_code());
    if (shared->carrier == nullptr) return shared->abort();
  }
}

}  // namespace penstock::transport
