#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "bench/contender.hpp"
#include "bench/unix_socket.hpp"

namespace penstock::bench {
namespace {

[[noreturn]] void fail_errno(const char* what) {
  fail(std::string(what) + ": " + std::strerror(errno));
}

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) fail("the path " + path + " is too long for a socket; see --directory");
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

}  // namespace

Handle listen_at(const std::string& path) {
  Handle socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) fail_errno("socket");
  const auto address = address_of(path);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) fail_errno("bind");
  if (::listen(socket.get(), 128) != 0) fail_errno("listen");
  return socket;
}

Handle accept_from(const Handle& listener) {
  Handle socket(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!socket) fail_errno("accept");
  return socket;
}

Handle connect_to(const std::string& path) {
  Handle socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) fail_errno("socket");
  const auto address = address_of(path);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) fail_errno("connect");
  return socket;
}

void send_all(int socket, bytes_view bytes) {
  while (!bytes.empty()) {
    const auto sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) fail_errno("send");
    bytes = bytes.subspan(static_cast<std::size_t>(sent));
  }
}

void receive_all(int socket, bytes_span bytes) {
  while (!bytes.empty()) {
    const auto got = ::recv(socket, bytes.data(), bytes.size(), 0);
    if (got == 0) fail("recv: the other end has closed");
    if (got < 0) fail_errno("recv");
    bytes = bytes.subspan(static_cast<std::size_t>(got));
  }
}

}  // namespace penstock::bench
