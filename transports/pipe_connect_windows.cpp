// The client's way in: open without lending more than our name, then the server's identity, scope, policy; and only then may anybody
// send. Sources: CreateFileW (SECURITY_SQOS_PRESENT), WaitNamedPipeW, "Impersonation Levels".
#include <windows.h>

#include <fmt/format.h>

#include <algorithm>

#include "crypto/windows_text.hpp"
#include "transports/identify_windows.hpp"
#include "transports/pipe.hpp"
#include "transports/pipe_access_windows.hpp"
#include "transports/pipe_carrier_windows.hpp"
#include "transports/scope_check.hpp"
#include "transports/scope_directory.hpp"

namespace penstock::transport {
namespace {

using std::chrono::ceil;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

// Read and write data, look at attributes and owner. GENERIC_WRITE would ask for the right to make further instances.
constexpr DWORD wanted_rights = FILE_READ_DATA | FILE_WRITE_DATA | FILE_READ_ATTRIBUTES | READ_CONTROL | SYNCHRONIZE;
// ATK-02: a server may learn who we are, and do nothing in our name. Without SQOS_PRESENT it could. With context tracking it learns
// who writes, not only who opened.
constexpr DWORD flags = FILE_FLAG_OVERLAPPED | SECURITY_SQOS_PRESENT | SECURITY_IDENTIFICATION | SECURITY_CONTEXT_TRACKING;

Failure busy(const Endpoint& endpoint) {
  return Failure(Error::deadline_exceeded,
                 fmt::format("{} took no connection in time: it is overloaded or hangs.", endpoint.describe()));
}

Failure cannot_open(const Endpoint& endpoint, DWORD error) {
  if (error == ERROR_FILE_NOT_FOUND || error == ERROR_PATH_NOT_FOUND) {
    return Failure(Error::not_found, fmt::format("Nobody listens at {}: start the listener first.", endpoint.describe()));
  }
  return Failure(windows_error(error), fmt::format("{} cannot be connected to ({}): check the pipe's access control and this user's "
                                                   "rights.",
                                                   endpoint.describe(), windows_reason(error)));
}

/// Until an instance is free or the deadline. Past it already, nothing is waited for: that is how the Asio face asks.
result<void> wait_for_instance(const std::wstring& path, const Endpoint& endpoint, Deadline deadline) {
  DWORD limit = NMPWAIT_WAIT_FOREVER;
  if (deadline) {
    const auto left = ceil<milliseconds>(*deadline - steady_clock::now()).count();
    if (left <= 0) return busy(endpoint);
    limit = static_cast<DWORD>(std::clamp<std::int64_t>(left, 1, 0x7FFFFFFF));  // 0 would mean the server's own default
  }
  if (::WaitNamedPipeW(path.c_str(), limit) != 0) return {};
  const auto error = ::GetLastError();
  // Somebody else may have been faster; whether time is left is asked again.
  if (error == ERROR_SEM_TIMEOUT || error == ERROR_PIPE_BUSY) return {};
  return cannot_open(endpoint, error);
}

result<Handle> open_pipe(const Endpoint& endpoint, Deadline deadline) {
  const auto path = to_wide(endpoint_path(endpoint.directory(), endpoint.name()));
  if (!path) return Error::invalid_argument;
  for (;;) {
    const auto raw = ::CreateFileW(path->c_str(), wanted_rights, 0, nullptr, OPEN_EXISTING, flags, nullptr);
    if (raw != INVALID_HANDLE_VALUE) return Handle(raw);
    if (const auto error = ::GetLastError(); error != ERROR_PIPE_BUSY) return cannot_open(endpoint, error);
    if (auto free = wait_for_instance(*path, endpoint, deadline); !free) return free.error();
  }
}

// As on Linux: the name is the machine's, ours, or that of a user whom policy admits as server.
result<void> check_owner(const Endpoint& endpoint, const user_id& owner, const user_id& self,
                         std::span<const user_id> server_users) {
  const auto machine = {user_id::parse("S-1-5-18"), user_id::parse("S-1-5-32-544")};
  const bool trusted = owner == self || std::ranges::find(server_users, owner) != server_users.end() ||
                       std::ranges::find(machine, std::optional(owner)) != machine.end();
  if (trusted) return {};
  return Failure(Error::socket_unsafe,
                 fmt::format("{} is a pipe of {}: expected is one of the machine (SYSTEM, Administrators), of {} or of a user whom "
                             "the policy admits as server.",
                             endpoint.describe(), to_text(owner), to_text(self)));
}

result<void> check_server(const Endpoint& endpoint, const PipeEnds& ends, std::span<const user_id> server_users,
                          const PeerCheck& check, const PipeOptions& options) {
  if (auto owned = check_owner(endpoint, ends.peer.uid, ends.self->uid, server_users); !owned) return owned;
  if (!options.allow_own_process) {
    if (auto other = check_not_self(ends.peer, *ends.self); !other) return other;
  }
  if (auto in_scope = check_scope(endpoint.scope(), ends.peer, *ends.self); !in_scope) return in_scope;
  return check ? check(ends.peer) : result<void>();
}

}  // namespace

result<std::unique_ptr<Carrier>> connect_pipe(const Endpoint& endpoint, std::span<const user_id> server_users,
                                              const PeerCheck& check, Deadline deadline, PipeOptions options) {
  auto pipe = open_pipe(endpoint, deadline);
  if (!pipe) return pipe.error();
  // ATK-01: who serves it? Nothing has been sent, and nothing will be to another.
  auto peer = identify_server(pipe->get());
  if (!peer) return peer.error();
  auto self = identify_self();
  if (!self) return self.error();
  PipeEnds ends{std::move(*peer), std::make_shared<const PeerIdentity>(std::move(*self))};
  if (auto admitted = check_server(endpoint, ends, server_users, check, options); !admitted) return admitted.error();
  return PipeCarrier::make(std::make_shared<PipeIo>(std::move(*pipe)), PipeEnd::client, std::move(ends));
}

}  // namespace penstock::transport
