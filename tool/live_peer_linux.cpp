// Source: pidfd_open(2).
#include "tool/live_peer.hpp"

#include <fmt/format.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "transports/os_peer_linux.hpp"

namespace penstock::tool {

result<PeerIdentity> live_peer(std::int64_t pid) {
  Handle process(static_cast<int>(::syscall(SYS_pidfd_open, static_cast<pid_t>(pid), 0)));
  if (!process) {
    return Failure(Error::peer_gone, fmt::format("process {} cannot be looked at ({}); name one that is running", pid,
                                                 std::generic_category().message(errno)));
  }
  return transport::identify_child(std::move(process), pid);
}

}  // namespace penstock::tool
