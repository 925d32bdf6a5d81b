#include "tool/dde_door_windows.hpp"

#include <windows.h>
// After windows.h, which it needs.
#include <dde.h>

#include <algorithm>

#include "crypto/windows_text.hpp"
#include "transports/dde/meeting_place_windows.hpp"
#include "transports/os_calls_windows.hpp"
#include "transports/scope_check.hpp"

namespace penstock::tool {

using namespace transport::dde;  // NOLINT(google-build-using-namespace): this is the edge to it
using Clock = std::chrono::steady_clock;

namespace {

constexpr std::uint16_t status_busy = 0x4000;  // DDEACK::fBusy
constexpr auto goodbye_patience = std::chrono::seconds(2);

}  // namespace

/// One client. Everything runs on the pump's thread.
class DdeDoor::Conversation final : public Served, public std::enable_shared_from_this<Conversation> {
 public:
  Conversation(DdeGate& gate, const DdeAsk& ask, std::weak_ptr<Pump> pump, HWND client, ClaimedPeer peer)
      : gate_(gate),
        ask_(ask),
        pump_(std::move(pump)),
        client_(client),
        process_(std::move(peer.process)),
        peer_(std::make_shared<const PeerIdentity>(std::move(peer.identity))) {}

  [[nodiscard]] HWND open(Pump& pump) { return window_ = pump.open_window(shared_from_this()); }
  [[nodiscard]] bool is_of(std::uint32_t pid) const noexcept { return peer_->pid == static_cast<std::int64_t>(pid); }

  void on_sent(UINT, HWND, LPARAM) override {}
  [[nodiscard]] std::optional<Time> deadline() const override { return goodbye_; }
  [[nodiscard]] native_handle process() const noexcept override { return process_.get(); }

  void on_posted(const MSG& message) override {
    auto incoming = std::make_unique<Incoming>(message);
    const auto& event = incoming->event();
    // Others may post here and write any window: what is not from ours is left as it came.
    if (ended_ || event.from != id_of(client_)) return;
    if (event.kind == MessageKind::terminate) return said_goodbye();
    // After ours nothing is answered (WM_DDE_TERMINATE, "Remarks").
    if (goodbye_) return Atom::drop(incoming->take_atom());
    switch (event.kind) {
      case MessageKind::execute:
        return execute(std::move(incoming));
      case MessageKind::ack:
      case MessageKind::data:
        return Atom::drop(incoming->take_atom());  // nothing was asked that these would answer
      default:
        return refuse(*incoming);
    }
  }

  bool turn(Time now) override {
    const bool waited = goodbye_ && now >= *goodbye_;
    if (!ended_ && !waited && is_there()) return true;
    ended_ = true;
    waiting_.reset();  // while there is a window
    return false;
  }

  void say_goodbye() {
    if (ended_ || goodbye_) return;
    goodbye_ = Clock::now() + goodbye_patience;
    (void)tell(MessageKind::terminate);
  }

 private:
  bool tell(MessageKind message, std::uint16_t status = 0, Id item = 0, Id memory = 0) {
    Action action;
    action.message = message;
    action.to = id_of(client_);
    action.status = status;
    action.item = item;
    action.memory = memory;
    return post(window_, action).has_value();
  }

  void said_goodbye() {
    if (!goodbye_) (void)tell(MessageKind::terminate);
    ended_ = true;
  }

  // The process that made the window, and no other: numbers of windows are used again (ATK-04, ATK-06).
  [[nodiscard]] bool is_there() const {
    if (!transport::os().alive(process_.get())) return false;
    const auto pid = transport::os().window_process(client_);
    return pid && is_of(*pid);
  }

  void execute(std::unique_ptr<Incoming> incoming) {
    if (waiting_) {
      refuse(Failure(Error::queue_full, "A text came before the one before it was answered."));
      answer(std::move(incoming), status_busy);
      return count_refusal();
    }
    if (!is_there()) return answer(std::move(incoming), 0);
    // Both windows Unicode, and ours is: UTF-16. Else the bytes of a code page (WM_DDE_EXECUTE, "Remarks").
    const auto memory = incoming->event().payload;
    const auto text = ::IsWindowUnicode(client_) != 0 ? dde_text_of_utf16(memory) : dde_text_of_ansi(memory);
    auto commands = gate_.admit(text, *peer_, Clock::now());
    if (!commands) return answer(std::move(incoming), 0);
    waiting_ = std::move(incoming);
    ask_({std::move(*commands), peer_, [pump = pump_, self = weak_from_this()](bool done) {
            const auto running = pump.lock();
            if (!running) return;
            running->post([self, done] {
              if (const auto here = self.lock()) here->answered(done);
            });
          }});
  }

  void answered(bool done) {
    if (!ended_ && !goodbye_ && waiting_) answer(std::move(waiting_), done ? status_ack : std::uint16_t{0});
  }

  void answer(std::unique_ptr<Incoming> incoming, std::uint16_t status) {
    if (tell(MessageKind::ack, status, 0, incoming->event().memory)) incoming->acknowledged();
    if (status == 0) count_refusal();
  }

  // POKE, REQUEST, ADVISE, UNADVISE: the item's atom goes back with the refusal.
  void refuse(Incoming& incoming) {
    refuse(Failure(Error::operation_refused, "Only EXECUTE is taken here."));
    const auto item = incoming.take_atom();
    if (!tell(MessageKind::ack, 0, item)) Atom::drop(item);
    count_refusal();
  }

  void refuse(const Failure& why) { gate_.refuse(AuditKind::operation_refused, why, peer_.get(), Clock::now()); }

  void count_refusal() {
    if (++refusals_ >= most_refusals) say_goodbye();
  }

  DdeGate& gate_;
  const DdeAsk& ask_;
  const std::weak_ptr<Pump> pump_;
  const HWND client_;
  const Handle process_;
  const std::shared_ptr<const PeerIdentity> peer_;
  HWND window_ = nullptr;
  std::unique_ptr<Incoming> waiting_;  // for the real program's answer
  std::optional<Time> goodbye_;        // ours was first: how long theirs is waited for
  bool ended_ = false;
  int refusals_ = 0;
};

/// The window that answers for the name.
class DdeDoor::Front final : public Served, public std::enable_shared_from_this<Front> {
 public:
  Front(DdeGate& gate, DdeAsk ask, MeetingPlace place, Handle claim)
      : gate_(gate),
        ask_(std::move(ask)),
        claim_(std::move(claim)),
        weak_pump_(place.pump),
        application_(std::move(place.application)),
        topic_(std::move(place.topic)),
        names_(std::move(place.names)),
        self_(std::move(place.self)) {}

  [[nodiscard]] result<void> open(Pump& pump) {
    pump_ = &pump;
    // The name is claimed; what answers for it nevertheless has not asked (ATK-01).
    if (pump.open_window(shared_from_this()) == nullptr) return Error::resource_exhausted;
    const auto probe = std::make_shared<Link>(Role::client, names_, Timeouts());
    const auto other = probe->find_server(pump, application_.number(), topic_.number());
    probe->terminate();
    open_ = !other && other.error() == Error::not_found;
    gone_ = !open_;
    if (open_) return {};
    claim_.reset();
    if (other || other.error() == Error::socket_unsafe)
      return Failure(Error::name_in_use, "another window answers for this application and topic over DDE; end that program");
    return other.error();
  }

  void close() {
    gone_ = true;
    claim_.reset();
    for (const auto& one : conversations_) {
      if (const auto there = one.lock()) there->say_goodbye();
    }
  }

  void on_posted(const MSG& message) override { const Incoming dropped(message); }
  bool turn(Time) override { return !gone_; }
  [[nodiscard]] std::optional<Time> deadline() const override { return std::nullopt; }

  void on_sent(UINT message, HWND from, LPARAM parameter) override {
    // A wildcard (0) asks who is there: nobody. Other names are other programs'.
    if (message != WM_DDE_INITIATE || !open_ || gone_) return;
    if (LOWORD(parameter) != application_.number() || HIWORD(parameter) != topic_.number()) return;
    if (const auto met = meet(from); !met.first) gate_.refuse(AuditKind::peer_refused, met.first.error(), met.second.get(), Clock::now());
  }

 private:
  using Met = std::pair<result<void>, std::unique_ptr<PeerIdentity>>;

  [[nodiscard]] result<void> room_for(std::uint32_t pid) {
    std::erase_if(conversations_, [](const auto& one) { return one.expired(); });
    const auto same = std::ranges::count_if(conversations_, [&](const auto& one) {
      const auto there = one.lock();
      return there && there->is_of(pid);
    });
    const bool room = conversations_.size() < most_dde_conversations && pump_->windows() < most_links;
    if (room && static_cast<std::size_t>(same) < most_dde_conversations_of_one) return {};
    return Failure(Error::limit_identity, "There are too many conversations, of all or of this process.");
  }

  [[nodiscard]] Met meet(HWND client) {
    const auto pid = transport::os().window_process(client);
    if (!pid) return {pid.error(), nullptr};
    if (auto room = room_for(*pid); !room) return {room, nullptr};
    auto peer = identify_window(client);
    if (!peer) return {peer.error(), nullptr};
    auto allowed = transport::check_not_self(peer->identity, *self_);
    if (allowed) allowed = transport::check_scope(Scope::session, peer->identity, *self_);
    if (!allowed) return {allowed, std::make_unique<PeerIdentity>(std::move(peer->identity))};
    return {answer(client, std::move(*peer)), nullptr};
  }

  [[nodiscard]] result<void> answer(HWND client, ClaimedPeer peer) {
    // The answer brings the client a reference on each name, which it drops.
    auto application = Atom::add(*to_wide(gate_.rules().application));
    auto topic = Atom::add(*to_wide(gate_.rules().topic));
    if (!application || !topic) return Error::resource_exhausted;
    const auto conversation = std::make_shared<Conversation>(gate_, ask_, weak_pump_, client, std::move(peer));
    const auto window = conversation->open(*pump_);
    if (window == nullptr) return Error::resource_exhausted;
    conversations_.push_back(conversation);
    DWORD_PTR unused = 0;
    const auto names = MAKELPARAM(application->number(), topic->number());
    if (::SendMessageTimeoutW(client, WM_DDE_ACK, reinterpret_cast<WPARAM>(window), names, SMTO_ABORTIFHUNG | SMTO_NORMAL,
                              static_cast<UINT>(Timeouts().window.count()), &unused) == 0) {
      conversation->say_goodbye();
      return Error::peer_gone;
    }
    (void)application->release();
    (void)topic->release();
    return {};
  }

  DdeGate& gate_;
  const DdeAsk ask_;
  Handle claim_;
  const std::weak_ptr<Pump> weak_pump_;
  const Atom application_, topic_;
  const std::shared_ptr<const SharedNames> names_;
  const std::shared_ptr<const PeerIdentity> self_;
  Pump* pump_ = nullptr;
  bool open_ = false, gone_ = false;
  std::vector<std::weak_ptr<Conversation>> conversations_;
};

DdeDoor::DdeDoor(std::shared_ptr<Pump> pump, std::shared_ptr<Front> front) : pump_(std::move(pump)), front_(std::move(front)) {}

DdeDoor::~DdeDoor() {
  pump_->call([&] {
    front_->close();
    return 0;
  });
  pump_.reset();
}

result<std::unique_ptr<DdeDoor>> DdeDoor::open(DdeGate& gate, DdeAsk ask) {
  auto place = transport::dde::MeetingPlace::of(*to_wide(gate.rules().application), *to_wide(gate.rules().topic));
  if (!place) return place.error();
  auto claim = place->claim();
  if (!claim) return claim.error();
  const auto pump = place->pump;
  const auto front = std::make_shared<Front>(gate, std::move(ask), std::move(*place), std::move(*claim));
  if (auto opened = pump->call([&] { return front->open(*pump); }); !opened) return opened.error();
  return std::unique_ptr<DdeDoor>(new DdeDoor(pump, front));
}

}  // namespace penstock::tool
