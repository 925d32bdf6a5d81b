// What is made of Windows' answers, with a Windows that lies: the rows of ATK-04 that no real one gives on demand, a remote client
// (ATK-07), which Wine cannot have.
#include "transports/identify_windows.hpp"

#include <gtest/gtest.h>

#include "tests/support/child.hpp"
#include "tests/support/users.hpp"
#include "tests/transports/meeting.hpp"
#include "tests/transports/other_calls_windows.hpp"
#include "tests/transports/pipe_pair_windows.hpp"

namespace penstock::transport {
namespace {

using namespace testing;

constexpr std::uint64_t an_hour = 36'000'000'000;  // of 100 ns

TEST(ProcessKey, IsTheHashThatThePageSays) {
  // SHA-256 of 04030201 08070605 0c0b0a09, made with another program.
  EXPECT_EQ(process_key_of(0x01020304, 0x090a0b0c05060708), 0x7aa73b9f258d7c16u);
  EXPECT_NE(process_key_of(1, 2), process_key_of(1, 3));
  EXPECT_NE(process_key_of(1, 2), process_key_of(2, 2));
}

TEST(Identify, BothEndsAreThisProcessAsItSeesItself) {
  const PipePair pipe;
  const auto self = own_identity();
  ASSERT_TRUE(self) << self.error().sentence();
  for (const bool as_client : {true, false}) {
    const auto seen = as_client ? identify_client(pipe.server.get(), os().now()) : identify_server(pipe.client.get());
    ASSERT_TRUE(seen) << seen.error().sentence();
    EXPECT_EQ(seen->strength, Strength::pinned);
    EXPECT_EQ(seen->pid, test::own_pid());
    EXPECT_EQ(seen->process_key, self->process_key);
    EXPECT_NE(seen->process_key, 0u);
    EXPECT_EQ(seen->uid, test::own_user());
    EXPECT_EQ(seen->groups, self->groups);
    EXPECT_EQ(seen->login_session, self->login_session);
    EXPECT_EQ(seen->executable, self->executable);
    ASSERT_TRUE(seen->token);
    EXPECT_EQ(seen->token->integrity, self->token->integrity);
    EXPECT_FALSE(seen->other_session);
    EXPECT_TRUE(seen->process.valid());
  }
}

struct TokenRow {
  const char* name;
  void (*lie)(OtherCalls&);
  Error client;  ///< what the listener answers
  Error server;  ///< what the connector answers
};

void PrintTo(const TokenRow& row, std::ostream* out) { *out << row.name; }

template <std::uint32_t number>
void name_process(OtherCalls& calls) {
  calls.client = calls.server = result<std::uint32_t>(number);
}

class Atk04 : public ::testing::TestWithParam<TokenRow> {};

TEST_P(Atk04, ANumberThatProvesNothingIsRefused) {
  const PipePair pipe;
  OtherCalls calls;
  GetParam().lie(calls);
  const auto client = identify_client(pipe.server.get(), os().now());
  EXPECT_EQ(client ? Error::none : client.error().code(), GetParam().client);
  const auto server = identify_server(pipe.client.get());
  EXPECT_EQ(server ? Error::none : server.error().code(), GetParam().server);
}

constexpr auto unidentified = Error::peer_unidentified;

INSTANTIATE_TEST_SUITE_P(
    Table, Atk04,
    ::testing::Values(
        TokenRow{"no_lie", [](OtherCalls&) {}, Error::none, Error::none},
        TokenRow{"zero", name_process<0>, unidentified, unidentified}, TokenRow{"kernel", name_process<4>, unidentified, unidentified},
        TokenRow{"remote_65276", name_process<65276>, unidentified, unidentified},
        TokenRow{"remote_65279", name_process<65279>, unidentified, unidentified},
        TokenRow{"number_of_nobody", name_process<0x7FFFFFF0>, Error::peer_gone, Error::peer_gone},
        TokenRow{"not_told", [](OtherCalls& c) { c.client = c.server = result<std::uint32_t>(unidentified); }, unidentified, unidentified},
        TokenRow{"reused", [](OtherCalls& c) { c.created = c.now() + an_hour; }, Error::peer_gone, Error::peer_gone},
        TokenRow{"as_old_as_the_question", [](OtherCalls& c) { c.created = c.now(); }, Error::none, Error::none},
        TokenRow{"ended_while_asked", [](OtherCalls& c) { c.is_alive = [] { return false; }; }, Error::peer_gone, Error::peer_gone},
        TokenRow{"other_session_than_the_pipe_says", [](OtherCalls& c) { c.in_client_session = c.in_server_session = result<std::uint32_t>(77); },
            unidentified, unidentified},
        TokenRow{"session_not_told", [](OtherCalls& c) { c.in_client_session = c.in_server_session = result<std::uint32_t>(unidentified); },
            unidentified, unidentified},
        TokenRow{"token_not_told", [](OtherCalls& c) { c.token_error = unidentified; }, unidentified, unidentified},
        TokenRow{"out_of_handles", [](OtherCalls& c) { c.open_error = Error::resource_exhausted; }, Error::resource_exhausted,
            Error::resource_exhausted},
        // A client that may not look at the server takes the pipe's owner for it; a server has nothing to go by.
        TokenRow{"may_not_be_opened", [](OtherCalls& c) { c.open_error = Error::permission_denied; }, unidentified, Error::none},
        TokenRow{"token_may_not_be_read", [](OtherCalls& c) { c.token_error = Error::permission_denied; }, unidentified, Error::permission_denied},  // our own neither
        TokenRow{"pipe_of_another_user", [](OtherCalls& c) { c.the_access = PipeAccess{test::test_user(1000), true, true, {}, true, {}}; },
            Error::none, Error::socket_unsafe},
        // A number can be borrowed, a label above one's own level cannot be written.
        TokenRow{"pipe_of_a_lower_level", [](OtherCalls& c) { c.the_access = PipeAccess{test::own_user(), true, true, {}, true, user_id::parse("S-1-16-4096")}; },
            Error::none, Error::socket_unsafe},
        TokenRow{"pipe_of_medium_level", [](OtherCalls& c) { c.the_access = PipeAccess{test::own_user(), true, true, {}, true, user_id::parse("S-1-16-8192")}; },
            Error::none, Error::none}),
    [](const auto& row) { return std::string(row.param.name); });

const test::Role ends_at_once("ends-at-once", [](const test::Line&, const test::Words&) { return 0; });

TEST(Atk04Dead, AnEndedProcessIsNoPeerWhetherItsNumberIsHeldOrFree) {
  const PipePair pipe;
  test::Child child(ends_at_once);
  const auto pid = static_cast<std::uint32_t>(child.pid());
  // As long as somebody holds a handle on it, the number still leads to what is left of it.
  auto held = real_os_calls().open_process(pid);
  ASSERT_TRUE(held);
  ASSERT_EQ(child.wait(), 0);
  OtherCalls calls;
  calls.client = calls.server = result<std::uint32_t>(pid);
  for (int held_or_free = 0; held_or_free < 2; ++held_or_free) {
    EXPECT_EQ(identify_client(pipe.server.get(), os().now()).error(), Error::peer_gone);
    EXPECT_EQ(identify_server(pipe.client.get()).error(), Error::peer_gone);
    held->reset();
  }
}

TEST(Atk04Dead, AHeldIdentityNoticesTheEnd) {
  test::Child child(ends_at_once);
  const auto seen = identify_process(static_cast<std::uint32_t>(child.pid()));
  // It may have ended before it was asked: then it was refused, which is as good.
  (void)child.wait();
  if (seen) {
    EXPECT_EQ(seen->check_alive().error(), Error::peer_gone);
    EXPECT_EQ(seen->check_same_program().error(), Error::peer_gone);
    EXPECT_FALSE(seen->executable_sha256());
  } else {
    EXPECT_EQ(seen.error(), Error::peer_gone);
  }
}

TEST(Atk04Owner, WhereTheServersProcessMayNotBeOpenedThePipesOwnerIsAllThatIsKnown) {
  const PipePair pipe;
  OtherCalls calls;
  calls.open_error = Error::permission_denied;
  calls.the_access = PipeAccess{test::test_user(1000), true, true, {}, true, {}};
  const auto seen = identify_server(pipe.client.get());
  ASSERT_TRUE(seen) << seen.error().sentence();
  EXPECT_EQ(seen->strength, Strength::connected);
  EXPECT_EQ(seen->uid, test::test_user(1000));
  EXPECT_EQ(seen->process_key, 0u);
  EXPECT_FALSE(seen->process.valid());
  EXPECT_FALSE(seen->executable);
  EXPECT_FALSE(seen->token);
  EXPECT_EQ(seen->check_alive().error(), Error::peer_unidentified);
}

TEST(Atk04Owner, APipeOfALowerLevelHasNoOwnerThatCounts) {
  const PipePair pipe;
  OtherCalls calls;
  calls.open_error = Error::permission_denied;
  calls.the_access = PipeAccess{test::test_user(1000), true, true, {}, true, user_id::parse("S-1-16-4096")};
  EXPECT_EQ(identify_server(pipe.client.get()).error(), Error::socket_unsafe);
}

TEST(Atk04Reused, AProcessThatIsYoungerThanTheConnectionIsNotItsClient) {
  const PipePair pipe;
  const auto self = os().open_self();
  const auto created = os().creation_time(self->get());
  ASSERT_TRUE(created);
  EXPECT_TRUE(identify_client(pipe.server.get(), *created));
  EXPECT_EQ(identify_client(pipe.server.get(), *created - 1).error(), Error::peer_gone);
}

const Role comes("comes", [](const Line& line, const Words& words) {
  const auto carrier = connect_to(test::endpoint_in(words[0]));
  (void)line.hear();
  return carrier ? 0 : 1;
});

// Between connecting and being looked at a process may end, and a younger one have its number.
TEST(Atk04Reused, TheConnectionsAgeIsThatOfTheMomentWhenItBecameKnown) {
  const TempDirectory directory;
  WaitingPipe listener(test::endpoint_in(directory));
  OtherCalls calls;
  int asked = 0;
  calls.time = [&] { return ++asked == 1 ? 1 : real_os_calls().now(); };  // in 1601, and now
  Child child(comes, {directory.path()});
  EXPECT_EQ(listener.accept().error(), Error::peer_gone);
}

TEST(Atk04Dead, WhoEndsWhileItsProgramIsLookedAtWasNotSeen) {
  auto self = own_identity();
  ASSERT_TRUE(self && self->executable);
  OtherCalls calls;
  int asked = 0;
  calls.is_alive = [&] { return ++asked == 1; };
  EXPECT_EQ(self->check_same_program().error(), Error::peer_gone);
  asked = 0;
  EXPECT_EQ(self->executable_sha256().error(), Error::peer_gone);
}

TEST(Atk04Program, AnotherFileThanTheIdentitysIsNotItsProgram) {
  auto self = own_identity();
  ASSERT_TRUE(self && self->executable);
  EXPECT_TRUE(self->check_same_program());
  EXPECT_TRUE(self->executable_sha256());
  ++self->executable->inode;
  EXPECT_EQ(self->check_same_program().error(), Error::peer_changed);
  EXPECT_EQ(self->executable_sha256().error(), Error::peer_changed);
}

TEST(Atk07, AClientOfAnotherMachineIsRefused) {
  const PipePair pipe;
  OtherCalls calls;
  calls.local = false;
  EXPECT_EQ(identify_client(pipe.server.get(), os().now()).error(), Error::peer_unidentified);
  calls.local = true;
  EXPECT_TRUE(identify_client(pipe.server.get(), os().now()));
}

}  // namespace
}  // namespace penstock::transport
