#include "penstock/listener.hpp"

#include "protocol/listener_core.hpp"

namespace penstock {

Listener::Listener(std::shared_ptr<protocol::ListenerCore> impl) noexcept : impl_(std::move(impl)) {}
Listener::Listener(Listener&&) noexcept = default;

Listener& Listener::operator=(Listener&& other) noexcept {
  if (this == &other) return *this;
  close();
  impl_ = std::move(other.impl_);
  return *this;
}

Listener::~Listener() { close(); }

result<Listener> Listener::open(asio::any_io_executor executor, const Endpoint& endpoint, ListenOptions options) {
  auto core = protocol::ListenerCore::open(std::move(executor), endpoint, std::move(options));
  if (!core) return core.error();
  return Listener(std::move(*core));
}

void Listener::start_accept(AcceptHandler handler) { impl_->start_accept(std::move(handler)); }
const Endpoint& Listener::endpoint() const noexcept { return impl_->endpoint(); }
ListenerStats Listener::stats() const noexcept { return impl_->stats(); }
asio::any_io_executor Listener::get_executor() const noexcept { return impl_->executor(); }

void Listener::close() noexcept {
  if (impl_) impl_->close();
}

}  // namespace penstock
