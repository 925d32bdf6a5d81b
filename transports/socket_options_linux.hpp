// Numbers of Linux 6.5 and newer that the headers of Debian 12 do not have yet. Source:
// include/uapi/asm-generic/socket.h, include/linux/socket.h and include/uapi/linux/magic.h of Linux 6.18.
#pragma once

namespace penstock::transport {

inline constexpr int so_passpidfd = 76;
inline constexpr int so_peerpidfd = 77;
inline constexpr int scm_pidfd = 4;
inline constexpr long pidfs_magic = 0x50494446;

}  // namespace penstock::transport
