#include <array>
#include <cstdlib>

#include "tool/environment.hpp"

namespace penstock::tool {

std::span<const char* const> plain_names() noexcept {
  static constexpr std::array names{"PATH", "HOME", "LANG", "LC_ALL", "LOGNAME", "TZ", "USER"};
  return names;
}

std::optional<std::string> variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe): the command has one thread
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

bool same_variable(std::string_view a, std::string_view b) noexcept {
  return a == b;
}

}  // namespace penstock::tool
