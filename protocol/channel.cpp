// The public Asio face: a handle on an AsyncChannel.
#include "penstock/channel.hpp"

#include "protocol/async_channel.hpp"

namespace penstock {
namespace {

bytes_view view(asio::const_buffer buffer) noexcept {
  return {static_cast<const std::byte*>(buffer.data()), buffer.size()};
}

bytes_span view(asio::mutable_buffer buffer) noexcept { return {static_cast<std::byte*>(buffer.data()), buffer.size()}; }

protocol::OutgoingMessage one_way(asio::const_buffer body, std::span<const native_handle> handles) noexcept {
  protocol::OutgoingMessage message;
  message.header.type = protocol::FrameType::message;
  message.body = view(body);
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
Channel::Channel(std::shared_ptr<protocol::AsyncChannel> impl) noexcept : impl_(std::move(impl)) {}
Channel::Channel(Channel&&) noexcept = default;

Channel& Channel::operator=(Channel&& other) noexcept {
  if (this == &other) return *this;
  if (impl_) impl_->shut(Error::cancelled);
  impl_ = std::move(other.impl_);
  return *this;
}

Channel::~Channel() {
  if (impl_) impl_->shut(Error::cancelled);
}

std::shared_ptr<protocol::AsyncChannel> Channel::release_impl() noexcept { return std::move(impl_); }

bool Channel::is_open() const noexcept { return impl_ && impl_->is_open(); }

Channel::executor_type Channel::get_executor() const noexcept { return impl_ ? impl_->executor() : executor_type(); }

const PeerIdentity& Channel::peer() const noexcept {
  return impl_ && impl_->core() != nullptr ? impl_->core()->carrier().peer() : no_peer();
}

const ChannelInfo& Channel::info() const noexcept {
  return impl_ && impl_->core() != nullptr ? impl_->core()->info() : no_info();
}

Failure Channel::close_reason() const { return impl_ ? impl_->close_reason() : Failure(Error::closed); }

result<void> Channel::try_send(asio::const_buffer message, std::span<const native_handle> handles) {
  if (!impl_) return Error::closed;
  return impl_->try_send(one_way(message, handles));
}

result<Incoming> Channel::try_receive(asio::mutable_buffer buffer) {
  if (!impl_) return Error::closed;
  return impl_->try_receive(view(buffer));
}

result<void> Channel::refresh_keys() { return impl_ ? impl_->refresh_keys() : Error::closed; }

void Channel::close() noexcept {
  if (impl_) impl_->shut(Error::closed);
}

// An operation on no channel still completes as every other does: through the handler's own executor. One that has none
// runs on the system's.
template <class Handler, class... Arguments>
static void complete_closed(Handler handler, Arguments... arguments) {
  handler.complete(asio::system_executor(), make_error_code(Error::closed), std::move(arguments)...);
}

void Channel::start_send(asio::const_buffer body, std::span<const native_handle> handles, SendHandler handler) {
  if (!impl_) return complete_closed(std::move(handler));
  impl_->start_send(one_way(body, handles), std::move(handler));
}

void Channel::start_send_buffer(const SealedBuffer& buffer, asio::const_buffer note, SendHandler handler) {
  if (!impl_) return complete_closed(std::move(handler));
  const auto message = protocol::buffer_message(buffer, view(note));
  if (!message) return handler.complete(impl_->executor(), make_error_code(message.error().code()));
  impl_->start_send(*message, std::move(handler));
}

void Channel::start_receive(asio::mutable_buffer buffer, ReceiveHandler handler) {
  if (!impl_) return complete_closed(std::move(handler), Incoming());
  impl_->start_receive(view(buffer), std::move(handler));
}

void Channel::start_call(std::string_view operation, asio::const_buffer request, asio::mutable_buffer reply,
                         CallOptions options, CallHandler handler) {
  if (!impl_) return complete_closed(std::move(handler), Reply());
  auto message = one_way(request, options.handles);
  message.header.type = protocol::FrameType::request;
  message.header.operation = operation;
  impl_->start_call(message, view(reply), options.deadline, std::move(handler));
}

void Channel::start_reply(RequestId request, std::uint32_t status, asio::const_buffer body,
                          std::span<const native_handle> handles, SendHandler handler) {
  if (!impl_) return complete_closed(std::move(handler));
  impl_->start_reply(request, status, view(body), handles, std::move(handler));
}

void Channel::start_close(std::chrono::milliseconds linger, SendHandler handler) {
  if (!impl_) return complete_closed(std::move(handler));
  impl_->start_close(linger, std::move(handler));
}

}  // namespace penstock
