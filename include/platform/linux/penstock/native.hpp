// What Linux calls a handle and a user. The only header that differs between platforms.
#pragma once

#include <cstdint>
#include <string>

namespace penstock {

/// The platform's raw handle: a file descriptor, −1 for none.
using native_handle = int;
inline constexpr native_handle no_handle = -1;

/// A user or a group: a uid or a gid.
using user_id = std::uint32_t;
/// (uid_t)-1: what the kernel says where there is nobody.
inline constexpr user_id no_user = 0xFFFFFFFF;

/// For people: decimal.
[[nodiscard]] inline std::string to_text(user_id user) { return std::to_string(user); }

}  // namespace penstock
