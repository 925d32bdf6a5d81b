// JSON for scripts: one object on one line.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace penstock::tool {

/// Bytes that are no UTF-8 become U+FFFD: a path may hold anything.
[[nodiscard]] inline std::string json_line(const nlohmann::ordered_json& value) {
  return value.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + '\n';
}

}  // namespace penstock::tool
