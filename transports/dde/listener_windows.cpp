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
constexpr UINT client_patience = 250;  // milliseconds, for a client to take our answer

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

  [[nodiscard]] result<std::shared_ptr<Link>> take();
  void attach(const boost::asio::any_io_executor& executor);
  void async_wait(WaitHandler handler);
  void cancel_waits() noexcept;
  void shut() noexcept;
  [[nodiscard]] const std::shared_ptr<const PeerIdentity>& self() const noexcept { return self_; }

 private:
  [[nodiscard]] result<void> look_for_others(Pump& pump);
  void answer(HWND client);
  void on_connected(const std::shared_ptr<Link>& link);
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
  answer(from);
}

// Whoever is not answered learns nothing.
void Door::answer(HWND client) {
  if (pump_->windows() >= most_links) return;
  const auto pid = os().window_process(client);
  if (!pid) return;
  {
    const std::scoped_lock lock(mutex_);
    const auto same = std::ranges::count(unaccepted_, *pid, [](const auto& one) { return one.second; });
    if (shut_ || unaccepted_.size() >= most_unaccepted || static_cast<std::size_t>(same) >= most_unaccepted_of_one) return;
  }
  auto peer = identify_window(client);
  if (!peer) return;
  if (!options_.allow_own_process && !check_not_self(peer->identity, *self_)) return;
  if (!check_scope(scope_, peer->identity, *self_)) return;
  auto application = Atom::add(application_name);
  auto link = std::make_shared<Link>(Role::server, names_, options_.timeouts);
  {
    const std::scoped_lock lock(mutex_);
    if (shut_) return;  // meanwhile: the name may be somebody else's by now
    unaccepted_.emplace_back(link, *pid);
  }
  const auto window = link->accept(*pump_, client, std::move(*peer), [self = shared_from_this(), weak = std::weak_ptr(link)] {
    if (const auto connected = weak.lock()) self->on_connected(connected);
  });
  // The answer brings the client a reference on each name, which it drops.
  std::array<wchar_t, 256> name{};
  const bool named = application && ::GlobalGetAtomNameW(topic_.number(), name.data(), static_cast<int>(name.size())) != 0;
  auto topic = named ? Atom::add(name.data()) : result<Atom>(Error::resource_exhausted);
  DWORD_PTR unused = 0;
  const bool able = window != nullptr && topic;
  const bool told = able && ::SendMessageTimeoutW(client, WM_DDE_ACK, reinterpret_cast<WPARAM>(window),
                                                  MAKELPARAM(application->number(), topic->number()), SMTO_ABORTIFHUNG | SMTO_NORMAL,
                                                  client_patience, &unused) != 0;
  if (!told) {
    link->terminate();
    const std::scoped_lock lock(mutex_);
    std::erase_if(unaccepted_, [&](const auto& one) { return one.first == link; });
    return;
  }
  (void)application->release();
  (void)topic->release();
}

void Door::on_connected(const std::shared_ptr<Link>&) {
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

result<std::shared_ptr<Link>> Door::take() {
  const std::scoped_lock lock(mutex_);
  if (shut_) return Error::closed;
  for (auto at = unaccepted_.begin(); at != unaccepted_.end();) {
    const auto outcome = at->first->outcome();
    if (!outcome && outcome.error() == Error::would_block) {
      ++at;
      continue;
    }
    auto link = std::move(at->first);
    at = unaccepted_.erase(at);
    if (outcome) return link;
    // Nobody who would be told anything: it never got as far as a peer.
  }
  return Error::would_block;
}

void Door::attach(const boost::asio::any_io_executor& executor) {
  const std::scoped_lock lock(mutex_);
  executor_ = executor;
}

void Door::async_wait(WaitHandler handler) {
  const std::scoped_lock lock(mutex_);
  if (!executor_) return;
  waiting_.set(std::move(handler), executor_);
  const bool settled = std::ranges::any_of(unaccepted_, [](const auto& one) {
    const auto outcome = one.first->outcome();
    return outcome || outcome.error() != Error::would_block;
  });
  if (settled || shut_) boost::asio::post(executor_, [self = shared_from_this()] { self->fire(); });
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
    auto link = door_->take();
    if (!link) return link.error();
    return std::make_unique<LinkCarrier>(pump_, std::move(*link), door_->self());
  }
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
