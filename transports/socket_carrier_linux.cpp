#include <sys/socket.h>
#include <unistd.h>

#include "transports/socket_carrier.hpp"
#include "transports/socket_io.hpp"

namespace penstock::transport {

SocketCarrier::SocketCarrier(const CarrierTraits& traits, Handle socket, SocketEnds ends)
    : traits_(traits), ends_(std::move(ends)), socket_(std::move(socket)), owner_(::getpid()) {}

result<std::unique_ptr<Carrier>> SocketCarrier::make(const CarrierTraits& traits, Handle socket, SocketEnds ends) {
  std::unique_ptr<Carrier> carrier(new SocketCarrier(traits, std::move(socket), std::move(ends)));
  if (auto asked = carrier->sender_checks(true); !asked) return asked.error();
  return carrier;
}

result<void> SocketCarrier::sender_checks(bool on) {
  if (!socket_) return Error::closed;
  return ask_for_senders(socket_.get(), on);
}

result<std::size_t> SocketCarrier::send(bytes_view bytes, std::span<const native_handle> handles, Wait wait) {
  if (!socket_) return Error::closed;
  return send_bytes(socket_.get(), bytes, handles, wait);
}

result<Received> SocketCarrier::receive(bytes_span buffer, HandleList& handles, Wait wait) {
  if (!socket_) return Error::closed;
  return receive_bytes(socket_.get(), buffer, handles, wait);
}

result<void> SocketCarrier::wait(Readiness readiness, Deadline deadline) {
  if (!socket_) return Error::closed;
  return wait_ready(socket_.get(), readiness, deadline);
}

result<void> SocketCarrier::attach(const boost::asio::any_io_executor& executor) {
  if (!socket_) return Error::closed;
  return watch_.attach(executor, socket_.get());
}

void SocketCarrier::close() noexcept {
  if (!socket_) return;
  if (::getpid() != owner_) {
    // A forked child's copy goes silently: neither the connection nor the shared reactor is its own to end.
    watch_.forget();
    socket_.reset();
    return;
  }
  watch_.release();
  // A child that was forked meanwhile may hold the socket too; the other end must see the end all the same.
  ::shutdown(socket_.get(), SHUT_RDWR);
  socket_.reset();
}

}  // namespace penstock::transport
