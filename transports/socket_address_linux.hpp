// sockaddr_un of a path. Never an abstract one: the path starts with '/' (ATK-10).
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <cstddef>
#include <cstring>
#include <string>

namespace penstock::transport {

class UnixAddress {
 public:
  explicit UnixAddress(const std::string& path) {
    raw_.sun_family = AF_UNIX;
    // "/proc/self/fd/" + 10 digits + "/" + 64 + ".sock" fits sun_path (108) whatever the directory's length.
    size_ = path.copy(raw_.sun_path, sizeof raw_.sun_path - 1);
  }
  [[nodiscard]] const sockaddr* data() const noexcept { return reinterpret_cast<const sockaddr*>(&raw_); }
  [[nodiscard]] socklen_t size() const noexcept {
    return static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + size_ + 1);
  }

 private:
  sockaddr_un raw_{};
  std::size_t size_ = 0;
};

}  // namespace penstock::transport
