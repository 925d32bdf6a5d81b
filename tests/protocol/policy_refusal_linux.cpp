#include "tests/protocol/policy_refusal.hpp"

#include "tests/protocol/policy_testing.hpp"

namespace penstock::test {

std::vector<Refusal> platform_refusals() {
  return {
      {"users with a zero byte", rule_with("users = [\"root\\u0000x\"]"), 5, "zero byte"},
      {"users that is nobody", rule_with("users = [4294967295]"), 5, "means nobody"},
      {"users twice by name and number", rule_with("users = [\"root\", 0]"), 5, "0 stands there twice"},
      {"executable missing", rule_with("executable = \"/no/such/program\""), 5,
       "executable: /no/such/program cannot be looked at"},
      {"executable relative", rule_with("executable = \"true\""), 5, "not absolute"},
  };
}

}  // namespace penstock::test

namespace penstock {
namespace {

TEST(PolicyFile, AUserIsANumberInAnyOfItsForms) {
  const auto policy =
      Policy::parse(test::rule_with("users = [\"root\", 1000, 0x10, 4294967294]\ngroups = [\"root\", 7]"));
  ASSERT_TRUE(policy) << policy.error().sentence();
  EXPECT_EQ(policy->rules()[0].users, (std::vector<user_id>{0, 1000, 16, 4294967294}));
  EXPECT_EQ(policy->rules()[0].groups, (std::vector<user_id>{0, 7}));
}

}  // namespace
}  // namespace penstock
