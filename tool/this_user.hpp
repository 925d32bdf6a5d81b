// The user that this process runs as.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <type_traits>

#include "penstock/native.hpp"

namespace penstock::tool {

/// The effective user.
[[nodiscard]] user_id this_user();

/// As it stands in JSON: a number as it is; what has only a text form, such as a Windows SID, as text.
template <class User>
[[nodiscard]] nlohmann::ordered_json user_json(const User& user) {
  if constexpr (std::is_arithmetic_v<User>) return user;
  else return to_text(user);
}

}  // namespace penstock::tool
