#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "transports/child.hpp"

namespace penstock::transport {

void end_child(const Handle& process) noexcept {
  if (!process) return;
  (void)::syscall(SYS_pidfd_send_signal, process.get(), SIGKILL, nullptr, 0U);
  siginfo_t info{};
  while (::waitid(P_PIDFD, static_cast<id_t>(process.get()), &info, WEXITED) != 0 && errno == EINTR) {
  }
}

}  // namespace penstock::transport
