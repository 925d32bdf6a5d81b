// The client's way in: directory, socket file, connect, identity, scope, policy; and only then may anybody send.
// Sources: unix(7), connect(2), socket(7) SO_SNDTIMEO.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "transports/directory.hpp"
#include "transports/os_error.hpp"
#include "transports/os_peer_linux.hpp"
#include "transports/pipe.hpp"
#include "transports/scope_check.hpp"
#include "transports/socket_address_linux.hpp"
#include "transports/socket_carrier.hpp"
#include "transports/socket_io.hpp"
#include "transports/traits.hpp"

namespace penstock::transport {
namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::steady_clock;

Failure nobody_listens(const Endpoint& endpoint) {
  return Failure(Error::not_found, fmt::format("Nobody listens at {}: start the listener first.", endpoint.describe()));
}

result<void> check_socket_file(const Handle& directory, const std::string& name, const TrustedUsers& users,
                               const Endpoint& endpoint) {
  struct stat status{};
  if (::fstatat(directory.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return nobody_listens(endpoint);
    return Failure(error_of(errno), fmt::format("{}: {}.", endpoint.describe(), reason(errno)));
  }
  if (S_ISSOCK(status.st_mode) && users.contains(status.st_uid)) return {};
  return Failure(
      Error::socket_unsafe,
      fmt::format("What stands at {} is {} of user {}: expected is a socket of root, of user {} or of a user whom the "
                  "policy admits as server.",
                  endpoint.describe(), S_ISSOCK(status.st_mode) ? "a socket" : "not a socket, but an entry",
                  status.st_uid, users.self));
}

result<void> set_blocking(const Handle& socket, bool on) {
  const int flags = ::fcntl(socket.get(), F_GETFL);
  if (flags < 0) return Error::io_error;
  return ::fcntl(socket.get(), F_SETFL, on ? flags & ~O_NONBLOCK : flags | O_NONBLOCK) == 0 ? result<void>()
                                                                                              : Error::io_error;
}

/// How long connect(2) may wait for room in the backlog; the kernel wakes it when there is some. Past the deadline it
/// tries once and does not wait: that is how the Asio face asks.
result<void> limit_wait(const Handle& socket, Deadline deadline) {
  timeval limit{};
  if (deadline) {
    const auto left = duration_cast<microseconds>(*deadline - steady_clock::now());
    if (left.count() <= 0) return set_blocking(socket, false);
    limit.tv_sec = static_cast<time_t>(left.count() / 1'000'000);
    limit.tv_usec = static_cast<suseconds_t>(left.count() % 1'000'000);
  }
  return ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) == 0 ? result<void>()
                                                                                        : Error::io_error;
}

result<void> connect_within(const Handle& socket, const std::string& path, const Endpoint& endpoint,
                            Deadline deadline) {
  const UnixAddress address(path);
  for (;;) {
    if (auto limited = limit_wait(socket, deadline); !limited) return limited;
    if (::connect(socket.get(), address.data(), address.size()) == 0) {
      const auto blocking = set_blocking(socket, true);
      return blocking ? limit_wait(socket, std::nullopt) : blocking;
    }
    switch (const int number = errno; number) {
      case EINTR:
        continue;
      case EAGAIN:
        return Failure(Error::deadline_exceeded,
                       fmt::format("{} took no connection in time: it is overloaded or hangs.", endpoint.describe()));
      case ENOENT:
      case ECONNREFUSED:
        return nobody_listens(endpoint);
      case EPROTOTYPE:
        return Failure(Error::socket_unsafe,
                       fmt::format("{} is no stream socket: it is not a Penstock listener's.", endpoint.describe()));
      default:
        return Failure(error_of(number),
                       fmt::format("{} cannot be connected to ({}): check the socket's mode and this user's rights.",
                                   endpoint.describe(), reason(number)));
    }
  }
}

result<void> check_server(const Endpoint& endpoint, const SocketEnds& ends, const PeerCheck& check,
                          const PipeOptions& options) {
  if (!options.allow_own_process) {
    if (auto other = check_not_self(ends.peer, *ends.self); !other) return other;
  }
  if (auto in_scope = check_scope(endpoint.scope(), ends.peer, *ends.self); !in_scope) return in_scope;
  return check ? check(ends.peer) : result<void>();
}

}  // namespace

result<std::unique_ptr<Carrier>> connect_pipe(const Endpoint& endpoint, std::span<const std::uint32_t> server_users,
                                              const PeerCheck& check, Deadline deadline, PipeOptions options) {
  const TrustedUsers users{::geteuid(), server_users};
  auto directory = open_directory(endpoint.directory(), users);
  if (!directory) return directory.error();
  const auto name = endpoint.name() + ".sock";
  if (auto expected = check_socket_file(*directory, name, users, endpoint); !expected) return expected.error();
  const auto path = path_within(*directory, name);
  if (!path) return path.error();

  Handle socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) return Failure(error_of(errno), fmt::format("No socket could be made ({}).", reason(errno)));
  // Before connect, so that whatever the server sends first has its sender's name on it.
  if (auto asked = ask_for_senders(socket.get(), true); !asked) return asked.error();
  if (auto connected = connect_within(socket, *path, endpoint, deadline); !connected) return connected.error();

  // ATK-01: who called listen(2) there? Nothing has been sent, and nothing will be to another.
  auto peer = identify_socket_peer(socket.get());
  if (!peer) return peer.error();
  auto self = identify_self();
  if (!self) return self.error();
  SocketEnds ends{std::move(*peer), std::make_shared<const PeerIdentity>(std::move(*self))};
  if (auto admitted = check_server(endpoint, ends, check, options); !admitted) return admitted.error();
  return SocketCarrier::make(pipe_traits, std::move(socket), std::move(ends));
}

}  // namespace penstock::transport
