// Which rule admits whom: every field on its own, the order of rules, strength, binding and keys.
#include <filesystem>
#include <functional>

#include "tests/protocol/policy_testing.hpp"
#include "tests/support/scratch.hpp"

namespace penstock {
namespace {

using test::key_of;
using test::mentions;
using test::pinned_peer;
using test::pinned_test_peer;
using test::plain_rule;
using test::policy_of;
using test::test_user;
using test::verdict;

const std::string digest(64, 'a');
const std::string other_digest(64, 'b');

// A peer and a rule in which every field is set and matches.
struct Full {
  Full() : program(scratch.write("app", test::program_text, 0755)) {
    peer = pinned_test_peer(1000);
    peer.gid = test_user(100);
    peer.groups = {test_user(24), test_user(27)};
    peer.executable = test::executable_at(program);
    peer.executable->fs_verity_sha256 = digest;
    peer.label = "system_u:app";
    peer.login_session = 3;
    peer.cgroup = "/user.slice/app.scope";
    rule = plain_rule("full", Trust::static_key);
    rule.users = {test_user(5), test_user(1000)};
    rule.groups = {test_user(9), test_user(27)};
    rule.executable = program;
    rule.executable_sha256 = digest;
    rule.executable_fs_verity = digest;
    rule.label = peer.label;
    rule.login_session = 3;
    rule.cgroup = "/user.slice/*";
  }
  [[nodiscard]] Subject subject() const { return {peer, trust, &key, &sha256}; }

  test::Scratch scratch;
  std::string program;
  PeerIdentity peer;
  PublicKey key = key_of(1);
  std::string sha256 = digest;
  Trust trust = Trust::static_key;
  Rule rule;
};

TEST(Policy, EveryFieldThatMatchesAdmits) {
  const Full full;
  const auto policy = policy_of({full.rule});
  EXPECT_EQ(verdict(policy.admit(full.subject(), Binding::process)), "full");
  EXPECT_EQ(*policy.precheck(full.subject()), Binding::process);
  const auto verdicts = policy.explain(full.subject());
  ASSERT_EQ(verdicts.size(), 1u);
  EXPECT_TRUE(verdicts[0].matched);
  EXPECT_EQ(verdicts[0].reason, "every field matches");
}

struct Change {
  const char* name;    // the field that must be named as the reason
  const char* reason;  // and what must be said of it
  std::function<void(Full&)> apply;
  Error error = Error::peer_refused;
};

// One field at a time differs, or is one that the kernel would not tell.
const Change changes[] = {
    {"trust", "launch-secret", [](Full& full) { full.trust = Trust::launch_secret; }},
    {"trust", "os-identity", [](Full& full) { full.trust = Trust::os_identity; }},
    {"users", "1001", [](Full& full) { full.peer.uid = test_user(1001); }},
    {"users", "is not among", [](Full& full) { full.peer.uid = test_user(0); }},
    {"users", "is not among", [](Full& full) { full.peer.uid = no_user; }},
    {"groups", "none of the groups", [](Full& full) { full.peer.groups = {test_user(24)}; }},
    {"groups", "27", [](Full& full) { full.peer.groups = {}; }},
    {"login_session", "\"4\"", [](Full& full) { full.peer.login_session = 4; }},
    {"login_session", "did not tell", [](Full& full) { full.peer.login_session.reset(); }},
    {"label", "system_u:app2", [](Full& full) { full.peer.label = "system_u:app2"; }},
    {"label", "did not tell", [](Full& full) { full.peer.label.reset(); }},
    {"cgroup", "/system.slice/x", [](Full& full) { full.peer.cgroup = "/system.slice/x"; }},
    {"cgroup", "/user.slice", [](Full& full) { full.peer.cgroup = "/user.slice"; }},
    {"cgroup", "/user.slice/", [](Full& full) { full.peer.cgroup = "/user.slice/"; }},
    {"cgroup", "/user.slicer/x", [](Full& full) { full.peer.cgroup = "/user.slicer/x"; }},
    {"cgroup", "/user.slice/../x", [](Full& full) { full.peer.cgroup = "/user.slice/../x"; }},
    {"cgroup", "/user.slice/..", [](Full& full) { full.peer.cgroup = "/user.slice/.."; }},
    {"cgroup", "did not tell", [](Full& full) { full.peer.cgroup.reset(); }},
    {"executable", "is unknown", [](Full& full) { full.peer.executable.reset(); }},
    {"executable", "not the file that stands", [](Full& full) { ++full.peer.executable->inode; }},
    {"executable", "not the file that stands", [](Full& full) { ++full.peer.executable->device; }},
    {"executable_fs_verity", other_digest.c_str(),
     [](Full& full) { full.peer.executable->fs_verity_sha256 = other_digest; }},
    {"executable_fs_verity", "did not tell", [](Full& full) { full.peer.executable->fs_verity_sha256.reset(); }},
    {"min_strength", "connected", [](Full& full) { full.peer.strength = Strength::connected; }, Error::peer_too_weak},
    {"min_strength", "claimed", [](Full& full) { full.peer.strength = Strength::claimed; }, Error::peer_too_weak},
    {"binding", "no pidfs", [](Full& full) { full.peer.process_key = 0; }, Error::peer_too_weak},
    {"public_keys", "0202", [](Full& full) { full.key = key_of(2); }},
    {"executable_sha256", other_digest.c_str(), [](Full& full) { full.sha256 = other_digest; }},
};

TEST(Policy, OneFieldThatDiffersOrIsUnknownRefuses) {
  for (const auto& change : changes) {
    Full full;
    const auto policy = policy_of({full.rule});
    change.apply(full);
    const auto admitted = policy.admit(full.subject(), Binding::process);
    ASSERT_FALSE(admitted) << change.name << " " << change.reason;
    EXPECT_EQ(admitted.error().code(), change.error) << change.name << " " << change.reason;
    const auto verdicts = policy.explain(full.subject());
    EXPECT_FALSE(verdicts[0].matched);
    EXPECT_TRUE(verdicts[0].reason.starts_with(std::string(change.name) + ": ")) << verdicts[0].reason;
    EXPECT_TRUE(mentions(verdicts[0].reason, change.reason)) << verdicts[0].reason;
    // The audit event of the refusal can say the same.
    EXPECT_TRUE(mentions(admitted.error().sentence(), verdicts[0].reason)) << admitted.error().sentence();
    const auto before = policy.precheck(full.subject());
    // What only the handshake shows, and what costs a whole reading, is asked later.
    const bool later = std::string(change.name) == "public_keys" || std::string(change.name) == "executable_sha256";
    EXPECT_EQ(before.has_value(), later) << change.name;
  }
}

TEST(Policy, AKeyThatIsNotProvenMatchesNoKeyRule) {
  Full full;
  const auto policy = policy_of({full.rule});
  const Subject subject{full.peer, Trust::static_key, nullptr, &full.sha256};
  EXPECT_TRUE(policy.precheck(subject));
  EXPECT_EQ(verdict(policy.admit(subject, Binding::process)), "peer_refused");
  EXPECT_TRUE(mentions(policy.explain(subject)[0].reason, "proven no key"));
}

TEST(Policy, AMissingNumberOfALivePeerIsNotReadFromADescription) {
  Full full;
  const auto policy = policy_of({full.rule});
  // Without the described digest the process is asked, and there is none behind this identity.
  EXPECT_EQ(verdict(policy.admit({full.peer, full.trust, &full.key}, Binding::process)), "peer_refused");
}

TEST(Policy, PrimaryAndSupplementaryGroupsCount) {
  Full full;
  full.rule.groups = {test_user(100)};
  EXPECT_EQ(verdict(policy_of({full.rule}).admit(full.subject(), Binding::process)), "full");
}

TEST(Policy, TheFirstRuleThatMatchesDecides) {
  auto narrow = plain_rule("narrow");
  narrow.users = {test_user(1000)};
  narrow.operations = {"read"};
  auto wide = plain_rule("wide");
  auto late = plain_rule("late");
  late.users = {test_user(1000)};
  const auto policy = policy_of({narrow, wide, late});
  const auto first = pinned_test_peer(1000);
  const auto second = pinned_test_peer(1001);
  const auto admitted = policy.admit({first, Trust::os_identity}, Binding::process);
  ASSERT_TRUE(admitted);
  EXPECT_EQ(admitted->rule(), "narrow");
  EXPECT_TRUE(admitted->allows("read"));
  EXPECT_FALSE(admitted->allows("write"));
  EXPECT_FALSE(admitted->allows("*"));
  EXPECT_FALSE(admitted->allows(""));
  EXPECT_FALSE(admitted->allows("message"));
  EXPECT_EQ(verdict(policy.admit({second, Trust::os_identity}, Binding::process)), "wide");

  const auto turned = policy_of({wide, narrow});
  EXPECT_EQ(verdict(turned.admit({first, Trust::os_identity}, Binding::process)), "wide");
}

TEST(Policy, AnAdmissionOutlivesItsPolicyAndAStarGrantsAll) {
  Admission admission;
  EXPECT_FALSE(admission.allows("message"));
  EXPECT_FALSE(admission.allows("*"));
  EXPECT_EQ(admission.rule(), "");
  {
    const auto policy = policy_of({plain_rule("gone")});
    const auto peer = pinned_test_peer(7);
    admission = *policy.admit({peer, Trust::os_identity}, Binding::process);
  }
  EXPECT_EQ(admission.rule(), "gone");
  EXPECT_TRUE(admission.allows("message"));
}

TEST(Policy, StrengthIsTheMinimumThatTheRuleNames) {
  auto strict = plain_rule("pinned", Trust::static_key);
  auto loose = plain_rule("connected", Trust::static_key);
  loose.min_strength = Strength::connected;
  loose.binding = Binding::user;
  const auto key = key_of(1);
  auto peer = pinned_test_peer(1);
  const Subject subject{peer, Trust::static_key, &key};
  const struct {
    Strength strength;
    const char* strict;
    const char* loose;
  } rows[] = {{Strength::pinned, "pinned", "connected"},
              {Strength::connected, "peer_too_weak", "connected"},
              {Strength::claimed, "peer_too_weak", "peer_too_weak"}};
  for (const auto& row : rows) {
    peer.strength = row.strength;
    EXPECT_EQ(verdict(policy_of({strict}).admit(subject, Binding::process)), row.strict) << to_string(row.strength);
    EXPECT_EQ(verdict(policy_of({loose}).admit(subject, Binding::user)), row.loose) << to_string(row.strength);
  }
  // Another rule that fails for another reason does not hide that one lacked strength alone.
  auto elsewhere = plain_rule("elsewhere", Trust::static_key);
  elsewhere.users = {test_user(9)};
  EXPECT_EQ(verdict(policy_of({strict, elsewhere}).admit(subject, Binding::process)), "peer_too_weak");
}

TEST(Policy, TheBindingOfTheFirstRuleThatCouldMatchIsUsedAndThenAskedFor) {
  auto by_process = plain_rule("process", Trust::static_key);
  auto by_user = plain_rule("user", Trust::static_key);
  by_user.public_keys = {key_of(2)};
  by_user.binding = Binding::user;
  const auto policy = policy_of({by_process, by_user});
  const auto second = key_of(2);
  auto peer = pinned_test_peer(1);
  const Subject subject{peer, Trust::static_key, &second};
  EXPECT_EQ(*policy.precheck(subject), Binding::process);
  EXPECT_EQ(verdict(policy.admit(subject, Binding::process)), "peer_refused");
  EXPECT_EQ(verdict(policy.admit(subject, Binding::user)), "user");
  EXPECT_TRUE(mentions(policy.explain(subject)[1].reason, "binds the user"));
  // A kernel that has no number for the process leaves only the rule that needs none.
  peer.process_key = 0;
  EXPECT_EQ(*policy.precheck(subject), Binding::user);
}

TEST(Policy, TheExecutableIsTheFileThatStandsThereAtTheMoment) {
  Full full;
  const auto policy = policy_of({full.rule});
  ASSERT_EQ(verdict(policy.admit(full.subject(), Binding::process)), "full");
  // An update replaced the program: the peer still runs the old one.
  full.scratch.write("new", test::program_text, 0755);
  std::filesystem::rename(full.scratch / "new", full.program);
  EXPECT_EQ(verdict(policy.admit(full.subject(), Binding::process)), "peer_refused");
  full.peer.executable = test::executable_at(full.program);
  full.peer.executable->fs_verity_sha256 = digest;
  EXPECT_EQ(verdict(policy.admit(full.subject(), Binding::process)), "full");
  // Since it was loaded, others were let in: the path says nothing any more.
  test::set_mode(full.scratch.path(), 0777);
  EXPECT_EQ(verdict(policy.admit(full.subject(), Binding::process)), "peer_refused");
  EXPECT_TRUE(mentions(policy.explain(full.subject())[0].reason, "others could replace"));
  test::set_mode(full.scratch.path(), 0700);
  std::filesystem::remove(full.program);
  EXPECT_EQ(verdict(policy.admit(full.subject(), Binding::process)), "peer_refused");
}

TEST(Policy, TheDigestOfARunningProcessIsItsProgramsOwn) {
  auto self = own_identity();
  ASSERT_TRUE(self);
  if (self->strength != Strength::pinned) GTEST_SKIP() << "this kernel pins nobody";
  auto rule = plain_rule("digest");
  const auto sha256 = self->executable_sha256();
  ASSERT_TRUE(sha256);
  rule.executable_sha256 = *sha256;
  EXPECT_EQ(verdict(policy_of({rule}).admit({*self, Trust::os_identity}, Binding::process)), "digest");
  (*rule.executable_sha256)[0] = (*rule.executable_sha256)[0] == '0' ? '1' : '0';
  EXPECT_EQ(verdict(policy_of({rule}).admit({*self, Trust::os_identity}, Binding::process)), "peer_refused");
}

TEST(Policy, UserAndSameUserAdmitPinnedProcessesOfThatUserOnly) {
  const auto own = pinned_peer(test::own_user());
  auto other = pinned_test_peer(54321);
  EXPECT_TRUE(Policy::same_user().admit({own, Trust::os_identity}, Binding::process));
  EXPECT_FALSE(Policy::same_user().admit({other, Trust::os_identity}, Binding::process));
  EXPECT_TRUE(Policy::user(test_user(54321)).admit({other, Trust::os_identity}, Binding::process));
  other.strength = Strength::connected;
  EXPECT_EQ(verdict(Policy::user(test_user(54321)).admit({other, Trust::os_identity}, Binding::process)),
            "peer_too_weak");
  // What these make is what of() would accept.
  EXPECT_TRUE(Policy::of(Policy::same_user().rules()));
}

TEST(Policy, SaysWhichTrustAndUsersItKnows) {
  auto first = plain_rule("a");
  first.users = {test_user(7), test_user(3)};
  auto second = plain_rule("b", Trust::static_key);
  second.users = {test_user(3), test_user(9)};
  const auto policy = policy_of({first, second});
  EXPECT_TRUE(policy.accepts(Trust::os_identity));
  EXPECT_TRUE(policy.accepts(Trust::static_key));
  EXPECT_FALSE(policy.accepts(Trust::launch_secret));
  EXPECT_EQ(policy.users(), (std::vector{test_user(3), test_user(7), test_user(9)}));
  EXPECT_TRUE(policy_of({first, plain_rule("any")}).users().empty());
}

TEST(Policy, AnEmptyPolicyAdmitsNobody) {
  const auto peer = pinned_test_peer(0);
  EXPECT_EQ(verdict(Policy().admit({peer, Trust::os_identity}, Binding::process)), "peer_refused");
  EXPECT_FALSE(Policy().precheck({peer, Trust::os_identity}));
  EXPECT_FALSE(Policy().accepts(Trust::os_identity));
}

TEST(Policy, ARefusalSpeaksOfThreeRulesAndCountsTheRest) {
  std::vector<Rule> rules;
  for (int at = 0; at < 5; ++at) {
    rules.push_back(plain_rule("rule " + std::to_string(at)));
    rules.back().users = {test_user(1)};
  }
  const auto peer = pinned_test_peer(2);
  const auto refused = policy_of(rules).admit({peer, Trust::os_identity}, Binding::process);
  ASSERT_FALSE(refused);
  EXPECT_TRUE(mentions(refused.error().sentence(), "rule \"rule 2\""));
  EXPECT_FALSE(mentions(refused.error().sentence(), "rule \"rule 3\""));
  EXPECT_TRUE(mentions(refused.error().sentence(), "and 2 more"));
}

TEST(Policy, TrustHasThreeNames) {
  for (const auto trust : {Trust::os_identity, Trust::static_key, Trust::launch_secret}) {
    EXPECT_EQ(*parse_trust(to_string(trust)), trust);
  }
  for (const auto* text : {"", "static_key", "Static-key", "static-key ", "none"}) {
    ASSERT_FALSE(parse_trust(text)) << text;
    EXPECT_EQ(parse_trust(text).error().code(), Error::invalid_argument);
  }
}

}  // namespace
}  // namespace penstock
