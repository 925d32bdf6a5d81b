// Reading a token and a security descriptor into plain facts.
#pragma once

#include "transports/os_calls_windows.hpp"

namespace penstock::transport {

/// `token` with TOKEN_QUERY. peer_unidentified when a question is not answered.
[[nodiscard]] result<Token> read_token(native_handle token);
/// The impersonation level of a thread's token.
[[nodiscard]] result<ImpersonationLevel> read_level(native_handle token);
/// Owner, DACL and integrity label of a live pipe handle. permission_denied, io_error.
[[nodiscard]] result<PipeAccess> read_access(native_handle pipe);
/// The level that an integrity label's SID (S-1-16-N) names.
[[nodiscard]] Integrity integrity_of(const user_id& label) noexcept;

}  // namespace penstock::transport
