#include "protocol/listener_core.hpp"

#include "protocol/async_channel.hpp"
#include "transports/dde/dde.hpp"
#include "transports/pipe.hpp"

namespace penstock::protocol {
namespace {

// Connections taken before other work of the executor gets its turn.
constexpr int accepts_per_turn = 32;
// Out of descriptors: nothing tells when there are some again, so it is tried at this pace (ATK-12).
constexpr std::chrono::milliseconds exhausted_pause{20};

result<void> check_options(const ListenOptions& options) {
  if (options.policy.rules().empty()) {
    return Failure(Error::invalid_argument, "no policy: a listener must say who may connect (Policy::load)");
  }
  if (options.policy.accepts(Trust::static_key) && !options.keys) {
    return Failure(Error::invalid_argument,
                   "a rule asks for trust static-key, but the listener has no keys: `penstock keygen` makes a pair");
  }
  const bool aes = options.allow_aesgcm && crypto::available(crypto::Cipher::aes256_gcm);
  if (!aes && !options.allow_chachapoly) return Error::suite_unavailable;
  if (!options.allow_pipe && !options.allow_shared_memory && !options.allow_dde) {
    return Failure(Error::invalid_argument, "no data plane is allowed: set allow_pipe, allow_shared_memory or allow_dde");
  }
  return options.allow_shared_memory ? check_ring(options.channel.limits.ring_bytes) : result<void>();
}

// One for each carrier that a channel of these options can begin on: shared memory begins on the pipe.
result<std::vector<std::unique_ptr<transport::CarrierListener>>> open_listeners(const Endpoint& endpoint, const ListenOptions& options) {
  std::vector<std::unique_ptr<transport::CarrierListener>> listeners;
  if (options.allow_pipe || options.allow_shared_memory) {
    auto pipe = transport::PipeListener::open(endpoint, options.limits.backlog, {options.allow_own_process});
    if (!pipe) return pipe.error();
    listeners.push_back(std::move(*pipe));
  }
  if (options.allow_dde) {
    transport::DdeOptions how;
    how.allow_own_process = options.allow_own_process;
    auto dde = transport::DdeListener::open(endpoint, how);
    if (!dde) return dde.error();
    listeners.push_back(std::move(*dde));
  }
  return listeners;
}

}  // namespace

result<std::shared_ptr<ListenerCore>> ListenerCore::open(asio::any_io_executor executor, const Endpoint& endpoint,
                                                         ListenOptions options) {
  const auto refuse = [&](const Failure& reason) -> Failure {
    if (!options.audit) return reason;
    AuditEvent event;
    event.kind = AuditKind::listener_refused;
    event.role = "listener";
    const auto text = endpoint.describe();
    event.endpoint = text;
    event.reason = reason.code();
    event.detail = reason.sentence();
    (void)options.audit->record(event);
    return reason;
  };
  if (auto ready = crypto::initialise(); !ready) return refuse(ready.error());
  if (auto sound = check_options(options); !sound) return refuse(sound.error());
  auto listeners = open_listeners(endpoint, options);
  if (!listeners) return refuse(listeners.error());
  for (const auto& listener : *listeners) {
    if (auto attached = listener->attach(executor); !attached) return refuse(attached.error());
  }
  // A sink that cannot take the first event would not take the others either (ATK-28).
  for (const auto& listener : *listeners) {
    if (!options.audit) break;
    AuditEvent event;
    event.kind = AuditKind::listener_started;
    event.role = "listener";
    const auto text = endpoint.describe();
    event.endpoint = text;
    event.carrier = listener->name();
    if (auto kept = options.audit->record(event); !kept) return kept.error();
  }
  auto core = std::make_shared<ListenerCore>(std::move(executor), endpoint, std::move(options), std::move(*listeners));
  core->start();
  return core;
}

ListenerCore::ListenerCore(asio::any_io_executor executor, Endpoint endpoint, ListenOptions options,
                           std::vector<std::unique_ptr<transport::CarrierListener>> listeners)
    : executor_(std::move(executor)),
      endpoint_(std::move(endpoint)),
      options_(std::move(options)),
      inputs_(std::make_shared<HandshakeInputs>()),
      deadline_(executor_),
      retry_(executor_),
      shares_(std::make_shared<Shares>(within_descriptors(options_.limits, descriptor_limit()))) {
  for (auto& listener : listeners) ways_.push_back({std::move(listener)});
  inputs_->policy = options_.policy;
  inputs_->keys = options_.keys;
  inputs_->channel = std::make_shared<const ChannelSettings>(options_.channel, options_.audit, endpoint_.describe());
}

void ListenerCore::start() { wait_for_connections(); }

ListenerStats ListenerCore::stats() const noexcept {
  return {admitted_, refused_, half_open_.size(), shares_->channels()};
}

// While nobody takes the ready channels, or all places are taken, connections wait in the kernel's backlog.
bool ListenerCore::may_accept() const noexcept {
  return !closed_ && half_open_.size() < options_.limits.half_open && ready_.size() < options_.limits.ready;
}

void ListenerCore::wait_for_connections() {
  if (pausing_ || !may_accept()) return;
  for (auto& way : ways_) {
    if (std::exchange(way.accepting, true)) continue;
    way.listener->async_wait([weak = weak_from_this(), &way](boost::system::error_code ec) {
      auto self = weak.lock();
      if (!self) return;
      way.accepting = false;
      if (!ec) self->accept_all(way);
    });
  }
}

void ListenerCore::accept_all(Way& way) {
  for (int turn = 0; turn < accepts_per_turn && may_accept(); ++turn) {
    auto carrier = way.listener->accept();
    if (carrier) {
      begin(std::move(*carrier));
      continue;
    }
    if (carrier.error() == Error::would_block) break;
    // Out of descriptors, or accept(2) itself fails: neither would be better at once.
    if (carrier.error() == Error::resource_exhausted || carrier.error() == Error::io_error) return pause_accepting();
    ++refused_;
    record_refusal(*inputs_->channel, false, way.listener->name(), way.listener->refused(), nullptr, carrier.error());
  }
  wait_for_connections();
}

void ListenerCore::pause_accepting() {
  if (std::exchange(pausing_, true)) return;
  retry_.expires_after(exhausted_pause);
  retry_.async_wait([weak = weak_from_this()](boost::system::error_code ec) {
    auto self = weak.lock();
    if (ec || !self) return;
    self->pausing_ = false;
    for (auto& way : self->ways_) {
      if (!way.accepting) self->accept_all(way);
    }
  });
}

// The limits of one identity come before any cryptography, and no file of the peer's is read before them: a flood from one user costs an accept and a close each, and
// takes no other user's place (ATK-24).
void ListenerCore::begin(std::unique_ptr<transport::Carrier> carrier) {
  const auto refuse = [&](const Failure& reason) {
    ++refused_;
    record_refusal(*inputs_->channel, false, carrier->traits().name, &carrier->peer(), nullptr, reason);
  };
  // Could any rule admit this process? If not, it gets no byte and costs no key.
  bool possible = false;
  Failure reason = Error::peer_refused;
  for (const auto trust : {Trust::static_key, Trust::os_identity, Trust::challenge}) {
    if (!options_.policy.accepts(trust)) continue;
    if (trust == Trust::challenge && !carrier->challenge_secret()) continue;
    const auto allowed = options_.policy.precheck({carrier->peer(), trust, nullptr});
    if (allowed) possible = true;
    if (!allowed) reason = allowed.error();
  }
  if (!possible) return refuse(reason);
  if (auto attached = carrier->attach(executor_); !attached) return refuse(attached.error());
  const auto user = carrier->peer().uid;
  if (const auto full = shares_->begin(user); full != Error::none) return refuse(full);

  HandshakeContext context;
  context.endpoint = {endpoint_.scope(), endpoint_.name()};
  context.allow_aesgcm = options_.allow_aesgcm;
  context.allow_chachapoly = options_.allow_chachapoly;
  context.allow_pipe = options_.allow_pipe;
  context.allow_shared_memory = options_.allow_shared_memory;
  auto driver = HandshakeDriver::make(std::move(carrier), inputs_, std::move(context));
  if (!driver) {
    ++refused_;
    shares_->end_handshake(user, false);
    return;
  }
  auto one = std::make_shared<HalfOpen>();
  one->driver = std::move(*driver);
  one->user = user;
  one->deadline = std::chrono::steady_clock::now() + options_.limits.handshake_deadline;
  half_open_.push_back(one);
  arm_deadline();
  advance(one);
}

void ListenerCore::advance(const HalfOpenPointer& one) {
  const auto need = one->driver->advance();
  if (!need) {
    ++refused_;
    return drop(one, false);
  }
  if (*need == HandshakeDriver::Need::nothing) return admit(one);
  const auto ready = *need == HandshakeDriver::Need::readable ? transport::Readiness::readable
                                                              : transport::Readiness::writable;
  one->driver->carrier().async_wait(ready, [weak = weak_from_this(), one](boost::system::error_code ec) {
    auto self = weak.lock();
    if (!ec && self && !one->dropped) self->advance(one);
  });
}

void ListenerCore::admit(const HalfOpenPointer& one) {
  auto core = one->driver->take();
  if (!core) {
    ++refused_;
    return drop(one, false);
  }
  ++admitted_;
  (*core)->on_closed([shares = shares_, user = one->user] { shares->end_channel(user); });
  ready_.emplace_back(Channel(std::make_shared<AsyncChannel>(executor_, std::move(*core))));
  drop(one, true);
  hand_out();
}

void ListenerCore::drop(const HalfOpenPointer& one, bool admitted) {
  const auto held = one;
  held->dropped = true;
  shares_->end_handshake(held->user, admitted);
  half_open_.remove(held);
  wait_for_connections();
}

void ListenerCore::arm_deadline() {
  if (deadline_armed_ || half_open_.empty()) return;
  deadline_armed_ = true;
  deadline_.expires_at(half_open_.front()->deadline);
  deadline_.async_wait([weak = weak_from_this()](boost::system::error_code ec) {
    auto self = weak.lock();
    if (!ec && self) self->on_deadline();
  });
}

void ListenerCore::on_deadline() {
  deadline_armed_ = false;
  const auto now = std::chrono::steady_clock::now();
  while (!half_open_.empty() && half_open_.front()->deadline <= now) {
    half_open_.front()->driver->refuse(Error::handshake_timeout);
    ++refused_;
    drop(half_open_.front(), false);
  }
  arm_deadline();
}

void ListenerCore::start_accept(AcceptHandler handler) {
  if (closed_) return handler.complete(executor_, to_code(Error::closed), Channel());
  const auto number = next_waiting_++;
  handler.on_cancel([weak = weak_from_this(), number] {
    if (auto self = weak.lock()) self->cancel_accept(number);
  });
  waiting_.push_back({number, std::move(handler)});
  hand_out();
}

void ListenerCore::cancel_accept(std::uint64_t number) {
  const auto found =
      std::find_if(waiting_.begin(), waiting_.end(), [&](const Waiting& one) { return one.number == number; });
  if (found == waiting_.end()) return;
  auto handler = std::move(found->handler);
  waiting_.erase(found);
  handler.complete(executor_, to_code(Error::cancelled), Channel());
}

void ListenerCore::hand_out() {
  while (!ready_.empty() && !waiting_.empty()) {
    auto handler = std::move(waiting_.front().handler);
    waiting_.pop_front();
    auto channel = std::move(ready_.front());
    ready_.pop_front();
    handler.complete(executor_, {}, std::move(channel));
  }
  wait_for_connections();
}

void ListenerCore::record(AuditKind kind, const Failure& reason) {
  for (const auto& way : ways_) {
    if (!options_.audit) return;
    AuditEvent event;
    event.kind = kind;
    event.role = "listener";
    event.endpoint = inputs_->channel->endpoint_text;
    event.carrier = way.listener->name();
    event.reason = reason.code();
    (void)options_.audit->record(event);
  }
}

void ListenerCore::close() {
  if (std::exchange(closed_, true)) return;
  for (const auto& way : ways_) way.listener->close();
  deadline_.cancel();
  retry_.cancel();
  while (!half_open_.empty()) {
    half_open_.front()->driver->refuse(Error::closed);
    drop(half_open_.front(), false);
  }
  ready_.clear();
  for (auto waiting = std::exchange(waiting_, {}); auto& one : waiting) {
    one.handler.complete(executor_, to_code(Error::closed), Channel());
  }
  record(AuditKind::listener_stopped, Failure());
}

}  // namespace penstock::protocol
