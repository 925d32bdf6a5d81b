// The seam between what Windows answers and what is made of it. Tests put lies and failures here: what Wine cannot do (a second
// user, a remote client, an anonymous one, a failing revert) is shown through it (ATK-02, 03, 04, 07, 09).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "penstock/identity.hpp"

namespace penstock::transport {

/// A token, as GetTokenInformation tells it.
struct Token {
  user_id user{};
  user_id group{};                ///< primary
  std::vector<user_id> groups;    ///< enabled, none that is there for denying alone; sorted
  std::optional<user_id> logon;   ///< the group that names the logon session (SE_GROUP_LOGON_ID)
  std::uint32_t session = 0;
  TokenFacts facts;
};

/// SECURITY_IMPERSONATION_LEVEL.
enum class ImpersonationLevel : std::uint8_t { anonymous, identification, impersonation, delegation };

/// The token that a client wrote with.
struct ClientToken {
  Token token;
  ImpersonationLevel level = ImpersonationLevel::anonymous;
};

/// One entry of an access control list.
struct AccessEntry {
  bool allow = false;
  user_id who{};
  std::uint32_t mask = 0;
  friend bool operator==(const AccessEntry&, const AccessEntry&) = default;
};

/// The security descriptor of a live pipe handle.
struct PipeAccess {
  user_id owner{};
  bool is_protected = false;                ///< SE_DACL_PROTECTED
  bool has_dacl = false;                    ///< a null DACL grants everything to everybody
  std::vector<AccessEntry> entries;         ///< in their order
  bool all_known = true;                    ///< no entry of another type than plain allow and deny
  std::optional<user_id> label;             ///< the integrity label, where the platform tells it
};

/// Every question that is asked of Windows about a pipe, a window, a process or a token. Failures have the code that refuses.
class OsCalls {
 public:
  virtual ~OsCalls() = default;

  // --- pipes -------------------------------------------------------------------------------------------------------
  virtual result<std::uint32_t> client_process(native_handle pipe) = 0;   ///< GetNamedPipeClientProcessId
  virtual result<std::uint32_t> server_process(native_handle pipe) = 0;   ///< GetNamedPipeServerProcessId
  virtual result<std::uint32_t> client_session(native_handle pipe) = 0;   ///< GetNamedPipeClientSessionId
  virtual result<std::uint32_t> server_session(native_handle pipe) = 0;   ///< GetNamedPipeServerSessionId
  virtual result<bool> client_is_local(native_handle pipe) = 0;           ///< GetNamedPipeClientComputerName
  virtual result<PipeAccess> access(native_handle pipe) = 0;              ///< GetSecurityInfo

  // --- windows -----------------------------------------------------------------------------------------------------
  /// The process whose thread made it (GetWindowThreadProcessId); peer_gone where there is no such window.
  virtual result<std::uint32_t> window_process(native_handle window) = 0;

  // --- processes ---------------------------------------------------------------------------------------------------
  /// With the right to ask and to wait for its end, no more. peer_gone, permission_denied, resource_exhausted.
  virtual result<Handle> open_process(std::uint32_t pid) = 0;
  virtual result<Handle> open_self() = 0;
  /// With the right to put handles into it; invalid where we have none.
  virtual Handle open_for_handles(std::uint32_t pid) = 0;
  virtual std::uint32_t process_id(native_handle process) = 0;            ///< 0 where it cannot be told
  virtual result<std::uint64_t> creation_time(native_handle process) = 0; ///< FILETIME: 100 ns since 1601
  virtual std::uint64_t now() = 0;                                        ///< on the same clock
  virtual bool alive(native_handle process) = 0;
  virtual std::optional<Executable> executable(native_handle process) = 0;
  virtual result<Token> process_token(native_handle process) = 0;

  // --- impersonation: the first three answer with a Windows error number and do nothing else, since they run as another ----
  virtual unsigned long impersonate(native_handle pipe) noexcept = 0;       ///< ImpersonateNamedPipeClient; 0: done
  virtual unsigned long open_thread_token(Handle& token) noexcept = 0;      ///< OpenThreadToken; 0: done
  virtual bool revert() noexcept = 0;                                       ///< RevertToSelf
  virtual result<ClientToken> client_token(native_handle token) = 0;        ///< asked as ourselves again
  /// Ends this process at once: nothing may run on as somebody else.
  virtual void end_process() noexcept = 0;
};

/// The calls in use.
[[nodiscard]] OsCalls& os() noexcept;
/// For tests, in one thread: puts others in their place; null brings the real ones back. Returns what was there.
OsCalls* exchange_os_calls(OsCalls* calls) noexcept;
/// The real ones, for tests that change a single answer.
[[nodiscard]] OsCalls& real_os_calls() noexcept;

/// Is this Wine? There, isolation between processes was never proven, and no pipe has a remote client.
[[nodiscard]] bool is_wine() noexcept;

}  // namespace penstock::transport
