// The attackers of `penstock demo`: real processes on raw sockets and pipes, which know nothing of Penstock and hold no key. They
// are part of the broker's own program on purpose: a rule that names this program admits them as far as that goes, so
// what stops them is not their name. Each prints one line of `name=value` pairs when it is done.
#pragma once

#include "../options.hpp"

namespace file_broker {

/// Stands at --at before the helper does, and takes what an application sends: prints `peer=PID received=BYTES`.
[[nodiscard]] int run_squatter(const Options& options);

/// Connects to the helper at --target and asks for a file, with no handshake before: prints `sent=BYTES received=BYTES`.
[[nodiscard]] int run_barge(const Options& options);

/// Stands at --at and passes everything, descriptors too, both ways between one application and the helper at
/// --target.
/// --record FILE keeps what the application sent. --as-user UID (Linux): towards the helper this (root) process is that user.
/// Prints `peer=PID to_helper=BYTES to_application=BYTES descriptors=COUNT`.
[[nodiscard]] int run_relay(const Options& options);

/// Sends the recording --recording to the helper at --target, and takes what comes back: prints
/// `sent=BYTES received=BYTES descriptors=COUNT`.
[[nodiscard]] int run_replayer(const Options& options);

}  // namespace file_broker
