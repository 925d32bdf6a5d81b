// A whole policy file, and what loading one answers.
#pragma once

#include <string>

#include "penstock/policy.hpp"
#include "tests/support/users.hpp"

namespace penstock::test {

inline std::string whole_policy() {
  return R"(# who may use the broker
version = 1

[[rule]]
name = "administrators"
trust = "os-identity"
users = [)" +
         test_user_toml(0) + ", " + test_user_toml(1000) + R"(]
login_session = 31
cgroup = "/user.slice/*"
binding = "user"
operations = ["open", "message"]

[[rule]]
name = "tray"
trust = "static-key"
users = [
  )" + test_user_toml(1001) +
         R"(,   # alice
  )" + test_user_toml(1002) +
         R"(,
]
public_keys = ["1111111111111111111111111111111111111111111111111111111111111111"]
min_strength = "pinned"
operations = ["message"]   # and no more

[[rule]]
name = "helper"
trust = "launch-secret"
operations = ["*"]
)";
}

inline Error load_error(const std::string& path) {
  const auto policy = Policy::load(path);
  return policy ? Error::none : policy.error().code();
}

}  // namespace penstock::test
