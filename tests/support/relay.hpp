// A man in the machine: a process of its own that stands between a connector and a listener and moves bytes, changing them
// if told to. It owns its name honestly, so that only the handshake can tell.
#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "penstock/bytes.hpp"
#include "penstock/handle.hpp"

namespace penstock::test {

inline sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

/// A raw listening socket at `path`, as a program that knows nothing of Penstock makes one.
inline Handle raw_listen(const std::string& path) {
  Handle socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto address = address_of(path);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return Handle();
  if (::listen(socket.get(), 16) != 0) return Handle();
  return socket;
}

inline Handle raw_connect(const std::string& path) {
  Handle socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto address = address_of(path);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return Handle();
  return socket;
}

inline bool write_all(int to, bytes_view bytes) {
  while (!bytes.empty()) {
    const auto sent = ::send(to, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(sent));
  }
  return true;
}

/// Exactly bytes.size() bytes, or false at the end of the stream.
inline bool read_all(int from, bytes_span bytes) {
  while (!bytes.empty()) {
    const auto got = ::recv(from, bytes.data(), bytes.size(), 0);
    if (got <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(got));
  }
  return true;
}

/// One frame as it stands on the wire (the length is at offset 12 of a 32-byte header); empty at the end.
inline std::vector<std::byte> read_raw_frame(int from) {
  std::vector<std::byte> frame(32);
  if (!read_all(from, frame)) return {};
  std::uint32_t length = 0;
  std::memcpy(&length, frame.data() + 12, 4);
  if (length > (1u << 20)) return {};
  frame.resize(32 + length);
  if (!read_all(from, std::span(frame).subspan(32))) return {};
  return frame;
}

/// What the relay does with the frame it holds: returns the bytes to pass on, nothing at all to end the connection.
using Tamper = std::function<std::optional<std::vector<std::byte>>(bool from_connector, std::size_t number,
                                                                   std::vector<std::byte> frame)>;

/// Moves whole frames both ways between two connected sockets until either end closes.
inline void relay_frames(int connector, int listener, const Tamper& tamper) {
  std::size_t counts[2] = {0, 0};
  for (;;) {
    pollfd both[2] = {{connector, POLLIN, 0}, {listener, POLLIN, 0}};
    if (::poll(both, 2, -1) <= 0) return;
    for (int side = 0; side < 2; ++side) {
      if (both[side].revents == 0) continue;
      const bool from_connector = side == 0;
      auto frame = read_raw_frame(from_connector ? connector : listener);
      if (frame.empty()) return;
      auto passed = tamper(from_connector, counts[side]++, std::move(frame));
      if (!passed) return;
      if (!write_all(from_connector ? listener : connector, *passed)) return;
    }
  }
}

}  // namespace penstock::test
