// The parts of an identity that no platform differs in.
#include "penstock/identity.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace penstock {

const char* to_string(Strength strength) noexcept {
  switch (strength) {
    case Strength::claimed:
      return "claimed";
    case Strength::connected:
      return "connected";
    case Strength::pinned:
      return "pinned";
  }
  return "invalid";
}

const char* to_string(Integrity integrity) noexcept {
  switch (integrity) {
    case Integrity::untrusted:
      return "untrusted";
    case Integrity::low:
      return "low";
    case Integrity::medium:
      return "medium";
    case Integrity::medium_plus:
      return "medium-plus";
    case Integrity::high:
      return "high";
    case Integrity::system:
      return "system";
  }
  return "invalid";
}

std::string PeerIdentity::describe() const {
  auto line = fmt::format("pid {} ({}) user {} group {}", pid, to_string(strength), to_text(uid), to_text(gid));
  if (!executable) return line;
  // The peer chose this name: on a terminal its control characters would speak for us.
  auto path = executable->path;
  std::ranges::replace_if(path, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; }, '?');
  return line + ' ' + path;
}

}  // namespace penstock
