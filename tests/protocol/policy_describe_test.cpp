// A peer from words, for `penstock policy explain`.
#include "protocol/policy_describe.hpp"

#include "tests/crypto/scratch.hpp"
#include "tests/protocol/policy_testing.hpp"

namespace penstock::protocol {
namespace {

using test::mentions;
using Words = std::vector<std::string>;

TEST(PolicyDescribe, EveryWordArrivesInItsField) {
  const test::Scratch scratch;
  const auto program = scratch.write("app", "#!/bin/true\n", 0755);
  const std::string hex(64, '1');
  const auto peer = describe_peer(Words{"uid=1000", "gid=7", "groups=30,20", "executable=" + program, "sha256=" + hex,
                                        "fs_verity=" + hex, "label=a=b", "login_session=3", "cgroup=/x",
                                        "strength=connected", "process_key=9", "key=" + hex});
  ASSERT_TRUE(peer) << peer.error().sentence();
  EXPECT_EQ(peer->identity.uid, 1000u);
  EXPECT_EQ(peer->identity.gid, 7u);
  EXPECT_EQ(peer->identity.groups, (std::vector<std::uint32_t>{20, 30}));
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
  const auto peer = describe_peer(Words{"user=root"});
  ASSERT_TRUE(peer) << peer.error().sentence();
  EXPECT_EQ(peer->identity.uid, 0u);
  EXPECT_EQ(peer->trust, Trust::os_identity);
  auto rule = test::plain_rule("root's group");
  rule.groups = {0};
  EXPECT_FALSE(test::policy_of({rule}).explain(peer->subject())[0].matched);
  // There is no process: the identity cannot pass for a live peer.
  EXPECT_FALSE(peer->identity.check_alive());
}

TEST(PolicyDescribe, TheDescribedDigestIsTheOneThatCounts) {
  const std::string hex(64, '1');
  auto rule = test::plain_rule("digest");
  rule.executable_sha256 = hex;
  const auto policy = test::policy_of({rule});
  EXPECT_TRUE(policy.explain(describe_peer(Words{"uid=1", "sha256=" + hex})->subject())[0].matched);
  EXPECT_FALSE(policy.explain(describe_peer(Words{"uid=1"})->subject())[0].matched);
}

TEST(PolicyDescribe, EveryRefusalNamesTheWord) {
  const struct {
    Words words;
    const char* says;
  } rows[] = {
      {{}, "write user=NAME or uid=NUMBER"},
      {{"uid=1", "user=root"}, "once"},
      {{"uid=1", "gid=1", "group=root"}, "take one out"},
      {{"uid=1", "uid=2"}, "uid stands there twice"},
      {{"uid"}, "\"uid\" describes nothing"},
      {{"uid=1", "exectuable=/bin/true"}, "did you mean executable=…?"},
      {{"uid=1", "nonsense"}, "KEY=VALUE"},
      {{"uid="}, "no number"},
      {{"uid=-1"}, "no number"},
      {{"uid=4294967296"}, "no number"},
      {{"uid=1x"}, "no number"},
      {{"uid=1", "groups=1,,2"}, "no number"},
      {{"user=no-such-user-here"}, "no user"},
      {{"uid=1", "strength=strong"}, "pinned, connected or claimed"},
      {{"uid=1", "trust=none"}, "no kind of trust"},
      {{"uid=1", "key=11"}, "key: "},
      {{"uid=1", "executable=/no/such/program"}, "/no/such/program"},
      {{"uid=1", "fs_verity=11"}, "executable=PATH before"},
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
