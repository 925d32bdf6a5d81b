// The pipe carrier: a Unix socket with a path on Linux. How a name is bound, found and handed over safely.
#pragma once

#include <functional>
#include <memory>

#include "penstock/endpoint.hpp"
#include "transports/carrier_listener.hpp"

namespace penstock::transport {

/// Called with the server's identity after connect and before one byte is sent (ATK-01). A failure refuses it.
using PeerCheck = std::function<result<void>(const PeerIdentity&)>;

struct PipeOptions {
  /// Let a process meet itself, as threads of one program may; else peer_unidentified (ATK-04).
  bool allow_own_process = false;
};

/// Connects to `endpoint`, checking the directory and the socket file first (ATK-11), the server's identity
/// afterwards, then `check`. Sends nothing. Blocks no longer than `deadline` (a full backlog); past it already, tries once.
/// not_found, directory_unsafe, socket_unsafe, permission_denied, peer_*, deadline_exceeded, io_error.
/// Directories and the socket must belong to root, to this user, or to a user in `server_users` (what the
/// caller's policy admits as server).
[[nodiscard]] result<std::unique_ptr<Carrier>> connect_pipe(const Endpoint& endpoint,
                                                            std::span<const user_id> server_users,
                                                            const PeerCheck& check, Deadline deadline,
                                                            PipeOptions options = {});

/// A bound, listening name. The name is this process's until it goes: a lock that the kernel drops with the process
/// says who is live, so that a crashed one's leftovers never block a restart and a live one is never displaced.
/// A connection whose process has already ended is peer_gone, whatever it had sent. close() unlinks the name and drops the lock.
class PipeListener : public CarrierListener {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "pipe"; }
  /// name_in_use, directory_unsafe, socket_unsafe, permission_denied, not_found (the directory), unsupported (no
  /// /proc), resource_exhausted, io_error. Makes the scope's own directory where it is missing (never a named one); the
  /// socket's mode is 0600 for the scopes session and user, 0666 for machine (policy decides who is admitted), and is
  /// read back after bind (ATK-08).
  [[nodiscard]] static result<std::unique_ptr<PipeListener>> open(const Endpoint& endpoint, int backlog,
                                                                  PipeOptions options = {});
};

}  // namespace penstock::transport
