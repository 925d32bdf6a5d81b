// Sources: unix(7), cmsg(3).
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "raw_connection.hpp"

namespace file_broker {
namespace {

constexpr std::size_t most_descriptors = 16;

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  return address;
}

penstock::Handle new_socket() {
  return penstock::Handle(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

penstock::Handle failed(const char* what) {
  std::perror(what);
  return {};
}

}  // namespace

penstock::Handle listen_at(const std::string& path) {
  ::unlink(path.c_str());  // the attacker before
  auto socket = new_socket();
  const auto address = address_of(path);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return failed("bind");
  if (::chmod(path.c_str(), 0666) != 0) return failed("chmod");
  if (::listen(socket.get(), 1) != 0) return failed("listen");
  return socket;
}

penstock::Handle connect_to(const std::string& path) {
  auto socket = new_socket();
  const auto address = address_of(path);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return failed("connect");
  }
  return socket;
}

Victim accept_one(penstock::Handle& listener) {
  Victim victim{penstock::Handle(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC)), 0};
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(victim.connection.get(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0)
    victim.pid = credentials.pid;
  return victim;
}

Loot take(const penstock::Handle& socket) {
  std::array<char, 65536> bytes;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(most_descriptors * sizeof(int))> control;
  iovec part{bytes.data(), bytes.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  Loot loot;
  ssize_t got = 0;
  do got = ::recvmsg(socket.get(), &message, MSG_CMSG_CLOEXEC);
  while (got < 0 && errno == EINTR);
  if (got <= 0) return loot;
  loot.bytes.assign(bytes.data(), static_cast<std::size_t>(got));
  for (auto* part_of = CMSG_FIRSTHDR(&message); part_of != nullptr; part_of = CMSG_NXTHDR(&message, part_of)) {
    if (part_of->cmsg_level != SOL_SOCKET || part_of->cmsg_type != SCM_RIGHTS) continue;
    const auto count = (part_of->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    std::array<int, most_descriptors> raw{};
    std::memcpy(raw.data(), CMSG_DATA(part_of), count * sizeof(int));
    for (std::size_t i = 0; i < count; ++i) loot.descriptors.emplace_back(raw[i]);
  }
  return loot;
}

bool pass_on(const penstock::Handle& socket, const Loot& loot) {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(most_descriptors * sizeof(int))> control{};
  std::size_t sent = 0;
  while (sent < loot.bytes.size()) {
    iovec part{const_cast<char*>(loot.bytes.data()) + sent, loot.bytes.size() - sent};  // sendmsg(2) only reads it
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    const auto count = sent == 0 ? std::min(loot.descriptors.size(), most_descriptors) : 0;
    if (count > 0) {
      message.msg_control = control.data();
      message.msg_controllen = CMSG_SPACE(count * sizeof(int));
      auto* head = CMSG_FIRSTHDR(&message);
      head->cmsg_level = SOL_SOCKET;
      head->cmsg_type = SCM_RIGHTS;
      head->cmsg_len = CMSG_LEN(count * sizeof(int));
      for (std::size_t i = 0; i < count; ++i) {
        const int raw = loot.descriptors[i].get();
        std::memcpy(CMSG_DATA(head) + i * sizeof(int), &raw, sizeof raw);
      }
    }
    const auto done = ::sendmsg(socket.get(), &message, MSG_NOSIGNAL);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return false;
    sent += static_cast<std::size_t>(done);
  }
  return true;
}

void finish_sending(const penstock::Handle& socket) noexcept {
  ::shutdown(socket.get(), SHUT_WR);
}

}  // namespace file_broker
