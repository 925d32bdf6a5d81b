// The fields that only Windows' tokens fill: the same rules on both platforms, over identities made by hand.
#include "tests/protocol/policy_testing.hpp"

namespace penstock {
namespace {

using test::mentions;
using test::pinned_test_peer;
using test::plain_rule;
using test::policy_of;
using test::verdict;

constexpr const char* container = "S-1-15-2-1-2-3-4-5-6-7";

PeerIdentity peer_with(TokenFacts facts) {
  auto peer = pinned_test_peer(1);
  peer.login_session = 1;
  peer.token = std::make_unique<const TokenFacts>(std::move(facts));
  return peer;
}

TokenFacts medium() {
  TokenFacts facts;
  facts.integrity = Integrity::medium;
  return facts;
}

/// The rule that admits `peer`, or the error's name, and why.
struct Outcome {
  std::string verdict;
  std::string sentence;
};
Outcome ask(const Rule& rule, const PeerIdentity& peer) {
  const auto admitted = policy_of({rule}).admit({peer, Trust::os_identity}, Binding::process);
  return {verdict(admitted), admitted ? std::string() : std::string(admitted.error().sentence())};
}

TEST(PolicyToken, IntegrityIsTheLeastThatTheRuleNames) {
  auto rule = plain_rule("r");
  rule.min_integrity = Integrity::medium;
  for (const auto level : {Integrity::untrusted, Integrity::low, Integrity::medium, Integrity::medium_plus, Integrity::high,
                           Integrity::system}) {
    auto facts = medium();
    facts.integrity = level;
    const auto outcome = ask(rule, peer_with(facts));
    EXPECT_EQ(outcome.verdict, level >= Integrity::medium ? "r" : "peer_refused") << to_string(level);
    EXPECT_EQ(mentions(outcome.sentence, "min_integrity"), level < Integrity::medium) << outcome.sentence;
  }
}

TEST(PolicyToken, ElevationIsExactlyAsTheRuleSays) {
  for (const bool wanted : {true, false}) {
    for (const bool is : {true, false}) {
      auto rule = plain_rule("r");
      rule.elevated = wanted;
      auto facts = medium();
      facts.elevated = is;
      const auto outcome = ask(rule, peer_with(facts));
      EXPECT_EQ(outcome.verdict, wanted == is ? "r" : "peer_refused");
      EXPECT_EQ(mentions(outcome.sentence, is ? "is elevated" : "is not elevated"), wanted != is) << outcome.sentence;
    }
  }
}

TEST(PolicyToken, AnAppContainerIsTheOneNamedOrNone) {
  auto inside = medium();
  inside.app_container = container;
  auto other = medium();
  other.app_container = "S-1-15-2-9";
  auto named = plain_rule("r");
  named.app_container = container;
  auto none = plain_rule("r");
  none.app_container = "none";
  EXPECT_EQ(ask(named, peer_with(inside)).verdict, "r");
  EXPECT_EQ(ask(named, peer_with(other)).verdict, "peer_refused");
  EXPECT_EQ(ask(named, peer_with(medium())).verdict, "peer_refused");
  EXPECT_EQ(ask(none, peer_with(medium())).verdict, "r");
  const auto outcome = ask(none, peer_with(inside));
  EXPECT_EQ(outcome.verdict, "peer_refused");
  EXPECT_TRUE(mentions(outcome.sentence, container)) << outcome.sentence;
}

// What the platform does not tell does not match, whatever the rule asks for.
TEST(PolicyToken, WithoutATokenNoneOfTheseMatches) {
  const auto peer = pinned_test_peer(1);
  auto level = plain_rule("r");
  level.min_integrity = Integrity::low;
  auto elevated = plain_rule("r");
  elevated.elevated = false;
  auto contained = plain_rule("r");
  contained.app_container = "none";
  for (const auto& rule : {level, elevated, contained}) {
    const auto outcome = ask(rule, peer);
    EXPECT_EQ(outcome.verdict, "peer_refused");
    EXPECT_TRUE(mentions(outcome.sentence, "unknown")) << outcome.sentence;
  }
}

// A described process has no program to look at, so nobody can be vouched for.
TEST(PolicyToken, ASignatureThatCannotBeToldDoesNotMatch) {
  auto rule = plain_rule("r");
  rule.executable_signed = true;
  const auto outcome = ask(rule, peer_with(medium()));
  EXPECT_EQ(outcome.verdict, "peer_refused");
  EXPECT_TRUE(mentions(outcome.sentence, "executable_signed: whether")) << outcome.sentence;
}

// ATK-23: a service meets the programs of a desktop only where a rule says so.
TEST(PolicyToken, Atk23AnotherSessionNeedsARuleThatSaysSo) {
  auto peer = peer_with(medium());
  peer.other_session = true;
  const auto plain = ask(plain_rule("r"), peer);
  EXPECT_EQ(plain.verdict, "peer_refused");
  EXPECT_TRUE(mentions(plain.sentence, "other_sessions")) << plain.sentence;
  auto any = plain_rule("r");
  any.other_sessions = true;
  EXPECT_EQ(ask(any, peer).verdict, "r");
  auto named = plain_rule("r");
  named.login_session = 1;
  EXPECT_EQ(ask(named, peer).verdict, "r");
  named.login_session = 2;
  EXPECT_EQ(ask(named, peer).verdict, "peer_refused");
}

TEST(PolicyToken, FilesNameTheseFieldsAsDocumented) {
  const auto policy = Policy::parse(R"(version = 1
[[rule]]
name = "r"
trust = "os-identity"
min_integrity = "medium-plus"
elevated = false
app_container = "none"
executable_signed = true
other_sessions = true
operations = ["*"]
)");
  ASSERT_TRUE(policy) << policy.error().sentence();
  const auto& rule = policy->rules().front();
  EXPECT_EQ(rule.min_integrity, Integrity::medium_plus);
  EXPECT_EQ(rule.elevated, false);
  EXPECT_EQ(rule.app_container, "none");
  EXPECT_EQ(rule.executable_signed, true);
  EXPECT_TRUE(rule.other_sessions);
}

TEST(PolicyToken, WhatCannotBeShownIsRefusedWhenTheRuleIsMade) {
  auto unsigned_program = plain_rule("r");
  unsigned_program.executable_signed = false;
  auto container_by_name = plain_rule("r");
  container_by_name.app_container = "Contoso.App";
  auto level = plain_rule("r");
  level.min_integrity = static_cast<Integrity>(9);
  for (const auto& rule : {unsigned_program, container_by_name, level}) {
    const auto policy = Policy::of({rule});
    ASSERT_FALSE(policy);
    EXPECT_EQ(policy.error(), Error::policy_invalid);
  }
}

}  // namespace
}  // namespace penstock
