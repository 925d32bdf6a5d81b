// Sources: unix(7), cmsg(3), recvmsg(2), sendmsg(2).
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "transports/os_error.hpp"
#include "transports/os_peer_linux.hpp"
#include "transports/socket_io.hpp"
#include "transports/socket_options_linux.hpp"

namespace penstock::transport {
namespace {

// One more than may come, so that a message with one too many is seen whole; beyond that the kernel cuts off, and says
// so.
constexpr std::size_t room_for_handles = max_handles_per_message + 1;
constexpr std::size_t control_size =
    CMSG_SPACE(sizeof(ucred)) + CMSG_SPACE(sizeof(int)) + CMSG_SPACE(room_for_handles * sizeof(int));

int flags_of(Wait wait) noexcept {
  return wait == Wait::no ? MSG_DONTWAIT : 0;
}

Error transfer_error(int number) noexcept {
  if (number == EAGAIN) return Error::would_block;
  if (number == EPIPE || number == ECONNRESET || number == ENOTCONN) return Error::truncated;
  return is_exhaustion(number) ? Error::resource_exhausted : Error::io_error;
}

/// What the control data of one receive said. Owns every descriptor in it until it is handed on.
struct Control {
  std::array<Handle, room_for_handles> handles;
  std::size_t count = 0;
  std::optional<MessageSender> sender;
  int pidfd_error = 0;
};

void take_handles(const cmsghdr& header, Control& out) noexcept {
  const auto size = (header.cmsg_len - CMSG_LEN(0)) / sizeof(int);
  for (std::size_t i = 0; i < size; ++i) {
    int raw = no_handle;
    std::memcpy(&raw, CMSG_DATA(&header) + i * sizeof raw, sizeof raw);
    Handle handle(raw);  // closes itself when there is no place for it
    if (out.count < out.handles.size()) out.handles[out.count++] = std::move(handle);
  }
}

void take_sender(const cmsghdr& header, Control& out) noexcept {
  ucred raw{};
  std::memcpy(&raw, CMSG_DATA(&header), sizeof raw);
  const auto key = out.sender ? out.sender->process_key : 0;
  out.sender = MessageSender{raw.pid, raw.uid, raw.gid, key};
}

void take_pidfd(const cmsghdr& header, Control& out) noexcept {
  int raw = no_handle;
  std::memcpy(&raw, CMSG_DATA(&header), sizeof raw);
  if (raw < 0) {
    out.pidfd_error = -raw;  // the kernel had no descriptor to spare, or the sender is no more
    return;
  }
  const Handle pidfd(raw);
  if (!out.sender) out.sender.emplace();
  out.sender->process_key = pidfd_key(pidfd.get());
}

void take_control(msghdr& message, Control& out) noexcept {
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET) continue;
    if (header->cmsg_type == SCM_RIGHTS) take_handles(*header, out);
    if (header->cmsg_type == SCM_CREDENTIALS) take_sender(*header, out);
    if (header->cmsg_type == scm_pidfd) take_pidfd(*header, out);
  }
}

result<std::size_t> send_with_handles(native_handle socket, bytes_view bytes, std::span<const native_handle> handles,
                                      Wait wait) noexcept {
  if (handles.size() > max_handles_per_message) return Error::invalid_argument;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(max_handles_per_message * sizeof(int))> control{};
  iovec part{const_cast<std::byte*>(bytes.data()), bytes.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = CMSG_SPACE(handles.size_bytes());
  cmsghdr* const header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(handles.size_bytes());
  std::memcpy(CMSG_DATA(header), handles.data(), handles.size_bytes());
  for (;;) {
    const auto sent = ::sendmsg(socket, &message, MSG_NOSIGNAL | flags_of(wait));
    if (sent >= 0) return static_cast<std::size_t>(sent);
    if (errno == EBADF) return Error::invalid_argument;
    if (errno != EINTR) return transfer_error(errno);
  }
}

}  // namespace

result<std::size_t> send_bytes(native_handle socket, bytes_view bytes, std::span<const native_handle> handles,
                               Wait wait) noexcept {
  if (bytes.empty()) return Error::invalid_argument;
  if (!handles.empty()) return send_with_handles(socket, bytes, handles, wait);
  for (;;) {
    const auto sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL | flags_of(wait));
    if (sent >= 0) return static_cast<std::size_t>(sent);
    if (errno != EINTR) return transfer_error(errno);
  }
}

result<Received> receive_bytes(native_handle socket, bytes_span buffer, HandleList& handles, Wait wait) noexcept {
  if (buffer.empty()) return Error::invalid_argument;
  alignas(cmsghdr) std::array<char, control_size> space;
  iovec part{buffer.data(), buffer.size()};
  msghdr message{};
  ssize_t got = 0;
  do {
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = space.data();
    message.msg_controllen = space.size();
    got = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC | flags_of(wait));
  } while (got < 0 && errno == EINTR);
  if (got < 0) return transfer_error(errno);

  Received received{static_cast<std::size_t>(got), std::nullopt};
  if (message.msg_controllen != 0 || (message.msg_flags & MSG_CTRUNC) != 0) {
    Control control;
    take_control(message, control);
    // ATK-12: part of what was attached is lost, so nothing of it is kept. It is cut off as well where this process has
    // reached its limit of descriptors.
    if ((message.msg_flags & MSG_CTRUNC) != 0) return Error::handles_limit;
    if (is_exhaustion(control.pidfd_error)) return Error::resource_exhausted;
    if (control.count > max_handles_per_message - handles.size()) return Error::handles_limit;
    for (std::size_t i = 0; i < control.count; ++i) handles.push(std::move(control.handles[i]));
    // Process 0 without a handle is how the kernel says that it does not know.
    const bool named = control.sender && (control.sender->pid != 0 || control.sender->process_key != 0);
    if (named) received.sender = control.sender;
  }
  if (got == 0) return Error::truncated;
  return received;
}

result<void> ask_for_senders(native_handle socket, bool on) {
  const int value = on ? 1 : 0;
  if (::setsockopt(socket, SOL_SOCKET, SO_PASSCRED, &value, sizeof value) != 0) return Error::io_error;
  // ENOPROTOOPT: before Linux 6.5. The strength of the identity says what is missing.
  if (::setsockopt(socket, SOL_SOCKET, so_passpidfd, &value, sizeof value) != 0 && errno != ENOPROTOOPT) {
    return Error::io_error;
  }
  return {};
}

result<void> wait_ready(native_handle socket, Readiness readiness, Deadline deadline) {
  using namespace std::chrono;
  const int events = (readiness != Readiness::writable ? POLLIN : 0) | (readiness != Readiness::readable ? POLLOUT : 0);
  pollfd entry{socket, static_cast<short>(events), 0};
  for (;;) {
    timespec left{};
    if (deadline) {
      const auto rest = std::max(nanoseconds::zero(), duration_cast<nanoseconds>(*deadline - steady_clock::now()));
      left.tv_sec = static_cast<time_t>(rest.count() / 1'000'000'000);
      left.tv_nsec = static_cast<long>(rest.count() % 1'000'000'000);
    }
    const int ready = ::ppoll(&entry, 1, deadline ? &left : nullptr, nullptr);
    if (ready > 0) return (entry.revents & POLLNVAL) != 0 ? result<void>(Error::closed) : result<void>();
    if (ready == 0) return Error::deadline_exceeded;
    if (errno != EINTR) return Error::io_error;
  }
}

}  // namespace penstock::transport
