// ATK-23: a scope is in the pipe's name, in its access control, and verified of each peer. Sessions other than ours are seen through
// the seam alone: Wine has one.
#include <gtest/gtest.h>

#include "penstock/policy.hpp"
#include "tests/support/users.hpp"
#include "tests/transports/meeting.hpp"
#include "tests/transports/other_calls_windows.hpp"
#include "transports/identify_windows.hpp"

namespace penstock::transport {
namespace {

using namespace testing;

const Role visitor("visitor", [](const Line&, const Words& words) {
  auto carrier = connect_to(test::endpoint_in(words[0], "test", parse_scope(words[1]).value()));
  if (!carrier) return 1;
  static_cast<void>(receive_text(**carrier, 1));
  return 0;
});

TEST(Atk23, EachScopeHasNamesOfItsOwn) {
  const auto self = own_identity();
  ASSERT_TRUE(self && self->login_session);
  const auto user = to_text(test::own_user());
  EXPECT_EQ(test::address_of(*Endpoint::make("x", Scope::user)), R"(\\.\pipe\penstock\user-)" + user + R"(\x)");
  EXPECT_EQ(test::address_of(*Endpoint::make("x", Scope::session)),
            R"(\\.\pipe\penstock\session-)" + std::to_string(*self->login_session) + '-' + user + R"(\x)");
  EXPECT_EQ(test::address_of(*Endpoint::make("x", Scope::machine)), R"(\\.\pipe\penstock\machine\x)");
  EXPECT_EQ(Endpoint::make("x", Scope::user, R"(C:\somewhere)").error(), Error::invalid_argument);
}

TEST(Atk23, ASessionsNameIsMadeOfTheTokensSession) {
  OtherCalls calls;
  calls.change_process_token = [](std::uint32_t, Token& token) { token.session = 77; };
  EXPECT_NE(test::address_of(*Endpoint::make("x", Scope::session)).find("session-77-"), std::string::npos);
}

/// Lets a visitor in whose token differs, and says how that went.
struct Visit {
  Visit(Scope scope, std::function<void(Token&)> change, std::optional<std::uint32_t> named_session = {}) {
    calls.change_process_token = [change = std::move(change)](std::uint32_t pid, Token& token) {
      if (pid != static_cast<std::uint32_t>(test::own_pid())) return change(token);
      token.logon = token.user;  // Wine has no group for it; any will do
    };
    if (named_session) calls.in_client_session = result<std::uint32_t>(*named_session);
    WaitingPipe listener(test::endpoint_in(directory, "test", scope));
    Child child(visitor, {directory.path(), to_string(scope)});
    auto accepted = listener.accept();
    if (accepted) carrier = std::move(*accepted);
    if (!accepted) refused = accepted.error().code();
  }
  TempDirectory directory;
  OtherCalls calls;
  std::unique_ptr<Carrier> carrier;
  Error refused = Error::none;
};

constexpr auto unchanged = [](Token&) {};
constexpr auto elsewhere = [](Token& token) { token.session = 77; };
constexpr auto stranger = [](Token& token) { token.user = test::test_user(1000); };

TEST(Atk23, APeerOfOurSessionIsAdmittedInEveryScope) {
  for (const auto scope : {Scope::session, Scope::user, Scope::machine}) {
    const Visit visit(scope, unchanged);
    ASSERT_TRUE(visit.carrier) << to_string(scope) << error_name(visit.refused);
    EXPECT_FALSE(visit.carrier->peer().other_session);
  }
}

TEST(Atk23, APeerOfAnotherSessionIsOutOfTheSessionsScope) {
  EXPECT_EQ(Visit(Scope::session, elsewhere, 77).refused, Error::peer_out_of_scope);
  for (const auto scope : {Scope::user, Scope::machine}) {
    const Visit visit(scope, elsewhere, 77);
    ASSERT_TRUE(visit.carrier) << error_name(visit.refused);
    EXPECT_TRUE(visit.carrier->peer().other_session);
    EXPECT_EQ(visit.carrier->peer().login_session, 77u);
  }
}

TEST(Atk23, TwoAnswersAboutOneSessionAreOneTooMany) {
  for (const auto scope : {Scope::session, Scope::user, Scope::machine}) {
    EXPECT_EQ(Visit(scope, elsewhere).refused, Error::peer_unidentified);
    EXPECT_EQ(Visit(scope, unchanged, 77).refused, Error::peer_unidentified);
  }
}

TEST(Atk23, AnotherUserIsOutOfTheScopesOfOne) {
  for (const auto scope : {Scope::session, Scope::user}) EXPECT_EQ(Visit(scope, stranger).refused, Error::peer_out_of_scope);
  EXPECT_TRUE(Visit(Scope::machine, stranger).carrier);
}

// A service in session 0 and a program of the desktop: only where the policy says so.
TEST(Atk23, AHelperInSessionZeroNeedsARuleThatSaysSo) {
  const Visit visit(Scope::machine, [](Token& token) { token.session = 0, token.facts.logon_id = 1; }, 0);
  ASSERT_TRUE(visit.carrier) << error_name(visit.refused);
  auto peer = identify_process(static_cast<std::uint32_t>(test::own_pid()));
  ASSERT_TRUE(peer);
  // The visitor has gone; whether it is alive is not this test's question.
  peer->login_session = visit.carrier->peer().login_session;
  peer->other_session = true;
  const auto admits = [&](bool other_sessions, std::optional<std::uint32_t> session) {
    Rule rule;
    rule.name = "desktop";
    rule.trust = Trust::os_identity;
    rule.operations = {"*"};
    rule.other_sessions = other_sessions;
    rule.login_session = session;
    const auto policy = Policy::of({rule});
    EXPECT_TRUE(policy);
    return policy->precheck({*peer}).has_value();
  };
  EXPECT_FALSE(admits(false, {}));
  EXPECT_TRUE(admits(true, {}));
  EXPECT_TRUE(admits(false, 0));
  EXPECT_FALSE(admits(false, 77));
  EXPECT_FALSE(admits(true, 77));
  peer->other_session = false;
  EXPECT_TRUE(admits(false, {}));
}

}  // namespace
}  // namespace penstock::transport
