// What the operating system says of a process at the other end, and how far that may be trusted.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "penstock/bytes.hpp"
#include "penstock/handle.hpp"
#include "penstock/native.hpp"
#include "penstock/result.hpp"

namespace penstock {

/// How the identity was learnt. Ordered: a policy names the least it accepts.
enum class Strength : std::uint8_t {
  claimed = 0,    ///< a number that the peer's message carried: never authorises alone
  connected = 1,  ///< user and group of whoever opened the connection; no live handle on the process, or one that proves
                  ///< nothing, since it lives in a process namespace that an unprivileged user rules (docs/POLICY.md)
  pinned = 2,     ///< a live handle on the very process, whose number is never used again
};

[[nodiscard]] const char* to_string(Strength strength) noexcept;

/// A Windows integrity level (mandatory label), by its rank. A level between two of these counts as the lower one.
enum class Integrity : std::uint8_t { untrusted, low, medium, medium_plus, high, system };
/// "untrusted", "low", "medium", "medium-plus", "high", "system".
[[nodiscard]] const char* to_string(Integrity integrity) noexcept;

/// What a process's token says besides user and groups. Windows only.
struct TokenFacts {
  Integrity integrity = Integrity::untrusted;
  bool elevated = false;                     ///< TokenElevation: may use the rights of an administrator
  bool restricted = false;                   ///< IsTokenRestricted: a sandbox took rights from it
  std::optional<std::string> app_container;  ///< the AppContainer's SID, where it runs in one
  std::uint64_t logon_id = 0;                ///< the logon session (TOKEN_STATISTICS::AuthenticationId)
};

/// The program a process runs, by its opened file, not by its name. What /proc/PID/exe says, and no more: a process that may
/// make a user namespace can set it to any file that it may execute (prctl(2), PR_SET_MM_EXE_FILE). docs/POLICY.md says what
/// that means for rules.
struct Executable {
  std::string path;                            ///< as the kernel shows it; for people, never compared alone
  std::uint64_t device = 0;                    ///< st_dev of the opened file; Windows: its volume's serial number
  std::uint64_t inode = 0;                     ///< st_ino of the opened file; Windows: its file index
  std::optional<std::string> fs_verity_sha256; ///< lower-case hex, where the file system measures one
  friend bool operator==(const Executable& a, const Executable& b) {
    return a.device == b.device && a.inode == b.inode;
  }
};

/// One process, as the kernel reports it. A value with a live handle: move-only. Not thread-safe.
/// Fields that the kernel would not tell are empty, and a policy rule that asks for them does not match.
class PeerIdentity {
 public:
  Strength strength = Strength::claimed;
  /// The same for whoever asks, never reused; 0 = unknown. Linux: inode of the pidfd on pidfs. Windows: made of process id and
  /// creation time (docs/PROTOCOL.md, "Process numbers").
  std::uint64_t process_key = 0;
  std::int64_t pid = 0;                        ///< as this process sees it; for people and logs only
  user_id uid{};                               ///< Windows: the token's user
  user_id gid{};                               ///< Windows: the token's primary group
  std::vector<user_id> groups;                 ///< supplementary (SO_PEERGROUPS), Windows: enabled in the token; sorted
  std::optional<Executable> executable;        ///< needs the right to look: same user or CAP_SYS_PTRACE
  std::optional<std::string> label;            ///< LSM label (SO_PEERSEC)
  std::optional<std::uint32_t> login_session;  ///< audit session id of the login; Windows: the session of the desktop
  std::optional<std::uint32_t> login_uid;      ///< audit login user
  std::optional<std::string> cgroup;           ///< path in the v2 hierarchy
  std::unique_ptr<const TokenFacts> token;     ///< Windows; null elsewhere
  bool other_session = false;                  ///< Windows: it is in another session than this process
  Handle process;                              ///< pidfd, or process handle. Valid when strength is pinned, or claimed by a window

  /// Is the process still there? Asked again *after* the identity was used (ATK-06).
  /// peer_gone when it has ended; peer_unidentified where there is no handle on it (`connected`).
  [[nodiscard]] result<void> check_alive() const;

  /// Reads again what an exec would change (the executable) and compares. peer_changed when it differs (ATK-05).
  [[nodiscard]] result<void> check_same_program() const;

  /// SHA-256 of the executable's file as it is now, lower-case hex. Reads the whole file: some 3 ms for each MiB, allocates.
  /// unsupported when the executable is not known; io_error when it cannot be read, has more than 128 MiB or is of a file
  /// system in user space (FUSE).
  [[nodiscard]] result<std::string> executable_sha256() const;

  /// Does the platform vouch for the publisher of the program's file? Windows: WinVerifyTrust, Authenticode, a signature in the file
  /// itself. Reads the whole file. True, or unsupported where nobody can be vouched for, else io_error, peer_gone.
  [[nodiscard]] result<bool> executable_signed() const;

  /// One line for people: `pid 4711 (pinned) user 1000 group 1000 /usr/bin/app`.
  [[nodiscard]] std::string describe() const;
};

/// This process, as it sees itself: the own half of the handshake's binding. Pinned where the kernel has pidfs.
[[nodiscard]] result<PeerIdentity> own_identity();

}  // namespace penstock
