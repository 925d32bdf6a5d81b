// The listener's window, and who is answered. Source: WM_DDE_INITIATE ("Remarks").
#include <windows.h>
// After windows.h, which it needs.
#include <dde.h>

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <deque>
#include <fmt/format.h>

#include "transports/dde/carrier_windows.hpp"
#include "transports/os_calls_windows.hpp"
#include "transports/scope_check.hpp"

namespace penstock::transport {
namespace {

using namespace dde;

constexpr std::size_t most_unaccepted = 64;
constexpr std::size_t most_unaccepted_of_one = 8;

/// Connected, or never to be.
bool is_settled(const Link& link) {
  const auto outcome = link.outcome();
  return outcome || outcome.error() != Error::would_block;
}

/// The listener's half that the pump's thread knows.
class Door final : public Served, public std::enable_shared_from_this<Door> {
 public:
  Door(MeetingPlace place, Handle claim, Scope scope, DdeOptions options)
      : claim_(std::move(claim)),
        application_(std::move(place.application)),
        topic_(std::move(place.topic)),
        names_(std::move(place.names)),
        self_(std::move(place.self)),
        scope_(scope),
        options_(options) {}

  [[nodiscard]] result<void> open(Pump& pump);
  void close();  // on the pump's thread
  void on_posted(const MSG& message) override { const Incoming dropped(message); }
  void on_sent(UINT message, HWND from, LPARAM parameter) override;
  bool turn(Time) override { return !gone_; }
  [[nodiscard]] std::optional<Time> deadline() const override { return std::nullopt; }

  /// On failure `refused` is whom it was about, where that is known.
  [[nodiscard]] result<std::shared_ptr<Link>> take(std::shared_ptr<const PeerIdentity>& refused);
  void attach(const boost::asio::any_io_executor& executor);
  void async_wait(WaitHandler handler);
  void cancel_waits() noexcept;
  void shut() noexcept;
  [[nodiscard]] const std::shared_ptr<const PeerIdentity>& self() const noexcept { return self_; }

 private:
  [[nodiscard]] result<void> look_for_others(Pump& pump);
  [[nodiscard]] result<void> answer(HWND client, std::shared_ptr<const PeerIdentity>& refused);
  [[nodiscard]] result<void> room_for(std::uint32_t pid);
  [[nodiscard]] result<void> check(const PeerIdentity& peer) const;
  [[nodiscard]] result<void> tell(HWND client, HWND window);
  void keep_refusal(const Failure& why, std::shared_ptr<const PeerIdentity> peer);
  void wake();
  void fire();

  Handle claim_;  // open() and shut()
  const Atom application_, topic_;
  const std::shared_ptr<const SharedNames> names_;
  const std::shared_ptr<const PeerIdentity> self_;
  const Scope scope_;
  const DdeOptions options_;
  Pump* pump_ = nullptr;  // on its own thread only
  HWND window_ = nullptr;
  bool gone_ = false;
  std::shared_ptr<Link> probe_;

  std::mutex mutex_;
  std::deque<std::pair<std::shared_ptr<Link>, std::uint32_t>> unaccepted_;  // with the process's number; connected or not yet
  std::deque<std::pair<Failure, std::shared_ptr<const PeerIdentity>>> refusals_;
  Waiter waiting_;
  boost::asio::any_io_executor executor_;
  bool shut_ = false;
};

result<void> Door::open(Pump& pump) {
  pump_ = &pump;
  pump.listen_on(topic_.number());
  auto found_nobody = look_for_others(pump);
  if (found_nobody) return {};
  close();
  claim_.reset();
  return found_nobody;
}

result<void> Door::look_for_others(Pump& pump) {
  if (pump.windows() >= most_links) return Error::resource_exhausted;
  // The name is claimed; what answers for it nevertheless has not asked (ATK-01).
  window_ = pump.open_window(shared_from_this());
  if (window_ == nullptr) return Error::resource_exhausted;
  probe_ = std::make_shared<Link>(Role::client, names_, options_.timeouts);
  const auto other = probe_->find_server(pump, application_.number(), topic_.number());
  const auto probe = std::exchange(probe_, nullptr);
  probe->terminate();
  if (!other && other.error() == Error::not_found) return {};
  if (other || other.error() == Error::socket_unsafe)
    return Failure(Error::name_in_use, "Another window answers for this name over DDE: end that program, or choose another name.");
  if (other.error() == Error::deadline_exceeded)
    return Failure(Error::deadline_exceeded, "The windows of this desktop answer too slowly to tell whether the name is free over DDE: end what hangs, and try again.");
  return other.error();
}

void Door::close() {
  gone_ = true;
  pump_->listen_no_more_on(topic_.number());
}

void Door::on_sent(UINT message, HWND from, LPARAM parameter) {
  // A wildcard (0) asks who is there: nobody. Other names are other programs' (atoms are numbers; none is looked up, none is added).
  if (message != WM_DDE_INITIATE || gone_ || probe_ != nullptr) return;
  if (LOWORD(parameter) != application_.number() || HIWORD(parameter) != topic_.number()) return;
  // It learns nothing; whoever reads the audit log does.
  std::shared_ptr<const PeerIdentity> refused;
  if (auto answered = answer(from, refused); !answered) keep_refusal(answered.error(), std::move(refused));
}

result<void> Door::room_for(std::uint32_t pid) {
  if (pump_->windows() >= most_links) return Error::limit_half_open;
  const std::scoped_lock lock(mutex_);
  if (shut_) return Error::closed;
  if (unaccepted_.size() >= most_unaccepted) return Error::limit_half_open;
  const auto same = std::ranges::count(unaccepted_, pid, [](const auto& one) { return one.second; });
  return static_cast<std::size_t>(same) < most_unaccepted_of_one ? result<void>() : Error::limit_identity;
}

result<void> Door::check(const PeerIdentity& peer) const {
  if (!options_.allow_own_process) {
    if (auto other = check_not_self(peer, *self_); !other) return other;
  }
  return check_scope(scope_, peer, *self_);
}

result<void> Door::answer(HWND client, std::shared_ptr<const PeerIdentity>& refused) {
  const auto pid = os().window_process(client);
  if (!pid) return pid.error();
  if (auto room = room_for(*pid); !room) return room;
  auto peer = identify_window(client);
  if (!peer) return peer.error();
  if (auto allowed = check(peer->identity); !allowed) {
    refused = std::make_shared<const PeerIdentity>(std::move(peer->identity));
    return allowed;
  }
  const auto link = std::make_shared<Link>(Role::server, names_, options_.timeouts);
  {
    const std::scoped_lock lock(mutex_);
    if (shut_) return Error::closed;  // meanwhile: the name may be somebody else's by now
    unaccepted_.emplace_back(link, *pid);
  }
  const auto window = link->accept(*pump_, client, std::move(*peer), [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->wake();
  });
  const auto told = window != nullptr ? tell(client, window) : result<void>(Error::resource_exhausted);
  if (told) return {};
  link->terminate();
  const std::scoped_lock lock(mutex_);
  std::erase_if(unaccepted_, [&](const auto& one) { return one.first == link; });
  return told;
}

// The answer brings the client a reference on each name, which it drops.
result<void> Door::tell(HWND client, HWND window) {
  std::array<wchar_t, 256> name{};
  if (::GlobalGetAtomNameW(topic_.number(), name.data(), static_cast<int>(name.size())) == 0) return Error::resource_exhausted;
  auto application = Atom::add(application_name);
  auto topic = Atom::add(name.data());
  if (!application || !topic) return Error::resource_exhausted;
  DWORD_PTR unused = 0;
  const auto names = MAKELPARAM(application->number(), topic->number());
  if (::SendMessageTimeoutW(client, WM_DDE_ACK, reinterpret_cast<WPARAM>(window), names, SMTO_ABORTIFHUNG | SMTO_NORMAL,
                            static_cast<UINT>(options_.timeouts.window.count()), &unused) == 0)
    return Error::peer_gone;
  (void)application->release();
  (void)topic->release();
  return {};
}

// Nobody may fill memory with refusals faster than they are recorded (ATK-24): those of a flood are not told apart.
void Door::keep_refusal(const Failure& why, std::shared_ptr<const PeerIdentity> peer) {
  {
    const std::scoped_lock lock(mutex_);
    if (shut_ || refusals_.size() >= most_unaccepted) return;
    refusals_.emplace_back(why, std::move(peer));
  }
  wake();
}

void Door::wake() {
  const std::scoped_lock lock(mutex_);
  if (waiting_) boost::asio::post(executor_, [self = shared_from_this()] { self->fire(); });
}

void Door::fire() {
  WaitHandler handler;
  {
    const std::scoped_lock lock(mutex_);
    handler = waiting_.take();
  }
  if (handler) handler({});
}

result<std::shared_ptr<Link>> Door::take(std::shared_ptr<const PeerIdentity>& refused) {
  const std::scoped_lock lock(mutex_);
  if (shut_) return Error::closed;
  if (!refusals_.empty()) {
    const auto why = std::move(refusals_.front());
    refusals_.pop_front();
    refused = why.second;
    return why.first;
  }
  const auto settled = std::ranges::find_if(unaccepted_, [](const auto& one) { return is_settled(*one.first); });
  if (settled == unaccepted_.end()) return Error::would_block;
  auto link = std::move(settled->first);
  unaccepted_.erase(settled);
  if (auto outcome = link->outcome(); !outcome) {
    refused = {link, &link->peer().identity};
    return outcome.error();
  }
  return link;
}

void Door::attach(const boost::asio::any_io_executor& executor) {
  const std::scoped_lock lock(mutex_);
  executor_ = executor;
}

void Door::async_wait(WaitHandler handler) {
  const std::scoped_lock lock(mutex_);
  if (!executor_) return;
  waiting_.set(std::move(handler), executor_);
  const bool settled = std::ranges::any_of(unaccepted_, [](const auto& one) { return is_settled(*one.first); });
  if (settled || shut_ || !refusals_.empty()) boost::asio::post(executor_, [self = shared_from_this()] { self->fire(); });
}

void Door::cancel_waits() noexcept {
  WaitHandler handler;
  boost::asio::any_io_executor executor;
  {
    const std::scoped_lock lock(mutex_);
    handler = waiting_.take();
    executor = executor_;
  }
  if (handler) handler.complete(executor, boost::asio::error::operation_aborted);
}

void Door::shut() noexcept {
  cancel_waits();
  const std::scoped_lock lock(mutex_);
  shut_ = true;  // nobody is answered any more: the name is the next one's
  claim_.reset();
  executor_ = {};
  for (const auto& [link, pid] : unaccepted_) link->terminate();
  unaccepted_.clear();
}

class WindowsDdeListener final : public DdeListener {
 public:
  WindowsDdeListener(std::shared_ptr<Pump> pump, std::shared_ptr<Door> door) : pump_(std::move(pump)), door_(std::move(door)) {}
  ~WindowsDdeListener() override { close(); }

  result<std::unique_ptr<Carrier>> accept() override {
    if (!pump_) return Error::closed;
    refused_.reset();
    auto link = door_->take(refused_);
    if (!link) return link.error();
    return std::make_unique<LinkCarrier>(pump_, std::move(*link), door_->self());
  }
  const PeerIdentity* refused() const noexcept override { return refused_.get(); }
  result<void> attach(const boost::asio::any_io_executor& executor) override {
    if (!pump_) return Error::closed;
    if (std::exchange(attached_, true)) return Error::invalid_argument;
    door_->attach(executor);
    return {};
  }
  void async_wait(WaitHandler handler) override { door_->async_wait(std::move(handler)); }
  void cancel_waits() noexcept override { door_->cancel_waits(); }
  void close() noexcept override {
    if (!pump_) return;
    door_->shut();
    pump_->post([door = door_] { door->close(); });
    pump_.reset();
  }

 private:
  std::shared_ptr<Pump> pump_;
  std::shared_ptr<Door> door_;
  std::shared_ptr<const PeerIdentity> refused_;
  bool attached_ = false;
};

}  // namespace

result<std::unique_ptr<DdeListener>> DdeListener::open(const Endpoint& endpoint, DdeOptions options) {
  auto place = MeetingPlace::of(endpoint);
  if (!place) return place.error();
  auto claim = place->claim();
  if (!claim) return claim.error();
  const auto pump = place->pump;
  const auto door = std::make_shared<Door>(std::move(*place), std::move(*claim), endpoint.scope(), options);
  if (auto opened = pump->call([&] { return door->open(*pump); }); !opened) return opened.error();
  return std::unique_ptr<DdeListener>(new WindowsDdeListener(pump, door));
}

}  // namespace penstock::transport
