// A process that a number names, as the kernel sees it now.
#pragma once

#include <cstdint>

#include "penstock/identity.hpp"

namespace penstock::tool {

/// peer_gone, with a sentence, when there is no such process or this user may not look at it; what identifying it fails with.
[[nodiscard]] result<PeerIdentity> live_peer(std::int64_t pid);

}  // namespace penstock::tool
