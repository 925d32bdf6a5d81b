#include "transports/dde/link_windows.hpp"

// After windows.h, which it needs.
#include <dde.h>

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include "transports/os_calls_windows.hpp"

namespace penstock::transport::dde {
namespace {

// How long the end of a conversation waits for what was sent before it.
constexpr std::chrono::milliseconds farewell{1'000};

Time now_() { return std::chrono::steady_clock::now(); }

struct Asking {
  HWND own;
  LPARAM names;
  Time until;
  std::chrono::milliseconds patience;
  bool all = true;
};

BOOL CALLBACK ask_one(HWND window, LPARAM parameter) {
  auto& asking = *reinterpret_cast<Asking*>(parameter);
  if (window == asking.own) return TRUE;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(asking.until - now_());
  DWORD_PTR unused = 0;
  // One that hangs for long is left out by Windows itself.
  if (left.count() > 0) {
    (void)::SendMessageTimeoutW(window, WM_DDE_INITIATE, reinterpret_cast<WPARAM>(asking.own), asking.names, SMTO_ABORTIFHUNG | SMTO_NORMAL,
                                static_cast<UINT>(std::min(left, asking.patience).count()), &unused);
  }
  asking.all = now_() < asking.until;
  return asking.all ? TRUE : FALSE;
}

// HWND_BROADCAST would ask the same windows, for as long as all of them together take.
bool ask_all(Asking asking) {
  (void)::EnumWindows(ask_one, reinterpret_cast<LPARAM>(&asking));
  return asking.all;
}

}  // namespace

result<std::shared_ptr<const SharedNames>> SharedNames::make() {
  auto made = std::make_shared<SharedNames>();
  auto frames = Atom::add(L"frames");
  if (!frames) return frames.error();
  made->numbers = {.frames = frames->number(), .format = static_cast<std::uint16_t>(::RegisterClipboardFormatW(L"Penstock.Frames"))};
  made->frames = std::move(*frames);
  if (made->numbers.format == 0) return Error::resource_exhausted;
  return std::shared_ptr<const SharedNames>(std::move(made));
}

Link::Link(Role role, std::shared_ptr<const SharedNames> names, Timeouts timeouts)
    : role_(role), names_(std::move(names)), window_patience_(timeouts.window), conversation_(role, names_->numbers, timeouts) {}

// --- setting up -----------------------------------------------------------------------------------------------------

result<HWND> Link::find_server(Pump& pump, std::uint16_t application, std::uint16_t topic, Deadline deadline) {
  if (pump.windows() >= most_links) return Error::resource_exhausted;
  window_ = pump.open_window(shared_from_this());
  if (window_ == nullptr) return Error::resource_exhausted;
  Time until;
  {
    const std::scoped_lock lock(mutex_);
    application_ = application;
    topic_ = topic;
    conversation_.initiate(now_());
    (void)conversation_.next_action();  // which is this:
    until = conversation_.deadline().value_or(now_());
  }
  if (deadline) until = std::min(until, *deadline);
  // Without the mutex: the answers come into our window's procedure while this waits. Other windows of ours are served meanwhile
  // with what is sent to them; what is posted waits.
  const bool all = ask_all({window_, MAKELPARAM(application, topic), until, window_patience_});
  const std::scoped_lock lock(mutex_);
  application_ = topic_ = 0;
  if (all) conversation_.broadcast_done();
  if (!all) conversation_.broadcast_stopped();
  if (conversation_.state() == State::closed) return conversation_.error();
  return window_of(conversation_.peer());
}

void Link::on_sent(UINT message, HWND from, LPARAM parameter) {
  if (message != WM_DDE_ACK) return;
  const auto application = static_cast<std::uint16_t>(LOWORD(parameter)), topic = static_cast<std::uint16_t>(HIWORD(parameter));
  const std::scoped_lock lock(mutex_);
  // An answer to the broadcast, to exactly this one; its references on the two atoms are ours to drop. Of others nothing is touched.
  if (application_ == 0 || application != application_ || topic != topic_) return;
  Atom::drop(application);
  Atom::drop(topic);
  conversation_.answered(id_of(from));
}

void Link::begin(ClaimedPeer peer) {
  const std::scoped_lock lock(mutex_);
  peer_ = std::move(peer);
  conversation_.link(now_());
}

HWND Link::accept(Pump& pump, HWND client, ClaimedPeer peer, std::function<void()> on_connected) {
  window_ = pump.open_window(shared_from_this());
  if (window_ == nullptr) return nullptr;
  const std::scoped_lock lock(mutex_);
  peer_ = std::move(peer);
  on_connected_ = std::move(on_connected);
  conversation_.accept(id_of(client), now_());
  return window_;
}

// --- the pump's thread ----------------------------------------------------------------------------------------------

void Link::on_posted(const MSG& message) {
  std::function<void()> connected;
  {
    const std::scoped_lock lock(mutex_);
    handle(message);
    connected = notify();
  }
  if (connected) connected();
}

void Link::handle(const MSG& message) {
  Incoming incoming(message);
  const auto now = now_();
  const bool linking = conversation_.state() == State::linking;
  // A stranger's atom stays the stranger's: it might be a number of ours, and no reference of its. After the end all are accounted for.
  const bool ended = conversation_.state() == State::closed;
  const bool from_peer = !ended && incoming.event().from == conversation_.peer() && incoming.event().from != 0;
  if (from_peer) incoming_atom_ = incoming.take_atom();
  incoming_memory_ = incoming.event().kind == MessageKind::execute ? incoming.event().memory : 0;
  const bool command = incoming_memory_ != 0;
  conversation_.receive(incoming.event(), now);
  if (linking && conversation_.state() != State::linking && incoming.event().kind == MessageKind::advise && from_peer) incoming.accepted();
  if (linking && conversation_.state() == State::proving && role_ == Role::client) {
    // The server said yes, and the memory is its own now; under Wine each has a copy.
    if (is_wine()) advise_.reset();
    (void)advise_.release();
  }
  advance(now);
  Atom::drop(std::exchange(incoming_atom_, std::uint16_t{0}));
  if (command && std::exchange(incoming_memory_, Id{0}) == 0) incoming.acknowledged();
}

bool Link::turn(Time now) {
  std::unique_lock lock(mutex_);
  // After the messages of this turn: what a process posted before it died is heard.
  // Who was found is looked at by whoever asked for it first.
  const bool known = conversation_.state() > State::found && conversation_.state() != State::closed;
  if (known && !peer_is_there()) {
    vanished_ = true;
    conversation_.peer_gone();
  }
  if (leaving_ && (conversation_.flushed() || now >= *leaving_)) {
    leaving_.reset();
    conversation_.terminate(now);
  }
  conversation_.tick(now);
  advance(now);
  const auto connected = notify();
  const bool goes_on = conversation_.state() != State::closed;
  lock.unlock();
  if (connected) connected();
  return goes_on;
}

std::optional<Time> Link::deadline() const {
  const std::scoped_lock lock(mutex_);
  const auto own = conversation_.deadline();
  return own && leaving_ ? std::min(*own, *leaving_) : own ? own : leaving_;
}

bool Link::peer_died() const { return peer_.process && !os().alive(peer_.process.get()); }

// With its process, or its window alone; not who said goodbye, and has looked at all before that.
bool Link::left_unheard() const { return vanished_ || peer_died(); }

bool Link::peer_is_there() const {
  if (peer_died()) return false;
  const auto pid = os().window_process(window_of(conversation_.peer()));
  // Numbers of windows are used again.
  return pid && (!peer_.process || *pid == static_cast<std::uint32_t>(peer_.identity.pid));
}

void Link::advance(Time now) {
  perform(now);
  advance_challenge(now);
  perform(now);
  if (conversation_.state() == State::closed) settle_memory();
}

void Link::advance_challenge(Time now) {
  if (conversation_.state() == State::proving && !challenge_) {
    auto made = Challenge::make(role_);
    if (!made) return conversation_.distrust(made.error().code(), now);
    challenge_.emplace(std::move(*made));
    conversation_.send_nonce(challenge_->nonce(), now);
  }
  if (!challenge_) return;
  if (conversation_.state() == State::proving && conversation_.peer_nonce() && !put_done_) {
    put_done_ = true;
    const auto value = challenge_->put(*conversation_.peer_nonce(), peer_.into);
    proven_ = value.has_value();
    conversation_.send_handle(value ? *value : 0, now);
  }
  const bool open = conversation_.state() == State::proving || conversation_.state() == State::connected;
  if (open && conversation_.peer_handle() && !take_done_) {
    take_done_ = true;
    if (*conversation_.peer_handle() == 0) proven_ = false;
    if (*conversation_.peer_handle() != 0) {
      const auto taken = challenge_->take(*conversation_.peer_handle());
      if (!taken) return conversation_.distrust(taken.error().code(), now);
    }
  }
  if (conversation_.state() != State::connected || std::exchange(settled_, true)) return;
  if (proven_) secret_ = challenge_->derive();
}

void Link::perform(Time now) {
  while (const auto action = conversation_.next_action()) perform(*action, now);
}

void Link::perform(const Action& action, Time now) {
  if (action.kind == Action::Kind::release) {
    memory_.erase(action.memory);
    // Whoever went before it looked at a message has not dropped the reference that came with it.
    const bool unheard = role_ == Role::server && !action.heard && left_unheard();
    if (unheard) Atom::drop(static_cast<std::uint16_t>(names_->numbers.frames));
    return;
  }
  if (action.kind != Action::Kind::post) return;
  auto to_post = action;
  // Each message with an item brings the receiver a reference: a new one, or the one that came with what is answered.
  const bool brings = action.message == MessageKind::advise || action.message == MessageKind::data;
  Atom item;
  if (brings) {
    auto added = Atom::add(L"frames");
    if (!added) return conversation_.post_failed(now);
    item = std::move(*added);
    to_post.item = item.number();
  }
  auto posted = post(window_, to_post);
  if (!posted) {
    // A goodbye that cannot be said is none.
    if (action.message == MessageKind::terminate) return;
    vanished_ = vanished_ || !peer_is_there();
    return conversation_.post_failed(now);
  }
  if (brings) (void)item.release();
  if (action.message == MessageKind::ack && action.item != 0 && action.item == incoming_atom_) incoming_atom_ = 0;
  if (action.message == MessageKind::ack && action.memory != 0 && action.memory == incoming_memory_) incoming_memory_ = 0;
  if (action.message == MessageKind::advise) advise_ = std::move(*posted);
  if (!action.owns_memory) return;
  const auto id = id_of(posted->get());
  memory_.emplace(id, std::move(*posted));
  conversation_.posted(id, now);
}

// The end: what was posted and never heard of again.
void Link::settle_memory() {
  if (advise_.valid() && left_unheard()) Atom::drop(static_cast<std::uint16_t>(names_->numbers.frames));
  advise_.reset();
  memory_.clear();
  if (peer_died()) peer_.into.reset();
  // Nobody was told its value, so nobody has closed it and had another handle under the same number.
  if (challenge_ && put_done_ && !conversation_.handle_told()) challenge_->take_back(peer_.into);
  challenge_.reset();
}

// --- whoever waits --------------------------------------------------------------------------------------------------

bool Link::ready(Readiness readiness) const noexcept {
  const bool reads = readiness != Readiness::writable && conversation_.readable();
  return reads || (readiness != Readiness::readable && conversation_.writable());
}

std::function<void()> Link::notify() {
  changed_.notify_all();
  for (const auto readiness : {Readiness::readable, Readiness::writable}) {
    if (!waiter(readiness) || !ready(readiness)) continue;
    boost::asio::post(executor_, [self = shared_from_this(), readiness] { self->fire(readiness); });
  }
  return conversation_.state() >= State::connected ? std::exchange(on_connected_, {}) : std::function<void()>();
}

void Link::fire(Readiness readiness) {
  WaitHandler handler;
  {
    const std::scoped_lock lock(mutex_);
    if (!waiter(readiness) || !ready(readiness)) return;
    handler = waiter(readiness).take();
  }
  handler({});
}

result<std::size_t> Link::send(bytes_view bytes) {
  const std::scoped_lock lock(mutex_);
  return conversation_.send(bytes, now_());
}

result<std::size_t> Link::take(bytes_span buffer) {
  const std::scoped_lock lock(mutex_);
  return conversation_.take(buffer, now_());
}

result<void> Link::flushed() const {
  const std::scoped_lock lock(mutex_);
  if (conversation_.error() != Error::none) return conversation_.error();
  return conversation_.flushed() ? result<void>() : Error::would_block;
}

result<void> Link::wait_flushed() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return conversation_.error() != Error::none || conversation_.flushed(); });
  if (conversation_.error() != Error::none) return conversation_.error();
  return {};
}

result<void> Link::wait(Readiness readiness, Deadline deadline) {
  std::unique_lock lock(mutex_);
  const auto done = [&] { return ready(readiness); };
  if (!deadline) changed_.wait(lock, done);
  if (deadline && !changed_.wait_until(lock, *deadline, done)) return Error::deadline_exceeded;
  return {};
}

result<void> Link::wait_connected(Deadline deadline) {
  std::unique_lock lock(mutex_);
  const auto done = [&] { return conversation_.state() >= State::connected; };
  if (!deadline) changed_.wait(lock, done);
  if (deadline && !changed_.wait_until(lock, *deadline, done)) return Error::deadline_exceeded;
  lock.unlock();
  return outcome();
}

result<void> Link::outcome() const {
  const std::scoped_lock lock(mutex_);
  // Connected once: how it has ended since, the carrier says, after what was delivered before.
  if (settled_) return {};
  return conversation_.error() != Error::none ? conversation_.error() : Error::would_block;
}

void Link::attach(const boost::asio::any_io_executor& executor) {
  const std::scoped_lock lock(mutex_);
  executor_ = executor;
}

void Link::detach() {
  cancel_waits();
  const std::scoped_lock lock(mutex_);
  executor_ = {};
}

void Link::async_wait(Readiness readiness, WaitHandler handler) {
  const std::scoped_lock lock(mutex_);
  if (!executor_) return;
  waiter(readiness).set(std::move(handler), executor_);
  if (ready(readiness)) boost::asio::post(executor_, [self = shared_from_this(), readiness] { self->fire(readiness); });
}

void Link::cancel_waits() noexcept {
  for (const auto readiness : {Readiness::readable, Readiness::writable}) {
    WaitHandler handler;
    boost::asio::any_io_executor executor;
    {
      const std::scoped_lock lock(mutex_);
      handler = waiter(readiness).take();
      executor = executor_;
    }
    if (handler) handler.complete(executor, boost::asio::error::operation_aborted);
  }
}

// What was sent goes first, as it does on a carrier whose bytes the kernel keeps; but a peer that takes nothing holds nobody for long.
void Link::terminate() {
  const std::scoped_lock lock(mutex_);
  leaving_ = now_() + farewell;
}

}  // namespace penstock::transport::dde
