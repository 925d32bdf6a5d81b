// What is made of Windows' answers: who is at the other end of a pipe. Every branch that is not a proof is a refusal.
#pragma once

#include "transports/carrier.hpp"
#include "transports/os_calls_windows.hpp"

namespace penstock::transport {

/// The process that connected to this instance of ours. `connected_at` (OsCalls::now): when we learnt of it; a process that was
/// created later has the number of one that is no more (ATK-04). peer_unidentified (no process, a number that is none, not local, or one that we may not look at), peer_gone,
/// resource_exhausted.
[[nodiscard]] result<PeerIdentity> identify_client(native_handle pipe, std::uint64_t connected_at);

/// The process that serves this end of ours, and whether the pipe is that process's own. `connected` with the pipe's owner where we
/// may not look at the process. Besides the above: socket_unsafe when the owner is another user.
[[nodiscard]] result<PeerIdentity> identify_server(native_handle pipe);

/// A child of ours, by the handle that CreateProcess gave; the identity takes it.
[[nodiscard]] result<PeerIdentity> identify_child(Handle process);

/// A running process by its number, for people who ask about one: it proves nothing about a connection.
[[nodiscard]] result<PeerIdentity> identify_process(std::uint32_t pid);

/// This process, as far as a connection binds and compares it: own_identity() without its program.
[[nodiscard]] result<PeerIdentity> identify_self();

/// Who wrote what was just read from a client: its token is borrowed for a moment and compared with its process's own.
/// peer_anonymous (ATK-03), peer_changed (another user, logon session, integrity level or sandbox), peer_unidentified (ATK-09).
/// Where we cannot stop being somebody else, this process ends.
[[nodiscard]] result<MessageSender> client_sender(native_handle pipe, const PeerIdentity& peer);
/// The same for a child that was given its end: the number would be ours, who opened it; the token is the child's.
[[nodiscard]] result<MessageSender> inherited_sender(native_handle pipe, const PeerIdentity& peer);
/// Who serves the pipe that was just read from.
[[nodiscard]] result<MessageSender> server_sender(native_handle pipe, const PeerIdentity& peer);

/// What stands for a process in the handshake (docs/PROTOCOL.md, "Process numbers"): the first 8 bytes, little-endian, of SHA-256 over
/// the number (4 bytes) and the creation time (8 bytes, 100 ns since 1601), both little-endian.
[[nodiscard]] std::uint64_t process_key_of(std::uint32_t pid, std::uint64_t creation_time) noexcept;

}  // namespace penstock::transport
