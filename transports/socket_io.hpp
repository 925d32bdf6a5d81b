// One sendmsg(2) or recvmsg(2): bytes, handles and the kernel's word on the sender. No allocation, one system call.
#pragma once

#include "transports/carrier.hpp"

namespace penstock::transport {

/// As Carrier::send. invalid_argument: a handle that is not open, or more of them than max_handles_per_message.
[[nodiscard]] result<std::size_t> send_bytes(native_handle socket, bytes_view bytes,
                                             std::span<const native_handle> handles, Wait wait) noexcept;

/// As Carrier::receive.
[[nodiscard]] result<Received> receive_bytes(native_handle socket, bytes_span buffer, HandleList& handles,
                                             Wait wait) noexcept;

/// Asks the kernel to name the sender of everything received from now on, or to stop. Where it has no SCM_PIDFD, the
/// credentials alone are asked for.
[[nodiscard]] result<void> ask_for_senders(native_handle socket, bool on);

/// Sleeps until ready or the deadline (deadline_exceeded). An error or the other end's going counts as ready.
[[nodiscard]] result<void> wait_ready(native_handle socket, Readiness readiness, Deadline deadline);

}  // namespace penstock::transport
