#include "tool/this_user.hpp"

#include "tool/token_windows.hpp"

namespace penstock::tool {

user_id this_user() {
  const auto information = token_information(own_token(), TokenUser);
  if (information.size() < sizeof(TOKEN_USER)) return no_user;
  const auto* sid = reinterpret_cast<const TOKEN_USER*>(information.data())->User.Sid;
  const auto size = ::GetLengthSid(const_cast<PSID>(sid));  // only reads it
  return Sid::from_bytes(std::span(static_cast<const std::byte*>(sid), size)).value_or(no_user);
}

}  // namespace penstock::tool
