#include "tool/live_peer.hpp"

#include <fmt/format.h>

#include <limits>

#include "transports/identify_windows.hpp"

namespace penstock::tool {

result<PeerIdentity> live_peer(std::int64_t pid) {
  const auto missing = [&](std::string_view reason) {
    return Failure(Error::peer_gone, fmt::format("process {} cannot be looked at ({}); name one that is running", pid, reason));
  };
  if (pid < 0 || pid > std::numeric_limits<std::uint32_t>::max()) return missing("there is no such number");
  auto identity = transport::identify_process(static_cast<std::uint32_t>(pid));
  if (identity || identity.error() != Error::peer_gone) return identity;
  return missing(identity.error().sentence());
}

}  // namespace penstock::tool
