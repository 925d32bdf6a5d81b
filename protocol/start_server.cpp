#include "protocol/start_server.hpp"

#include <boost/asio/dispatch.hpp>

#include <algorithm>

namespace penstock::protocol {
namespace {

// Most starts fit; a longer one says how long it is.
constexpr std::size_t usual_start = 4096;
// Who connects and then says nothing takes a place from others of its user (ATK-24).
constexpr std::chrono::milliseconds silence{10'000};
// Who was answered closes by itself; this ends one that does not.
constexpr std::chrono::milliseconds farewell{5'000};

}  // namespace

ServedStart::ServedStart(Channel channel, std::weak_ptr<StartServer> server)
    : channel_(std::move(channel)), executor_(channel_.get_executor()), server_(std::move(server)), timer_(executor_), buffer_(usual_start) {}

void ServedStart::begin() {
  arm(silence);
  receive();
}

void ServedStart::arm(std::chrono::milliseconds time) {
  timer_.expires_after(time);
  timer_.async_wait([self = shared_from_this()](boost::system::error_code ec) {
    if (!ec) self->end();
  });
}

// One receive is outstanding all the time: while the application thinks, it tells of a start that gave up or was killed.
void ServedStart::receive() {
  channel_.async_receive(asio::buffer(buffer_), [self = shared_from_this()](boost::system::error_code ec, const Incoming& incoming) {
    if (ec == make_error_code(Error::buffer_too_small) && incoming.size <= max_start_bytes) {
      self->buffer_.resize(incoming.size);
      return self->receive();
    }
    if (ec) return self->end();
    self->on_received(incoming);
  });
}

void ServedStart::on_received(const Incoming& incoming) {
  // One start for each connection, and nothing else: no honest one sends more.
  const bool expected = !request_ && incoming.kind == MessageKind::request && incoming.operation() == start_operation;
  if (!expected) return end();
  timer_.cancel();
  request_ = incoming.request;
  waiting_ = true;
  auto start = decode_start(std::span(buffer_).first(incoming.size));
  buffer_ = std::vector<std::byte>(1);
  receive();
  if (!start) return reply(StartAnswer::malformed, 0);
  start->pid = channel_.peer().pid;
  if (auto server = server_.lock()) server->take(std::move(*start), Answer(shared_from_this()));
}

void ServedStart::answer(StartAnswer how, std::uint8_t exit_status) {
  if (!waiting_.exchange(false)) return;
  asio::dispatch(executor_, [self = shared_from_this(), how, exit_status] { self->reply(how, exit_status); });
}

void ServedStart::reply(StartAnswer how, std::uint8_t exit_status) {
  waiting_ = false;
  if (ended_) return;
  body_[0] = std::byte{exit_status};
  const auto size = how == StartAnswer::done ? body_.size() : 0;
  arm(farewell);
  channel_.async_reply(*request_, static_cast<std::uint32_t>(how), asio::buffer(body_.data(), size), {},
                       [self = shared_from_this()](boost::system::error_code ec) {
                         if (ec) self->end();
                       });
}

void ServedStart::end() {
  if (std::exchange(ended_, true)) return;
  waiting_ = false;
  timer_.cancel();
  channel_.close();
  if (auto server = server_.lock()) server->forget(*this);
}

void StartServer::serve(Handler handler) {
  handler_ = std::move(handler);
  accept_more();
}

// Beyond the bound later starts wait, proven, in the listener, then in its handshakes, then in the kernel's backlog.
void StartServer::accept_more() {
  if (stopped_ || accepting_ || !handler_ || served_.size() >= at_once_) return;
  accepting_ = true;
  listener_.async_accept([weak = weak_from_this()](boost::system::error_code ec, Channel channel) {
    auto self = weak.lock();
    if (!self) return;
    self->accepting_ = false;
    if (ec || self->stopped_) return;
    auto one = std::make_shared<ServedStart>(std::move(channel), self);
    self->served_.push_back(one);
    one->begin();
    self->accept_more();
  });
}

// The handler may destroy the SingleInstance: the caller holds this object, and a copy is called, not what close() drops.
void StartServer::take(Start start, Answer answer) {
  std::erase_if(start.environment, [&](const StartVariable& one) { return std::ranges::find(variables_, one.name) == variables_.end(); });
  const auto handler = handler_;
  if (handler) handler(std::move(start), std::move(answer));
}

void StartServer::forget(const ServedStart& one) {
  std::erase_if(served_, [&](const auto& weak) {
    const auto held = weak.lock();
    return !held || held.get() == &one;
  });
  accept_more();
}

void StartServer::stop() noexcept {
  stopped_ = true;
  listener_.close();
}

void StartServer::close() noexcept {
  stop();
  handler_ = nullptr;
  for (const auto& weak : std::exchange(served_, {})) {
    if (const auto one = weak.lock()) one->end();
  }
}

}  // namespace penstock::protocol

namespace penstock {

Answer::Answer(std::shared_ptr<protocol::ServedStart> start) noexcept : start_(std::move(start)) {}

Answer& Answer::operator=(Answer&& other) noexcept {
  if (this == &other) return *this;
  if (start_) start_->answer(protocol::StartAnswer::dropped);
  start_ = std::move(other.start_);
  return *this;
}

Answer::~Answer() {
  if (start_) start_->answer(protocol::StartAnswer::dropped);
}

void Answer::status(int exit_status) {
  // 256 is no success.
  const bool in_range = exit_status >= 0 && exit_status <= 255;
  if (start_) start_->answer(protocol::StartAnswer::done, static_cast<std::uint8_t>(in_range ? exit_status : 255));
}

void Answer::refuse() {
  if (start_) start_->answer(protocol::StartAnswer::refused);
}

bool Answer::waiting() const noexcept {
  return start_ && start_->waiting();
}

}  // namespace penstock
