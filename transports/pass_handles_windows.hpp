// Handles travel by being put into the other process (DuplicateHandle), and are believed only from those who could do so anyway.
#pragma once

#include "transports/carrier.hpp"

namespace penstock::transport {

/// May what `sender` says of our handle table be believed? A process that admits to hold PROCESS_DUP_HANDLE on us owns us already;
/// from any other, the number of a handle would be a way to have one of our own used for it (a confused deputy). So: the same
/// user at the same integrity level or above, or a higher level; never from a sandbox (restricted token, AppContainer).
[[nodiscard]] bool may_put_handles(const PeerIdentity& sender, const PeerIdentity& self) noexcept;

/// Puts copies into the process; their values there. All or none. invalid_argument (not a handle of ours, or a pseudo-handle),
/// resource_exhausted, permission_denied.
[[nodiscard]] result<std::size_t> put_handles(const Handle& process, std::span<const native_handle> handles,
                                              std::span<std::uint64_t> values);
/// Takes them back: what was to announce them did not leave.
void take_back_handles(const Handle& process, std::span<const std::uint64_t> values) noexcept;

/// The values that a trusted sender named, as handles that are ours now. All or none: handles_mismatch for a pseudo-handle, one that is
/// not open, or one that is named twice; the others are closed then. At most max_handles_per_message.
[[nodiscard]] result<HandleList> adopt_handles(std::span<const std::uint64_t> values);

}  // namespace penstock::transport
