// The blocking face: the same core, with waits in the kernel instead of completions.
#include "penstock/blocking.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>

#include "penstock/listener.hpp"
#include "protocol/async_channel.hpp"
#include "protocol/connect.hpp"

namespace penstock::blocking {
namespace {

using protocol::ChannelCore;
using transport::Readiness;
using transport::Wait;

transport::Deadline deadline_of(const Timeout& timeout) {
  if (!timeout) return {};
  return std::chrono::steady_clock::now() + *timeout;
}

result<void> flush_all(ChannelCore& core) {
  if (!core.has_output()) return {};
  const auto done = core.flush(Wait::yes);
  return done ? result<void>() : done.error();
}

// What step() sealed (an answer to a rekey, a refusal) leaves as far as it goes without waiting: waiting here while the peer
// waits for us to read would be a deadlock.
void flush_some(ChannelCore& core) {
  if (core.is_open() && core.has_output()) (void)core.flush(Wait::no);
}

// Long messages leave while they are sealed. `wait`: no leaves what the kernel does not take now within the outbound bound.
result<void> seal_all(ChannelCore& core, protocol::OutgoingMessage& message, Wait wait) {
  for (;;) {
    auto sealed = core.seal(message, ChannelCore::Pause::at_write);
    if (!sealed) return sealed.error();
    if (*sealed) return {};
    const auto flushed = core.flush(wait);
    if (!flushed) return flushed.error();
    if (*flushed) continue;
    sealed = core.seal(message, ChannelCore::Pause::at_bound);
    if (!sealed) return sealed.error();
    if (*sealed) return {};
    if (auto emptied = flush_all(core); !emptied) return emptied.error();
  }
}

// As seal_all and flush, no longer than the deadline: a peer that does not read holds nobody for longer. Half a message cannot
// be taken back, so the channel ends with it.
result<void> send_within(ChannelCore& core, protocol::OutgoingMessage& message, const transport::Deadline& deadline) {
  for (;;) {
    const auto sealed = core.seal(message, ChannelCore::Pause::at_write);
    if (!sealed) return sealed.error();
    const auto flushed = core.flush(Wait::no);
    if (!flushed) return flushed.error();
    if (*sealed && *flushed) return {};
    if (*flushed) continue;
    if (auto ready = core.carrier().wait(Readiness::writable, deadline); !ready) {
      if (!*sealed && message.started) core.close(ready.error());
      return ready.error();
    }
  }
}

// Runs the receiving half until `done`, the deadline or the end.
template <class Done>
result<void> pump(ChannelCore& core, const transport::Deadline& deadline, const Done& done) {
  flush_some(core);
  while (!done()) {
    const auto step = core.step(deadline ? Wait::no : Wait::yes);
    flush_some(core);
    if (!step) return step.error();
    if (*step == ChannelCore::Step::paused) return Error::queue_full;
    if (*step == ChannelCore::Step::progress) continue;
    if (deadline && std::chrono::steady_clock::now() < *deadline) {
      const auto polled = core.poll_before_sleep();
      if (!polled) return polled.error();
      if (*polled == ChannelCore::Step::progress) continue;
    }
    // While output waits, the peer may be waiting for it before it sends anything.
    const auto ready = core.has_output() && !core.write_failed() ? Readiness::either : Readiness::readable;
    if (auto waited = core.carrier().wait(ready, deadline); !waited) return waited.error();
    flush_some(core);
  }
  return {};
}

protocol::OutgoingMessage one_way(bytes_view body, std::span<const native_handle> handles) {
  protocol::OutgoingMessage message;
  message.header.type = protocol::FrameType::message;
  message.body = body;
  message.handles = handles;
  return message;
}

const PeerIdentity& no_peer() noexcept {
  static const PeerIdentity none;
  return none;
}

const ChannelInfo& no_info() noexcept {
  static const ChannelInfo none;
  return none;
}

}  // namespace

Channel::Channel() noexcept = default;
Channel::Channel(std::unique_ptr<ChannelCore> core) noexcept : core_(std::move(core)) {}
Channel::Channel(Channel&&) noexcept = default;
Channel& Channel::operator=(Channel&&) noexcept = default;
Channel::~Channel() = default;

bool Channel::is_open() const noexcept { return core_ && core_->is_open(); }
const PeerIdentity& Channel::peer() const noexcept { return core_ ? core_->carrier().peer() : no_peer(); }
const ChannelInfo& Channel::info() const noexcept { return core_ ? core_->info() : no_info(); }
Failure Channel::close_reason() const { return core_ ? core_->close_reason() : Failure(Error::closed); }
native_handle Channel::native() const noexcept { return core_ ? core_->carrier().native() : no_handle; }

result<void> Channel::send(bytes_view message, std::span<const native_handle> handles) {
  if (!core_) return Error::closed;
  auto outgoing = one_way(message, handles);
  if (auto sound = core_->check(outgoing); !sound) return sound.error();
  if (auto sealed = seal_all(*core_, outgoing, Wait::yes); !sealed) return sealed.error();
  return flush_all(*core_);
}

result<void> Channel::send_buffer(const SealedBuffer& buffer, bytes_view note) {
  if (!core_) return Error::closed;
  auto outgoing = protocol::buffer_message(buffer, note);
  if (!outgoing) return outgoing.error();
  if (auto sound = core_->check(*outgoing); !sound) return sound.error();
  if (auto sealed = seal_all(*core_, *outgoing, Wait::yes); !sealed) return sealed.error();
  return flush_all(*core_);
}

result<void> Channel::queue(bytes_view message) {
  if (!core_) return Error::closed;
  auto outgoing = one_way(message, {});
  if (auto sound = core_->check(outgoing); !sound) return sound.error();
  return seal_all(*core_, outgoing, Wait::no);
}

result<void> Channel::flush() { return core_ ? flush_all(*core_) : Error::closed; }

result<Incoming> Channel::receive(bytes_span buffer, Timeout timeout) {
  if (!core_) return Error::closed;
  protocol::ReceiveTarget target;
  target.buffer = buffer;
  core_->set_target(&target);
  const auto deadline = deadline_of(timeout);
  auto pumped = pump(*core_, deadline, [&] { return target.done; });
  if (!target.done) core_->set_target(nullptr);
  core_->release_idle();
  if (!pumped) return pumped.error();
  if (target.failure.code() != Error::none) return target.failure;
  return std::move(target.incoming);
}

result<Incoming> Channel::try_receive(bytes_span buffer) {
  if (!core_) return Error::closed;
  protocol::ReceiveTarget target;
  target.buffer = buffer;
  core_->set_target(&target);
  flush_some(*core_);
  auto step = core_->step(Wait::no);
  while (step && *step == ChannelCore::Step::progress && !target.done) step = core_->step(Wait::no);
  flush_some(*core_);
  if (!target.done) core_->set_target(nullptr);
  core_->release_idle();
  if (target.failure.code() != Error::none) return target.failure;
  if (target.done) return std::move(target.incoming);
  return step ? Failure(Error::would_block) : step.error();
}

result<Reply> Channel::call(std::string_view operation, bytes_view request, bytes_span reply, CallOptions options) {
  if (!core_) return Error::closed;
  protocol::PendingCall pending;
  pending.reply_buffer = reply;
  auto outgoing = one_way(request, options.handles);
  outgoing.header.type = protocol::FrameType::request;
  outgoing.header.operation = operation;
  const auto deadline = deadline_of(options.deadline);
  if (auto begun = core_->begin_call(pending, outgoing); !begun) return begun.error();
  auto sent = send_within(*core_, outgoing, deadline);
  if (sent) sent = pump(*core_, deadline, [&] { return pending.done; });
  if (!sent && !pending.done) {
    // Given up: what the peer answers later finds nobody (ATK-27).
    core_->forget(pending);
    flush_some(*core_);
    return sent.error();
  }
  if (pending.failure.code() != Error::none) return pending.failure;
  return std::move(pending.reply);
}

result<void> Channel::reply(RequestId request, std::uint32_t status, bytes_view body,
                            std::span<const native_handle> handles) {
  if (!core_) return Error::closed;
  auto outgoing = core_->begin_reply(request, status, body, handles);
  if (!outgoing) return outgoing.error();
  if (auto sealed = seal_all(*core_, *outgoing, Wait::yes); !sealed) return sealed.error();
  return flush_all(*core_);
}

result<void> Channel::refresh_keys() {
  if (!core_) return Error::closed;
  if (auto begun = core_->refresh_keys(); !begun) return begun.error();
  return flush_all(*core_);
}

void Channel::close() noexcept {
  if (core_) core_->close_gracefully();
}

result<Channel> connect(const Endpoint& endpoint, const ConnectOptions& options) {
  const auto deadline = std::chrono::steady_clock::now() + options.deadline;
  auto driver = protocol::open_connection(endpoint, options, deadline);
  if (!driver) return driver.error();
  if (auto done = (*driver)->run(deadline); !done) return done.error();
  auto core = (*driver)->take();
  if (!core) return core.error();
  return Channel(std::move(*core));
}

struct Listener::Impl {
  boost::asio::io_context context{1};
  std::optional<penstock::Listener> listener;
};

Listener::Listener(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
Listener::Listener(Listener&&) noexcept = default;
Listener& Listener::operator=(Listener&&) noexcept = default;
Listener::~Listener() = default;

result<Listener> Listener::open(const Endpoint& endpoint, ListenOptions options) {
  auto impl = std::make_unique<Impl>();
  auto opened = penstock::Listener::open(impl->context.get_executor(), endpoint, std::move(options));
  if (!opened) return opened.error();
  impl->listener.emplace(std::move(*opened));
  return Listener(std::move(impl));
}

result<Channel> Listener::accept(Timeout timeout) {
  if (!impl_) return Error::closed;
  bool done = false;
  boost::system::error_code failed;
  penstock::Channel accepted;
  asio::cancellation_signal cancel;
  impl_->listener->async_accept(asio::bind_cancellation_slot(
      cancel.slot(), [&](boost::system::error_code ec, penstock::Channel channel) {
        done = true;
        failed = ec;
        accepted = std::move(channel);
      }));
  const auto deadline = deadline_of(timeout);
  impl_->context.restart();
  bool late = false;
  while (!done) {
    if (!deadline || late) {
      impl_->context.run_one();
      continue;
    }
    if (impl_->context.run_one_until(*deadline) != 0) continue;
    // Cancelled, it completes in one of the next turns: with this error, or with the channel that came just in time.
    late = true;
    cancel.emit(asio::cancellation_type::terminal);
  }
  if (failed == make_error_code(Error::cancelled)) return Error::deadline_exceeded;
  if (failed) return static_cast<Error>(failed.value());
  auto core = accepted.release_impl()->release_core();
  return Channel(std::move(core));
}

void Listener::close() noexcept {
  if (impl_) impl_->listener->close();
}

}  // namespace penstock::blocking
