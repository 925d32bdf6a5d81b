#include "transports/dde/conversation.hpp"

#include <algorithm>

namespace penstock::transport::dde {
namespace {

// More is not needed to know that there are too many.
constexpr std::size_t most_answers = 8;
// The other end learns in steps of a quarter of its window: it never stands still for want of a notice.
constexpr std::uint64_t notice_step = datagram_window / 4;

}  // namespace

Conversation::Conversation(Role role, Names names, Timeouts timeouts) : role_(role), names_(names), timeouts_(timeouts) {}

// --- setting up -----------------------------------------------------------------------------------------------------

void Conversation::initiate(Time now) {
  if (role_ != Role::client || state_ != State::idle) return;
  state_ = State::initiating;
  deadline_ = now + timeouts_.broadcast;
  Action action;
  action.kind = Action::Kind::initiate;
  action.message = MessageKind::initiate;
  actions_.push_back(std::move(action));
}

void Conversation::answered(Id server) {
  if (state_ == State::initiating && server != 0 && answers_.size() < most_answers) answers_.push_back(server);
}

void Conversation::broadcast_done() {
  if (state_ != State::initiating) return;
  if (answers_.empty()) return end(Error::not_found);
  if (answers_.size() > 1) return end_with_answers(Error::socket_unsafe);
  peer_ = answers_.front();
  state_ = State::found;
  deadline_.reset();  // however long whoever looks at it takes
}

void Conversation::broadcast_stopped() {
  if (state_ == State::initiating) end_with_answers(Error::deadline_exceeded);
}

void Conversation::end_with_answers(Error error) {
  for (const auto server : answers_) {
    peer_ = server;
    post(MessageKind::terminate);
  }
  peer_ = 0;
  end(error);
}

void Conversation::link(Time now) {
  if (state_ != State::found) return;
  state_ = State::linking;
  deadline_ = now + timeouts_.connect;
  post(MessageKind::advise);
  actions_.back().item = names_.frames;
  actions_.back().format = names_.format;
  actions_.back().status = status_ack_request;
}

void Conversation::accept(Id client, Time now) {
  if (role_ != Role::server || state_ != State::idle || client == 0) return;
  peer_ = client;
  state_ = State::linking;
  deadline_ = now + timeouts_.connect;
}

void Conversation::linked() { state_ = State::proving; }

// --- the challenge --------------------------------------------------------------------------------------------------

void Conversation::send_nonce(std::span<const std::byte, nonce_size> nonce, Time now) {
  if (state_ != State::proving || nonce_) return;
  std::ranges::copy(nonce, nonce_.emplace().begin());
  pump(now);
}

void Conversation::send_handle(std::uint64_t value, Time now) {
  if (state_ != State::proving || !nonce_ || handle_) return;
  handle_ = value;
  pump(now);
}

// --- what comes in --------------------------------------------------------------------------------------------------

void Conversation::receive(const Event& event, Time now) {
  if (peer_ == 0 || event.from != peer_ || state_ == State::closed) return;
  if (event.kind == MessageKind::terminate) return on_terminate();
  if (state_ == State::linking) return on_linking(event, now);
  if (open()) return on_open(event, now);
}

void Conversation::on_terminate() {
  if (state_ == State::terminating) return end(error_);
  post(MessageKind::terminate);
  peer_gone();
}

bool Conversation::is_link(const Event& event) const noexcept {
  return event.item == names_.frames && event.format == names_.format && event.status == status_ack_request;
}

void Conversation::on_linking(const Event& event, Time now) {
  if (role_ == Role::server) {
    if (event.kind == MessageKind::ack) return fail(Error::frame_malformed, now);
    if (event.kind != MessageKind::advise || !is_link(event)) return refuse(event, now);
    answer(event, status_ack);
    return linked();
  }
  if (event.kind == MessageKind::data) return fail(Error::frame_malformed, now);
  if (event.kind != MessageKind::ack) return refuse(event, now);
  // Somebody has that name, and it is no listener of ours.
  if (event.item != names_.frames || event.status != status_ack) return fail(Error::not_found, now);
  linked();
}

void Conversation::on_open(const Event& event, Time now) {
  const bool carries = event.kind == (role_ == Role::server ? MessageKind::execute : MessageKind::data);
  if (carries) return on_carried(event, now);
  if (event.kind == MessageKind::ack) return on_ack(event, now);
  refuse(event, now);
  const bool unlinks = role_ == Role::server && event.kind == MessageKind::unadvise && event.item == names_.frames;
  if (unlinks) fail(Error::frame_malformed, now);
}

void Conversation::on_carried(const Event& event, Time now) {
  if (const auto fed = on_chunk(event); !fed) {
    if (event.kind == MessageKind::execute) answer(event, 0);
    return fail(fed.error().code(), now);
  }
  answer(event, status_ack);
  const bool proven = nonce_sent_ && handle_sent_ && peer_nonce_ && peer_handle_;
  if (proven && state_ == State::proving) state_ = State::connected;
  pump(now);
}

result<void> Conversation::on_chunk(const Event& event) {
  if (event.kind == MessageKind::data) {
    const auto chunk = is_link(event) ? decode_chunk(event.payload) : Error::frame_malformed;
    return chunk ? on_chunk(*chunk) : chunk.error();
  }
  const auto bytes = decode_command(event.payload);
  if (!bytes) return bytes.error();
  const auto chunk = decode_chunk(*bytes);
  if (!chunk) return chunk.error();
  // As text, nothing is rounded up: there is one spelling of each chunk.
  if (bytes->size() != chunk_header_size + chunk->payload.size()) return Error::frame_malformed;
  return on_chunk(*chunk);
}

result<void> Conversation::on_chunk(const Chunk& chunk) {
  const bool proving = state_ == State::proving;
  switch (chunk.kind) {
    case ChunkKind::nonce:
      // Our own one, reflected, would let our own section stand for the other end's.
      if (!proving || peer_nonce_ || (nonce_ && std::ranges::equal(*nonce_, chunk.payload))) return Error::frame_malformed;
      std::ranges::copy(chunk.payload, peer_nonce_.emplace().begin());
      return {};
    case ChunkKind::handle:
      if (!proving || !peer_nonce_ || peer_handle_) return Error::frame_malformed;
      peer_handle_ = chunk.number;
      return {};
    case ChunkKind::taken:
      return proving ? Error::frame_malformed : on_taken(chunk.number);
    case ChunkKind::frame:
      return proving ? Error::frame_malformed : incoming_.feed(chunk);
  }
  return Error::frame_malformed;
}

// It can have taken only what it was sent.
result<void> Conversation::on_taken(std::uint64_t below) {
  if (below <= peer_took_below_ || below > posted_below_) return Error::frame_malformed;
  peer_took_below_ = below;
  return {};
}

void Conversation::on_ack(const Event& event, Time now) {
  if (event.status != status_ack) return fail(Error::frame_malformed, now);
  // A client's commands are told apart by their memory. What a server sent has one item: its ACKs come in order.
  const bool names_memory = role_ == Role::client;
  if (!names_memory && event.item != names_.frames) return fail(Error::frame_malformed, now);
  const auto found = std::ranges::find_if(unacknowledged_, [&](const Unacknowledged& one) {
    return one.posted && (!names_memory || one.memory == event.memory);
  });
  if (found == unacknowledged_.end()) return fail(Error::frame_malformed, now);
  acknowledge(static_cast<std::size_t>(found - unacknowledged_.begin()), now);
}

void Conversation::acknowledge(std::size_t at, Time now) {
  Action action;
  action.kind = Action::Kind::release;
  action.memory = unacknowledged_[at].memory;
  action.heard = true;
  actions_.push_back(std::move(action));
  unacknowledged_.erase(unacknowledged_.begin() + static_cast<std::ptrdiff_t>(at));
  pump(now);
}

// --- what goes out --------------------------------------------------------------------------------------------------

void Conversation::post(MessageKind message) {
  Action action;
  action.message = message;
  action.to = peer_;
  actions_.push_back(std::move(action));
}

void Conversation::answer(const Event& event, std::uint16_t status) {
  post(MessageKind::ack);
  actions_.back().status = status;
  (event.kind == MessageKind::execute ? actions_.back().memory : actions_.back().item) =
      event.kind == MessageKind::execute ? event.memory : event.item;
}

void Conversation::refuse(const Event& event, Time now) {
  answer(event, 0);
  if (++refusals_ >= most_refusals) fail(Error::frame_malformed, now);
}

void Conversation::post_chunk(const Chunk& chunk, Time now) {
  const bool client = role_ == Role::client;
  post(client ? MessageKind::execute : MessageKind::data);
  auto& action = actions_.back();
  action.owns_memory = true;
  action.payload = encode_chunk(chunk);
  if (client) action.payload = encode_command(action.payload);
  if (!client) {
    action.item = names_.frames;
    action.format = names_.format;
    action.status = status_ack_request;
  }
  unacknowledged_.push_back({.tells_handle = chunk.kind == ChunkKind::handle, .since = now});
}

void Conversation::pump(Time now) {
  if (!open()) return;
  const auto room = [this] { return unacknowledged_.size() < most_unacknowledged; };
  if (nonce_ && !nonce_sent_ && room()) {
    nonce_sent_ = true;
    post_chunk({.kind = ChunkKind::nonce, .payload = *nonce_}, now);
  }
  if (handle_ && nonce_sent_ && !handle_sent_ && room()) {
    handle_sent_ = true;
    post_chunk({.kind = ChunkKind::handle, .number = *handle_}, now);
    if (peer_nonce_ && peer_handle_) state_ = State::connected;
  }
  if (state_ != State::connected) return;
  deadline_.reset();
  if (incoming_.taken_below() - told_below_ >= notice_step && room()) {
    told_below_ = incoming_.taken_below();
    post_chunk({.kind = ChunkKind::taken, .number = told_below_}, now);
  }
  pump_frames(now);
}

void Conversation::pump_frames(Time now) {
  while (!queue_.empty() && unacknowledged_.size() < most_unacknowledged) {
    auto& datagram = queue_.front();
    if (datagram.number - peer_took_below_ >= datagram_window) return;
    const auto part = std::min(chunk_payload, datagram.bytes.size() - datagram.sent);
    post_chunk({.kind = ChunkKind::frame,
                .offset = static_cast<std::uint32_t>(datagram.sent),
                .number = datagram.number,
                .total = static_cast<std::uint32_t>(datagram.bytes.size()),
                .payload = bytes_view(datagram.bytes).subspan(datagram.sent, part)},
               now);
    datagram.sent += part;
    if (datagram.sent != datagram.bytes.size()) continue;
    posted_below_ = datagram.number + 1;
    queue_.pop_front();
  }
}

void Conversation::posted(Id memory, Time now) {
  const auto found = std::ranges::find(unacknowledged_, false, &Unacknowledged::posted);
  if (found == unacknowledged_.end()) return;
  found->posted = true;
  found->memory = memory;
  found->since = now;
  handle_told_ = handle_told_ || found->tells_handle;
}

void Conversation::post_failed(Time) { peer_gone(); }

std::optional<Action> Conversation::next_action() {
  if (actions_.empty()) return std::nullopt;
  std::optional<Action> next(std::move(actions_.front()));
  actions_.pop_front();
  return next;
}

// --- the end --------------------------------------------------------------------------------------------------------

void Conversation::terminate(Time now) {
  if (state_ == State::idle || state_ == State::initiating) return end(Error::closed);
  fail(Error::closed, now);
}

// What was not posted yet never will be, but for answers and goodbyes.
void Conversation::drop_unposted() {
  std::erase_if(actions_, [](const Action& one) { return one.owns_memory || one.message == MessageKind::advise; });
}

void Conversation::fail(Error error, Time now) {
  if (state_ == State::terminating || state_ == State::closed) return;
  error_ = error;
  incoming_.clear();
  queue_.clear();
  drop_unposted();
  post(MessageKind::terminate);
  state_ = State::terminating;
  deadline_ = now + timeouts_.terminate;
}

void Conversation::peer_gone() {
  if (state_ == State::closed) return;
  drained_ends_ = state_ != State::terminating;
  end(Error::truncated);
}

void Conversation::end(Error error) {
  if (state_ == State::closed) return;
  if (error_ == Error::none) error_ = error;
  state_ = State::closed;
  deadline_.reset();
  queue_.clear();
  drop_unposted();
  for (const auto& one : unacknowledged_) {
    if (!one.posted) continue;
    Action action;
    action.kind = Action::Kind::release;
    action.memory = one.memory;
    actions_.push_back(std::move(action));
  }
  unacknowledged_.clear();
}

void Conversation::tick(Time now) {
  if (deadline_ && now >= *deadline_) {
    if (state_ == State::initiating) return broadcast_stopped();
    if (state_ == State::terminating) return end(error_);
    return fail(Error::deadline_exceeded, now);
  }
  if (!open() || unacknowledged_.empty()) return;
  // A process that hangs: its window is there, and answers nothing.
  if (now >= unacknowledged_.front().since + timeouts_.acknowledge) fail(Error::truncated, now);
}

std::optional<Time> Conversation::deadline() const noexcept {
  if (!open() || unacknowledged_.empty()) return deadline_;
  const auto acknowledge_by = unacknowledged_.front().since + timeouts_.acknowledge;
  return deadline_ ? std::min(*deadline_, acknowledge_by) : acknowledge_by;
}

// --- datagrams ------------------------------------------------------------------------------------------------------

bool Conversation::writable() const noexcept {
  if (state_ == State::terminating || state_ == State::closed) return true;  // send() says why
  return state_ == State::connected && queue_.size() < most_queued;
}

result<std::size_t> Conversation::send(bytes_view datagram, Time now) {
  if (error_ != Error::none) return error_;
  if (datagram.empty()) return Error::invalid_argument;
  if (state_ != State::connected || queue_.size() >= most_queued) return Error::would_block;
  const auto part = datagram.first(std::min(datagram.size(), largest_datagram));
  queue_.push_back({next_number_++, {part.begin(), part.end()}});
  pump(now);
  return part.size();
}

bool Conversation::readable() const noexcept {
  if (state_ == State::terminating || state_ == State::closed) return true;
  return incoming_.ready();
}

result<std::size_t> Conversation::take(bytes_span out, Time now) {
  const bool allowed = state_ == State::connected || (state_ == State::closed && drained_ends_);
  if (allowed && incoming_.ready()) {
    const auto size = incoming_.take(out);
    pump(now);
    return size;
  }
  return error_ != Error::none ? error_ : Error::would_block;
}

}  // namespace penstock::transport::dde
