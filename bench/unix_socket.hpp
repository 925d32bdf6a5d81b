// Connected Unix stream sockets for the contenders that speak over one directly: raw and TLS.
#pragma once

#include <string>

#include "penstock/bytes.hpp"
#include "penstock/handle.hpp"

namespace penstock::bench {

Handle listen_at(const std::string& path);
Handle accept_from(const Handle& listener);
Handle connect_to(const std::string& path);

/// Blocking; fail at the end of the stream.
void send_all(int socket, bytes_view bytes);
void receive_all(int socket, bytes_span bytes);

}  // namespace penstock::bench
