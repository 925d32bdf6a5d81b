// Unix sockets as an attacker uses them: no checks, no proofs.
#pragma once

#include <penstock/handle.hpp>
#include <string>
#include <vector>

namespace file_broker {

/// Binds `path` for everybody and listens. Invalid, with a word on standard error, when that fails.
[[nodiscard]] penstock::Handle listen_at(const std::string& path);
[[nodiscard]] penstock::Handle connect_to(const std::string& path);
/// The next connection, and the number of the process behind it.
struct Victim {
  penstock::Handle socket;
  int pid = 0;
};
[[nodiscard]] Victim accept_one(const penstock::Handle& listener);

/// Bytes and the descriptors that came with them. No bytes: the other end has closed.
struct Loot {
  std::string bytes;
  std::vector<penstock::Handle> descriptors;
};
[[nodiscard]] Loot take(const penstock::Handle& socket);
/// Everything, descriptors with the first byte. False when the other end is gone.
bool pass_on(const penstock::Handle& socket, const Loot& loot);

}  // namespace file_broker
