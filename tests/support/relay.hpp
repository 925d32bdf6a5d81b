// A man in the machine: a process of its own that stands between a connector and a listener and moves bytes, changing them
// if told to. It owns its name honestly, so that only the handshake can tell.
#pragma once

#include <functional>
#include <optional>

#include "tests/support/raw.hpp"

namespace penstock::test {

/// What the relay does with the frame it holds: returns the bytes to pass on, nothing at all to end the connection. Called by one
/// thread at a time.
using Tamper = std::function<std::optional<std::vector<std::byte>>(bool from_connector, std::size_t number,
                                                                   std::vector<std::byte> frame)>;

/// Moves whole frames both ways between two connected ends until either closes.
void relay_frames(RawEnd& connector, RawEnd& listener, const Tamper& tamper);

}  // namespace penstock::test
