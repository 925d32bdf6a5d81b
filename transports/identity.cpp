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

std::string PeerIdentity::describe() const {
  auto line = fmt::format("pid {} ({}) user {} group {}", pid, to_string(strength), uid, gid);
  if (!executable) return line;
  // The peer chose this name: on a terminal its control characters would speak for us.
  auto path = executable->path;
  std::ranges::replace_if(path, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; }, '?');
  return line + ' ' + path;
}

}  // namespace penstock
