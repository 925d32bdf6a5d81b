// Can the kernel say who is at the other end? Tried on a socket pair. Sources: unix(7), pidfd_open(2).
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "tool/finding.hpp"
#include "transports/os_peer_linux.hpp"
#include "transports/socket_options_linux.hpp"

namespace penstock::tool {
namespace {

struct SocketPair {
  Handle near, far;
};

SocketPair make_pair() {
  int ends[2] = {no_handle, no_handle};
  static_cast<void>(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
  return {Handle(ends[0]), Handle(ends[1])};
}

Handle peer_pidfd(const SocketPair& pair) {
  int raw = no_handle;
  socklen_t size = sizeof raw;
  if (::getsockopt(pair.near.get(), SOL_SOCKET, transport::so_peerpidfd, &raw, &size) != 0) return {};
  return Handle(raw);
}

// Does a received byte carry a handle on the process that sent it?
bool message_names_sender(const SocketPair& pair) {
  const int on = 1;
  if (::setsockopt(pair.near.get(), SOL_SOCKET, transport::so_passpidfd, &on, sizeof on) != 0) return false;
  if (::send(pair.far.get(), "x", 1, 0) != 1) return false;
  char byte = 0;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  iovec part{&byte, 1};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  if (::recvmsg(pair.near.get(), &message, MSG_CMSG_CLOEXEC) != 1) return false;
  const auto* head = CMSG_FIRSTHDR(&message);
  if (head == nullptr || head->cmsg_level != SOL_SOCKET || head->cmsg_type != transport::scm_pidfd) return false;
  int raw = no_handle;
  __builtin_memcpy(&raw, CMSG_DATA(head), sizeof raw);
  return transport::pidfd_alive(Handle(raw).get());
}

constexpr const char* weaker =
    "Peers are at most \"connected\": the kernel names a user, not the very process. Rules that trust "
    "the kernel's word alone match nobody; rules with keys and min_strength = \"connected\" work.";

}  // namespace

void examine_kernel(std::vector<Finding>& findings) {
  utsname system{};
  static_cast<void>(::uname(&system));
  const auto pair = make_pair();
  const auto process = peer_pidfd(pair);
  Finding handle{"peer-process-handle",
                 "a live handle on the peer's process (SO_PEERPIDFD)",
                 State::proven,
                 std::string("Linux ") + system.release,
                 {},
                 {}};
  if (!process) {
    handle.state = State::lacking;
    handle.meaning = weaker;
    handle.remedy = "Use Linux 6.5 or newer.";
  }
  findings.push_back(std::move(handle));

  const auto key = process ? transport::pidfd_key(process.get()) : 0;
  Finding number{"process-number", "a process number that is never used again (pidfs)", State::proven, {}, {}, {}};
  if (key != 0) {
    number.found = "this process is " + std::to_string(key);
  } else {
    number.state = State::lacking;
    number.found = "pidfds have no number of their own";
    number.meaning = weaker;
    number.remedy = "Use Linux 6.9 or newer.";
  }
  findings.push_back(std::move(number));

  Finding sender{
      "message-sender", "the sender of each handshake message (SCM_PIDFD)", State::proven, "received one", {}, {}};
  if (!message_names_sender(pair)) {
    sender.state = State::lacking;
    sender.found = "messages name a process number only";
    sender.meaning =
        "A process that connects, forks and lets its child speak (ATK-05) is told by its number alone, which may "
        "be used again.";
    sender.remedy = "Use Linux 6.5 or newer.";
  }
  findings.push_back(std::move(sender));
}

}  // namespace penstock::tool
