// errno values as people and Penstock's errors know them.
#pragma once

#include <cerrno>
#include <string>
#include <system_error>

#include "penstock/error.hpp"

namespace penstock::transport {

/// `Permission denied` and the like. Allocates: for set-up paths only.
[[nodiscard]] inline std::string reason(int number) {
  return std::generic_category().message(number);
}

/// Out of descriptors, memory or the like: it may work again after something has been closed.
[[nodiscard]] inline bool is_exhaustion(int number) noexcept {
  switch (number) {
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOBUFS:
    case ETOOMANYREFS:
      return true;
    default:
      return false;
  }
}

/// What an operation on files or sockets failed with, where nothing more particular is known.
[[nodiscard]] inline Error error_of(int number) noexcept {
  if (is_exhaustion(number)) return Error::resource_exhausted;
  if (number == EACCES || number == EPERM) return Error::permission_denied;
  return Error::io_error;
}

}  // namespace penstock::transport
