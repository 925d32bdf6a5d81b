// Unix sockets and named pipes as an attacker uses them: no checks, no proofs.
#pragma once

#include <cstdint>
#include <penstock/handle.hpp>
#include <string>
#include <vector>

namespace file_broker {

/// Stands at `address` for everybody. Invalid, with a word on standard error, when that fails.
/// Windows: one instance of the pipe, beside those that there are.
[[nodiscard]] penstock::Handle listen_at(const std::string& address);
[[nodiscard]] penstock::Handle connect_to(const std::string& address);
/// The next connection, and the number of the process behind it.
struct Victim {
  penstock::Handle connection;
  std::int64_t pid = 0;
};
/// Windows: `listener` becomes the connection.
[[nodiscard]] Victim accept_one(penstock::Handle& listener);

/// Bytes and the descriptors that came with them. No bytes: the other end has closed. Windows: handles come in no other way
/// than as numbers in the bytes, so there are never any.
struct Loot {
  std::string bytes;
  std::vector<penstock::Handle> descriptors;
};
[[nodiscard]] Loot take(const penstock::Handle& connection);
/// Everything, descriptors with the first byte. False when the other end is gone.
bool pass_on(const penstock::Handle& connection, const Loot& loot);
/// Nothing more will be sent. Windows: a pipe knows no such end.
void finish_sending(const penstock::Handle& connection) noexcept;

}  // namespace file_broker
