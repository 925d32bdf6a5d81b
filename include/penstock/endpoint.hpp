// Where a listener is found: a name and the scope in which it means something.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "penstock/result.hpp"

namespace penstock {

/// Who may meet. A scope is verified, not only named: it is part of the path, of the access mode, of what is
/// checked about the peer, and of the handshake's prologue.
enum class Scope : std::uint8_t {
  session = 0,  ///< this login session of this user
  user = 1,     ///< processes of this user
  machine = 2,  ///< any user of this machine that policy admits
};

[[nodiscard]] const char* to_string(Scope scope) noexcept;
/// invalid_argument unless text is "session", "user" or "machine".
[[nodiscard]] result<Scope> parse_scope(std::string_view text);

/// A listener's address. A value; thread-safe as one.
///
/// Linux: a Unix socket with a path, never an abstract one (ATK-10):
///   machine  /run/penstock/NAME.sock
///   user     $XDG_RUNTIME_DIR/penstock/NAME.sock (or /run/user/UID where the variable is not set)
///   session  $XDG_RUNTIME_DIR/penstock/session-ID/NAME.sock, ID being the audit session id
/// The directory may also be named: then NAME.sock stands there, whatever the scope.
///
/// Windows: a named pipe. The scope is part of its name, and of its access control (docs/WINDOWS.md):
///   machine  \\.\pipe\penstock\machine\NAME
///   user     \\.\pipe\penstock\user-SID\NAME
///   session  \\.\pipe\penstock\session-N-SID\NAME, N being the number of the desktop session
/// There are no directories: to name one is invalid_argument.
class Endpoint {
 public:
  /// `name`: 1 to 64 characters of [A-Za-z0-9._-], not starting with a dot; else name_invalid, with a sentence.
  /// `directory`: empty for the scope's own, else an absolute path without "." or ".." components.
  [[nodiscard]] static result<Endpoint> make(std::string_view name, Scope scope = Scope::user,
                                             std::string_view directory = {});

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] Scope scope() const noexcept { return scope_; }
  /// Absolute directory that holds the socket; Windows: the beginning of the pipe's name.
  [[nodiscard]] const std::string& directory() const noexcept { return directory_; }
  /// For people: `user:NAME (/run/user/1000/penstock/NAME.sock)`.
  [[nodiscard]] std::string describe() const;

 private:
  Endpoint() = default;
  std::string name_;
  std::string directory_;
  Scope scope_ = Scope::user;
};

}  // namespace penstock
