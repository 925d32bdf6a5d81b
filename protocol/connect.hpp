// Shared by the two connecting faces.
#pragma once

#include "penstock/connect.hpp"
#include "protocol/handshake_driver.hpp"

namespace penstock::protocol {

/// Checks the options before anything is touched. invalid_argument, suite_unavailable.
[[nodiscard]] result<Suite> check_options(const ConnectOptions& options);

/// Finds the listener, checks it, and prepares the handshake: no byte is sent yet (ATK-01). Everything refused is recorded.
[[nodiscard]] result<std::unique_ptr<HandshakeDriver>> open_connection(const Endpoint& endpoint,
                                                                       const ConnectOptions& options,
                                                                       transport::Deadline deadline);

}  // namespace penstock::protocol
