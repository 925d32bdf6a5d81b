// A peer from words, for `penstock policy explain`.
#include "protocol/policy_describe.hpp"

#include "tests/protocol/policy_testing.hpp"
#include "tests/support/scratch.hpp"

namespace penstock::protocol {
namespace {

using test::mentions;
using Words = std::vector<std::string>;

std::string user(unsigned number) {
  return test::test_user_word(number);
}
const std::string own = "uid=" + user(1);

TEST(PolicyDescribe, EveryWordArrivesInItsField) {
  const test::Scratch scratch;
  const auto program = scratch.write("app", test::program_text, 0755);
  const std::string hex(64, '1');
  const auto peer =
      describe_peer(Words{"uid=" + user(1000), "gid=" + user(7), "groups=" + user(30) + "," + user(20),
                          "executable=" + program, "sha256=" + hex, "fs_verity=" + hex, "label=a=b", "login_session=3",
                          "cgroup=/x", "strength=connected", "process_key=9", "key=" + hex});
  ASSERT_TRUE(peer) << peer.error().sentence();
  EXPECT_EQ(peer->identity.uid, test::test_user(1000));
  EXPECT_EQ(peer->identity.gid, test::test_user(7));
  EXPECT_EQ(peer->identity.groups, (std::vector{test::test_user(20), test::test_user(30)}));
  EXPECT_EQ(*peer->identity.executable, test::executable_at(program));
  EXPECT_EQ(peer->identity.executable->fs_verity_sha256, hex);
  EXPECT_EQ(peer->executable_sha256, hex);
  EXPECT_EQ(peer->identity.label, "a=b");
  EXPECT_EQ(peer->identity.login_session, 3u);
  EXPECT_EQ(peer->identity.cgroup, "/x");
  EXPECT_EQ(peer->identity.strength, Strength::connected);
  EXPECT_EQ(peer->identity.process_key, 9u);
  EXPECT_EQ(peer->key, test::key_of(0x11));
  EXPECT_EQ(peer->trust, Trust::static_key);
}

TEST(PolicyDescribe, WhatIsNotSaidIsUnknownAndGrantsNothing) {
  const auto peer = describe_peer(Words{"user=" + test::known_user_name()});
  ASSERT_TRUE(peer) << peer.error().sentence();
  EXPECT_EQ(peer->identity.uid, test::known_user());
  EXPECT_EQ(peer->trust, Trust::os_identity);
  auto rule = test::plain_rule("root's group");
  rule.groups = {test::known_group()};
  EXPECT_FALSE(test::policy_of({rule}).explain(peer->subject())[0].matched);
  // There is no process: the identity cannot pass for a live peer.
  EXPECT_FALSE(peer->identity.check_alive());
}

TEST(PolicyDescribe, TheDescribedDigestIsTheOneThatCounts) {
  const std::string hex(64, '1');
  auto rule = test::plain_rule("digest");
  rule.executable_sha256 = hex;
  const auto policy = test::policy_of({rule});
  EXPECT_TRUE(policy.explain(describe_peer(Words{own, "sha256=" + hex})->subject())[0].matched);
  EXPECT_FALSE(policy.explain(describe_peer(Words{own})->subject())[0].matched);
}

TEST(PolicyDescribe, EveryRefusalNamesTheWord) {
  const struct {
    Words words;
    const char* says;
  } rows[] = {
      {{}, "write user=NAME or uid=NUMBER"},
      {{own, "user=" + test::known_user_name()}, "once"},
      {{own, "gid=" + user(1), "group=" + test::known_group_name()}, "take one out"},
      {{own, "uid=" + user(2)}, "uid stands there twice"},
      {{"uid"}, "\"uid\" describes nothing"},
      {{own, "exectuable=/bin/true"}, "did you mean executable=…?"},
      {{own, "nonsense"}, "KEY=VALUE"},
      {{"uid="}, "no number"},
      {{"uid=-1"}, "no number"},
      {{"uid=4294967296"}, "no number"},
      {{"uid=1x"}, "no number"},
      {{own, "groups=" + user(1) + ",," + user(2)}, "no number"},
      {{"user=no-such-user-here"}, "no user"},
      {{own, "strength=strong"}, "pinned, connected or claimed"},
      {{own, "trust=none"}, "no kind of trust"},
      {{own, "key=11"}, "key: "},
      {{own, "executable=/no/such/program"}, "/no/such/program"},
      {{own, "fs_verity=11"}, "executable=PATH before"},
  };
  for (const auto& row : rows) {
    const auto peer = describe_peer(row.words);
    ASSERT_FALSE(peer) << row.says;
    EXPECT_EQ(peer.error().code(), Error::invalid_argument);
    EXPECT_TRUE(mentions(peer.error().sentence(), row.says)) << peer.error().sentence();
  }
}

}  // namespace
}  // namespace penstock::protocol
