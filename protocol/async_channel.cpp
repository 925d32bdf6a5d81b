// Sending, closing and completing; receiving and calls are async_receive.cpp.
#include "protocol/async_channel.hpp"

namespace penstock::protocol {
namespace {

// A flush is put off while the current turn of the executor still adds frames, but not for longer than this.
constexpr std::uint8_t most_flush_hops = 16;

}  // namespace

AsyncChannel::AsyncChannel(asio::any_io_executor executor, std::unique_ptr<ChannelCore> core, Failure why)
    : executor_(std::move(executor)), core_(std::move(core)), why_(std::move(why)) {}

void AsyncChannel::start_send(OutgoingMessage message, SendHandler handler) {
  if (!core_) return handler.complete(executor_, to_code(why_));
  if (auto sound = core_->check(message); !sound) return handler.complete(executor_, to_code(sound.error()));
  queue_send(message, std::move(handler));
}

void AsyncChannel::start_reply(RequestId request, std::uint32_t status, bytes_view body,
                               std::span<const native_handle> handles, SendHandler handler) {
  if (!core_) return handler.complete(executor_, to_code(why_));
  auto message = core_->begin_reply(request, status, body, handles);
  if (!message) return handler.complete(executor_, to_code(message.error()));
  queue_send(*message, std::move(handler));
}

void AsyncChannel::queue_send(OutgoingMessage message, SendHandler handler) {
  if (sends_.empty()) {
    auto sealed = seal_and_write(message);
    if (!sealed) {
      handler.complete(executor_, to_code(sealed.error()));
      return complete_all();
    }
    schedule_flush();
    if (*sealed) return handler.complete(executor_, {});
  }
  const auto number = next_send_++;
  // Only a message of which nothing is sealed can be taken back: half a message would end the channel.
  handler.on_cancel([weak = weak_from_this(), number] {
    if (auto self = weak.lock()) self->cancel_send(number);
  });
  auto& op = sends_.emplace_back(SendOp{number, message, std::move(handler), std::string(message.header.operation), {}});
  op.message.header.operation = op.operation;
}

// A call's buffers are its caller's again when it ends, however early: a request that has not begun to leave never does, and of
// one that has, the rest is kept here. Half a message cannot be taken back.
void AsyncChannel::release_request(std::uint64_t id) {
  const auto found = std::find_if(sends_.begin(), sends_.end(), [&](const SendOp& op) {
    return op.message.header.type == FrameType::request && op.message.header.id == id;
  });
  if (found == sends_.end()) return;
  if (!found->message.started) {
    sends_.erase(found);
    return;
  }
  auto& message = found->message;
  const auto rest = message.body.subspan(message.offset);
  found->owned.assign(rest.begin(), rest.end());
  message.body = found->owned;
  message.offset = 0;
  message.handles = {};
}

// Seals up to the outbound bound. Long messages, and many short ones of one turn, leave meanwhile, a buffer at a time.
result<bool> AsyncChannel::seal_and_write(OutgoingMessage& message) {
  auto sealed = core_->seal(message, ChannelCore::Pause::at_write);
  while (sealed && !*sealed) {
    const auto flushed = core_->flush(transport::Wait::no);
    if (!flushed) return flushed;
    if (!*flushed) wait_writable();
    // No write is due right after one: what stops the sealing without a byte more is the bound.
    const auto waiting = core_->output_size();
    sealed = core_->seal(message, ChannelCore::Pause::at_write);
    if (core_->output_size() == waiting) break;
  }
  return sealed;
}

void AsyncChannel::cancel_send(std::uint64_t number) {
  const auto found = std::find_if(sends_.begin(), sends_.end(), [&](const SendOp& op) { return op.number == number; });
  if (found == sends_.end() || found->message.started) return;
  auto handler = std::move(found->handler);
  sends_.erase(found);
  handler.complete(executor_, to_code(Error::cancelled));
}

// Seals what waited for room, oldest first.
void AsyncChannel::pump_sends() {
  while (core_ && core_->is_open() && !sends_.empty()) {
    const auto sealed = seal_and_write(sends_.front().message);
    if (sealed && !*sealed) break;
    auto handler = std::move(sends_.front().handler);
    crypto::wipe(sends_.front().owned);
    sends_.pop_front();
    handler.complete(executor_, to_code(sealed ? Failure() : sealed.error()));
  }
  if (core_ && !is_open()) return complete_all();
  check_linger();
}

result<void> AsyncChannel::try_send(OutgoingMessage message) {
  if (!core_) return why_;
  if (auto sound = core_->check(message); !sound) return sound.error();
  if (!sends_.empty()) return Error::would_block;
  // A message of several records may not stop in the middle: it needs room for all of them now.
  const std::size_t records = message.body.size() / max_record_payload + 2;
  const std::size_t sealed_size = message.body.size() + records * record_overhead;
  if (sealed_size > core_->outbound_bound()) {
    return Failure(Error::message_too_large, "more than Limits::outbound_bytes at once: send it with async_send");
  }
  if (core_->output_size() + sealed_size > core_->outbound_bound()) {
    schedule_flush();
    return Error::would_block;
  }
  const auto sealed = seal_and_write(message);
  schedule_flush();
  if (!sealed) {
    complete_all();
    return sealed.error();
  }
  return *sealed ? result<void>() : Error::would_block;
}

void AsyncChannel::schedule_flush() {
  if (!is_open() || flush_posted_ || writing_ || !core_->has_output()) return;
  flush_posted_ = true;
  flush_hops_ = 0;
  flush_seen_ = core_->output_size();
  asio::post(executor_, [self = shared_from_this()] { self->on_flush(); });
}

// Frames that the handlers of this turn add leave in one write. No timer: as soon as nobody adds any, they go.
void AsyncChannel::on_flush() {
  if (!is_open()) {
    flush_posted_ = false;
    return;
  }
  const auto size = core_->output_size();
  if (size > flush_seen_ && size < write_at && flush_hops_ < most_flush_hops) {
    flush_seen_ = size;
    ++flush_hops_;
    asio::post(executor_, [self = shared_from_this()] { self->on_flush(); });
    return;
  }
  flush_posted_ = false;
  for (;;) {
    const auto flushed = core_->flush(transport::Wait::no);
    if (!flushed) return complete_all();
    if (!*flushed) return wait_writable();
    if (sends_.empty()) return check_linger();
    pump_sends();
    if (!core_->has_output()) return;
  }
}

void AsyncChannel::wait_writable() {
  if (writing_) return;
  writing_ = true;
  core_->carrier().async_wait(transport::Readiness::writable, [self = shared_from_this()](boost::system::error_code ec) {
    self->writing_ = false;
    if (ec || !self->is_open()) return;
    self->flush_seen_ = self->core_->output_size();
    self->on_flush();
  });
}

void AsyncChannel::start_close(std::chrono::milliseconds linger, SendHandler handler) {
  if (!is_open()) return handler.complete(executor_, {});
  if (close_) return handler.complete(executor_, to_code(Error::invalid_argument));
  close_ = std::move(handler);
  linger_ = std::make_unique<asio::steady_timer>(executor_, linger);
  linger_->async_wait([weak = weak_from_this()](boost::system::error_code ec) {
    auto self = weak.lock();
    if (ec || !self || !self->close_) return;
    self->shut(Error::closed);
  });
  schedule_flush();
  check_linger();
}

// A lingering close ends when nothing is left to write.
void AsyncChannel::check_linger() {
  if (!close_ || !is_open() || !sends_.empty() || core_->has_output()) return;
  shut(Error::closed);
}

void AsyncChannel::shut(const Failure& reason) {
  if (!core_) return;
  if (core_->is_open()) {
    if (reason == Error::closed || reason == Error::cancelled) {
      core_->close_gracefully();
    } else {
      core_->close(reason);
    }
  }
  why_ = reason;
  complete_all();
}

result<void> AsyncChannel::refresh_keys() {
  if (!core_) return why_;
  auto done = core_->refresh_keys();
  if (!is_open()) complete_all();
  schedule_flush();
  return done;
}

// After the channel has closed: whoever still waits is told.
void AsyncChannel::complete_all() {
  if (is_open() && !core_->write_failed()) return;
  const Failure reason = is_open() ? Failure(Error::truncated) : core_->close_reason();
  for (auto sends = std::exchange(sends_, {}); auto& op : sends) {
    crypto::wipe(op.owned);
    op.handler.complete(executor_, to_code(reason));
  }
  if (is_open()) return;
  collect_finished();
  if (receive_) receive_.complete(executor_, to_code(reason), Incoming());
  if (deadline_) deadline_->cancel();
  if (linger_) linger_->cancel();
  if (close_) close_.complete(executor_, reason == Error::closed ? boost::system::error_code() : to_code(reason));
}

std::unique_ptr<ChannelCore> AsyncChannel::release_core() {
  if (core_ && core_->is_open()) core_->carrier().detach();
  return std::move(core_);
}

}  // namespace penstock::protocol
