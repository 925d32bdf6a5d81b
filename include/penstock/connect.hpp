// The connecting side.
#pragma once

#include "penstock/channel.hpp"
#include "penstock/endpoint.hpp"
#include "penstock/options.hpp"

namespace penstock {

namespace detail {
using ConnectHandler = Completion<void(boost::system::error_code, Channel)>;
void start_connect(asio::any_io_executor executor, Endpoint endpoint, ConnectOptions options, ConnectHandler handler);
}  // namespace detail

/// Connects, proves both ends, and hands out a channel. Signature void(error_code, Channel).
/// On an error the Channel is closed and its close_reason() has the sentence.
/// Order: the directory and the socket's owner, connect, the server's identity against `options.policy`, and only then the
/// first byte. Errors: invalid_argument, not_found, directory_unsafe, socket_unsafe, peer_*, handshake_*,
/// truncated (the listener refused us: it does not say why), deadline_exceeded, cancelled.
/// Thread-safe; the channel belongs to `executor`.
template <class CompletionToken>
auto async_connect(asio::any_io_executor executor, Endpoint endpoint, ConnectOptions options, CompletionToken&& token) {
  return asio::async_initiate<CompletionToken, void(boost::system::error_code, Channel)>(
      [](auto handler, asio::any_io_executor ex, Endpoint where, ConnectOptions how) {
        detail::start_connect(std::move(ex), std::move(where), std::move(how), std::move(handler));
      },
      token, std::move(executor), std::move(endpoint), std::move(options));
}

}  // namespace penstock
