// Who may open a pipe of ours: what is written when it is made, and that it is what the live pipe has (ATK-07, ATK-08).
#pragma once

#include <optional>
#include <string>

#include "penstock/endpoint.hpp"
#include "transports/os_calls_windows.hpp"

namespace penstock::transport {

/// Rights of a client: read, write data, look at attributes and owner; not FILE_CREATE_PIPE_INSTANCE, which GENERIC_WRITE holds, and
/// no writing of attributes.
inline constexpr std::uint32_t client_rights = 0x0012008B;
/// What CreateNamedPipe asks for beyond these when it adds an instance.
inline constexpr std::uint32_t instance_rights = 0x00000114;

/// What a pipe of this scope must have. unsupported: Scope::session in a process without a logon session's group.
[[nodiscard]] result<PipeAccess> intended_access(Scope scope, const Token& self);

/// In the Security Descriptor Definition Language ([MS-DTYP] 2.5.1), for CreateNamedPipe.
[[nodiscard]] std::string to_sddl(const PipeAccess& access);

/// socket_unsafe, with both in a sentence, unless `live` is exactly what was intended. A label that the platform does not tell
/// (Wine) is not compared.
[[nodiscard]] result<void> check_access(const PipeAccess& live, const PipeAccess& intended, const std::string& path);

}  // namespace penstock::transport
