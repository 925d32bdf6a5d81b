#include "tests/protocol/policy_refusal.hpp"
#include "tests/support/users.hpp"

namespace penstock::test {

std::vector<Refusal> platform_refusals() {
  return {
      {"users by number", rule_with("users = [1000]"), 5, "Windows has no user or group 1000"},
      {"users of number nobody", rule_with("users = [4294967295]"), 5, "Windows has no user or group"},
      {"users with a zero byte", rule_with("users = [\"" + known_user_name() + "\\u0000x\"]"), 5, "zero byte"},
      {"users by a broken SID", rule_with("users = [\"S-1-5-\"]"), 5, "no security identifier"},
      {"users by a SID with a tail", rule_with("users = [\"S-1-5-18x\"]"), 5, "no security identifier"},
      {"users that are a group", rule_with("users = [\"" + known_group_name() + "\"]"), 5, "is no user"},
      {"users that are everybody", rule_with("users = [\"Everyone\"]"), 5, "is no user"},
      {"users twice by name and SID", rule_with("users = [\"" + known_user_name() + "\", \"S-1-5-18\"]"), 5,
       "S-1-5-18 stands there twice"},
      {"executable missing", rule_with("executable = 'C:\\no\\such\\program.exe'"), 5, "cannot be looked at"},
      {"executable relative", rule_with("executable = 'program.exe'"), 5, "not absolute"},
      {"executable of the current drive", rule_with("executable = '\\program.exe'"), 5, "not absolute"},
      {"executable of another machine", rule_with("executable = '\\\\server\\share\\program.exe'"), 5, "not absolute"},
  };
}

}  // namespace penstock::test
