// The seam between what the kernel answers and what is made of it. Tests put lies here (ATK-04).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "penstock/identity.hpp"
#include "transports/proc_linux.hpp"

namespace penstock::transport {

/// SO_PEERCRED: as the kernel saw the other end when it connected, or called listen(2).
struct Credentials {
  std::int64_t pid = 0;  ///< 0: in a process namespace that we cannot see into
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
};

/// How this process's user namespace shows users that have no number in it.
struct UserNamespace {
  bool maps_everyone = false;  ///< both maps are the identity: then 65534 really is the user nobody
  std::uint32_t overflow_uid = 65534;
  std::uint32_t overflow_gid = 65534;
};

/// Every question that is asked about one peer.
class OsPeer {
 public:
  virtual ~OsPeer() = default;
  [[nodiscard]] virtual result<Credentials> credentials() = 0;
  [[nodiscard]] virtual result<std::vector<std::uint32_t>> groups() = 0;
  [[nodiscard]] virtual std::optional<std::string> label() = 0;
  /// A live handle on the process. unsupported (the kernel has none), peer_gone, resource_exhausted.
  [[nodiscard]] virtual result<Handle> process() = 0;
  /// The number that is never used again; 0 where pidfds are not on pidfs.
  [[nodiscard]] virtual std::uint64_t process_key(const Handle& process) = 0;
  [[nodiscard]] virtual bool alive(const Handle& process) = 0;
  /// Does only the kernel (and root) say which process a frame comes from? Not where somebody unprivileged rules the
  /// process namespace that the peer lives in: there he may put any of its processes as sender (ATK-05).
  [[nodiscard]] virtual bool senders_vouched(const Handle& process) = 0;
  [[nodiscard]] virtual ProcessFacts facts(const Handle& process) = 0;
  [[nodiscard]] virtual UserNamespace user_namespace() = 0;
};

/// Asks in the one safe order: credentials, handle, facts, and then whether the process was there all along.
/// peer_unidentified, peer_ambiguous (ATK-10), peer_gone (ATK-06), resource_exhausted.
[[nodiscard]] result<PeerIdentity> identify(OsPeer& peer);

/// The process at the other end of a connected Unix socket.
[[nodiscard]] result<PeerIdentity> identify_socket_peer(native_handle socket);

/// A child of ours, by the pidfd that clone3(2) made with it; the identity takes the handle.
[[nodiscard]] result<PeerIdentity> identify_child(Handle process, std::int64_t pid);

/// This process, as far as a connection binds and compares it: number, users, groups, login session, and a pidfd. A tenth of the
/// questions of own_identity(); the program, the label and the cgroup are not asked for.
[[nodiscard]] result<PeerIdentity> identify_self();

/// Inode of a pidfd on pidfs, else 0.
[[nodiscard]] std::uint64_t pidfd_key(native_handle pidfd) noexcept;
/// May nobody but root of our own user namespace put another process's number into SCM_CREDENTIALS (and so its handle into
/// SCM_PIDFD) from within the process namespace of this process? False where that cannot be told.
[[nodiscard]] bool pidfd_senders_vouched(native_handle pidfd);
/// False as soon as the process has ended, reaped or not.
[[nodiscard]] bool pidfd_alive(native_handle pidfd) noexcept;

[[nodiscard]] UserNamespace own_user_namespace();

}  // namespace penstock::transport
