// Receiving and calls of the Asio face.
#include "protocol/async_channel.hpp"

namespace penstock::protocol {

void AsyncChannel::start_receive(bytes_span buffer, ReceiveHandler handler) {
  if (!core_) return handler.complete(executor_, to_code(why_), Incoming());
  if (!core_->can_deliver()) return handler.complete(executor_, to_code(core_->close_reason()), Incoming());
  if (receive_) return handler.complete(executor_, to_code(Error::invalid_argument), Incoming());
  handler.on_cancel([weak = weak_from_this(), number = ++receive_number_] {
    auto self = weak.lock();
    if (self && self->receive_ && self->receive_number_ == number) self->cancel_receive();
  });
  receive_ = std::move(handler);
  target_ = ReceiveTarget();
  target_.buffer = buffer;
  core_->set_target(&target_);
  pump_receive();
}

void AsyncChannel::cancel_receive() {
  core_->set_target(nullptr);
  receive_.complete(executor_, to_code(Error::cancelled), Incoming());
}

result<Incoming> AsyncChannel::try_receive(bytes_span buffer) {
  if (!core_) return why_;
  if (!core_->can_deliver()) return core_->close_reason();
  if (receive_) return Error::invalid_argument;
  ReceiveTarget target;
  target.buffer = buffer;
  core_->set_target(&target);
  while (!target.done) {
    const auto step = core_->step(transport::Wait::no);
    collect_finished();
    if (!step) {
      core_->set_target(nullptr);
      complete_all();
      return step.error();
    }
    if (*step != ChannelCore::Step::progress) break;
  }
  if (!target.done) core_->set_target(nullptr);
  schedule_flush();
  // What was taken may have made room again for the answers that calls wait for.
  if (core_->has_pending_calls()) pump_receive();
  if (!target.done) return Error::would_block;
  if (target.failure.code() != Error::none) return target.failure;
  return std::move(target.incoming);
}

void AsyncChannel::start_call(OutgoingMessage message, bytes_span reply, std::chrono::milliseconds deadline,
                              CallHandler handler) {
  if (!core_) return handler.complete(executor_, to_code(why_), Reply());
  auto& op = calls_.emplace_back();
  op.pending.reply_buffer = reply;
  op.deadline = std::chrono::steady_clock::now() + deadline;
  auto begun = core_->begin_call(op.pending, message);
  if (!begun) {
    calls_.pop_back();
    return handler.complete(executor_, to_code(begun.error()), Reply());
  }
  handler.on_cancel([weak = weak_from_this(), id = op.pending.id] {
    if (auto self = weak.lock()) self->cancel_call(id, Error::cancelled);
  });
  op.handler = std::move(handler);
  const auto id = op.pending.id;
  // The request itself is a send like any other; if it cannot leave, the call ends with the same reason.
  queue_send(message, SendHandler([weak = weak_from_this(), id](boost::system::error_code ec) {
               auto self = weak.lock();
               if (ec && self) self->cancel_call(id, static_cast<Error>(ec.value()));
             }));
  arm_deadline();
  if (is_open()) pump_receive();
}

// Forgets the call first: what the peer answers later finds nobody (ATK-27).
void AsyncChannel::cancel_call(std::uint64_t id, Error reason) {
  const auto found = std::find_if(calls_.begin(), calls_.end(), [&](const CallOp& op) { return op.pending.id == id; });
  if (found == calls_.end() || found->pending.done) return;
  auto handler = std::move(found->handler);
  release_request(id);
  core_->forget(found->pending);
  calls_.erase(found);
  handler.complete(executor_, to_code(reason), Reply());
  if (!is_open()) return complete_all();
  schedule_flush();
}

void AsyncChannel::arm_deadline() {
  if (calls_.empty()) return;
  const auto first = std::min_element(calls_.begin(), calls_.end(),
                                      [](const CallOp& a, const CallOp& b) { return a.deadline < b.deadline; });
  if (!deadline_) deadline_ = std::make_unique<asio::steady_timer>(executor_);
  // One timer, only ever moved forwards in time when it fires: no reprogramming for each call.
  if (deadline_armed_ && armed_for_ <= first->deadline) return;
  armed_for_ = first->deadline;
  deadline_armed_ = true;
  deadline_->expires_at(armed_for_);
  deadline_->async_wait([weak = weak_from_this()](boost::system::error_code ec) {
    auto self = weak.lock();
    if (!ec && self) self->on_deadline();
  });
}

void AsyncChannel::on_deadline() {
  deadline_armed_ = false;
  const auto now = std::chrono::steady_clock::now();
  std::vector<std::uint64_t> late;
  for (const auto& op : calls_) {
    if (op.deadline <= now && !op.pending.done) late.push_back(op.pending.id);
  }
  for (const auto id : late) cancel_call(id, Error::deadline_exceeded);
  arm_deadline();
}

// Hands finished calls and the finished receive to their handlers.
void AsyncChannel::collect_finished() {
  for (auto at = calls_.begin(); at != calls_.end();) {
    if (!at->pending.done) {
      ++at;
      continue;
    }
    release_request(at->pending.id);
    at->handler.complete(executor_, to_code(at->pending.failure), std::move(at->pending.reply));
    at = calls_.erase(at);
  }
  if (!receive_ || !target_.done) return;
  receive_.complete(executor_, to_code(target_.failure), std::move(target_.incoming));
}

// Reads only while somebody wants something: what nobody asks for stays in the kernel, which holds the peer back.
void AsyncChannel::pump_receive() {
  if (reading_) return;
  bool polled = false;
  while (receive_ || core_->has_pending_calls()) {
    auto step = core_->step(transport::Wait::no);
    if (step && *step == ChannelCore::Step::need_input && !polled) {
      polled = true;
      step = core_->poll_before_sleep();
    }
    collect_finished();
    if (!step) return complete_all();
    if (*step == ChannelCore::Step::paused) break;
    if (*step == ChannelCore::Step::need_input) {
      core_->release_idle();
      wait_readable();
      break;
    }
  }
  schedule_flush();
}

void AsyncChannel::wait_readable() {
  reading_ = true;
  core_->carrier().async_wait(transport::Readiness::readable, [self = shared_from_this()](boost::system::error_code ec) {
    self->reading_ = false;
    if (ec || !self->is_open()) return;
    self->pump_receive();
  });
}

}  // namespace penstock::protocol
