// Who wrote what was read: the client's token, borrowed for a moment (ATK-02, ATK-03, ATK-09).
//
// Wine lets a server be itself instead of its client, at a level of its own, and checks no access against a borrowed token: what a
// client lends is seen here in the flags that it opens the pipe with (created_test_windows.cpp). That Windows keeps the server from
// opening a file with a token of that level was not seen.
#include <gtest/gtest.h>

#include "tests/support/users.hpp"
#include "tests/transports/meeting.hpp"
#include "tests/transports/other_calls_windows.hpp"
#include "tests/transports/pipe_pair_windows.hpp"
#include "transports/identify_windows.hpp"

namespace penstock::transport {
namespace {

using namespace testing;

const Role one_word("one-word", [](const Line&, const Words& words) {
  const auto carrier = connect_to(test::endpoint_in(words[0]));
  if (!carrier || !send_all(**carrier, "1")) return 1;
  static_cast<void>(receive_text(**carrier, 1));
  return 0;
});

/// What one receive of a client's word answers.
Error receive_one(Carrier& carrier) {
  HandleList handles;
  std::byte buffer[4];
  const auto got = carrier.receive(buffer, handles, Wait::yes);
  return got ? Error::none : got.error().code();
}

TEST(Atk02, AServerSeesThatAClientLendsItsNameAlone) {
  OtherCalls calls;
  std::optional<ImpersonationLevel> level;
  calls.change_client_token = [&](ClientToken& token) { level = token.level; };
  Meeting meeting(one_word);
  EXPECT_EQ(receive_one(meeting.carrier()), Error::none);
  ASSERT_TRUE(level);
  EXPECT_EQ(calls.reverted, 1);
  if (is_wine()) GTEST_SKIP() << "the level that Wine shows is not the client's";
  EXPECT_EQ(*level, ImpersonationLevel::identification);
}

TEST(Atk03, AClientThatShowsNobodyIsRefusedWithAReasonOfItsOwn) {
  OtherCalls calls;
  calls.change_client_token = [](ClientToken& token) { token = {}; };
  {
    Meeting meeting(one_word);
    EXPECT_EQ(receive_one(meeting.carrier()), Error::peer_anonymous);
  }
  // As Windows says it: such a token cannot even be opened.
  calls.change_client_token = {};
  calls.thread_token_number = ERROR_CANT_OPEN_ANONYMOUS;
  Meeting meeting(one_word);
  EXPECT_EQ(receive_one(meeting.carrier()), Error::peer_anonymous);
  EXPECT_EQ(calls.reverted, 2);
}

TEST(Atk03, ARealAnonymousClientIsRefused) {
  const PipePair pipe(SECURITY_SQOS_PRESENT | SECURITY_ANONYMOUS);
  const auto peer = identify_client(pipe.server.get(), os().now());
  ASSERT_TRUE(peer) << peer.error().sentence();
  pipe.write_one();
  const auto sender = client_sender(pipe.server.get(), *peer);
  if (sender && is_wine()) GTEST_SKIP() << "Wine takes the server itself for an anonymous client";
  ASSERT_FALSE(sender);
  // Windows does not let an anonymous client be impersonated, or not its token be opened; either refuses.
  EXPECT_TRUE(sender.error() == Error::peer_anonymous || sender.error() == Error::peer_unidentified) << sender.error().sentence();
}

/// A client of this process and its token, as it is written with unless `change` says otherwise.
struct Written {
  Written() : peer(identify_client(pipe.server.get(), os().now())) {
    EXPECT_TRUE(peer);
    pipe.write_one();
  }
  [[nodiscard]] Error sender() const {
    const auto who = client_sender(pipe.server.get(), *peer);
    return who ? Error::none : who.error().code();
  }
  PipePair pipe;
  result<PeerIdentity> peer;
};

TEST(Sender, IsTheClientsProcess) {
  const Written written;
  const auto who = client_sender(written.pipe.server.get(), *written.peer);
  ASSERT_TRUE(who) << who.error().sentence();
  EXPECT_EQ(who->pid, test::own_pid());
  EXPECT_EQ(who->uid, test::own_user());
  EXPECT_EQ(who->process_key, written.peer->process_key);
  const auto server = identify_server(written.pipe.client.get());
  ASSERT_TRUE(server);
  const auto back = server_sender(written.pipe.client.get(), *server);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->process_key, server->process_key);
}

struct LevelRow {
  const char* name;
  void (*change)(Token&);
};

void PrintTo(const LevelRow& row, std::ostream* out) { *out << row.name; }

class Atk04Token : public ::testing::TestWithParam<LevelRow> {};

// The token that was written with and the process's own must be one: another's words over a trusted program's pipe are not its.
TEST_P(Atk04Token, WrittenWithAnotherThanTheProcessHasIsRefused) {
  OtherCalls calls;
  const Written written;
  EXPECT_EQ(written.sender(), Error::none);
  calls.change_client_token = [](ClientToken& token) { GetParam().change(token.token); };
  EXPECT_EQ(written.sender(), Error::peer_changed);
  EXPECT_EQ(calls.reverted, 2);
}

INSTANTIATE_TEST_SUITE_P(
    Table, Atk04Token,
    ::testing::Values(LevelRow{"user", [](Token& other) { other.user = test::test_user(1000); }},
                      LevelRow{"session", [](Token& other) { ++other.session; }},
                      LevelRow{"logon", [](Token& other) { ++other.facts.logon_id; }},
                      LevelRow{"integrity_below", [](Token& other) { other.facts.integrity = Integrity::untrusted; }},
                      LevelRow{"integrity_above", [](Token& other) { other.facts.integrity = Integrity::system; }},
                      LevelRow{"elevation", [](Token& other) { other.facts.elevated = !other.facts.elevated; }},
                      LevelRow{"container", [](Token& other) { other.facts.app_container = "S-1-15-2-1"; }},
                      LevelRow{"restriction", [](Token& other) { other.facts.restricted = !other.facts.restricted; }}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(Atk04Sender, AnotherNumberThanTheConnectionsIsRefused) {
  OtherCalls calls;
  const Written written;
  calls.client = result<std::uint32_t>(1234);
  EXPECT_EQ(written.sender(), Error::peer_changed);
  EXPECT_EQ(calls.reverted, 0);
  calls.server = result<std::uint32_t>(1234);
  const auto other = server_sender(written.pipe.client.get(), *written.peer);
  ASSERT_TRUE(other);
  EXPECT_EQ(other->process_key, 0u) << "not the key of the process that was pinned";
}

TEST(Atk09, WhereTheClientCannotBeImpersonatedNothingIsBelieved) {
  OtherCalls calls;
  const Written written;
  calls.impersonate_number = ERROR_CANNOT_IMPERSONATE;
  EXPECT_EQ(written.sender(), Error::peer_unidentified);
  EXPECT_EQ(calls.reverted, 0);
}

TEST(Atk09, WhereTheTokenCannotBeReadWeAreOurselvesAgain) {
  OtherCalls calls;
  const Written written;
  calls.thread_token_number = ERROR_NO_TOKEN;
  EXPECT_EQ(written.sender(), Error::peer_unidentified);
  EXPECT_EQ(calls.reverted, 1);
}

TEST(Atk09, WhereRevertingFailsTheProcessIsEndedAndNothingIsReturned) {
  for (const bool read : {true, false}) {
    OtherCalls calls;
    const Written written;
    calls.reverts = false;
    if (!read) calls.thread_token_number = ERROR_NO_TOKEN;
    EXPECT_EQ(written.sender(), Error::peer_unidentified);
    EXPECT_EQ(calls.ended, 1);
  }
}

/// Reverting fails, and ending is Windows' own.
class Unrevertable : public OtherCalls {
 public:
  void end_process() noexcept override { real_os_calls().end_process(); }
};

const Role cannot_revert("cannot-revert", [](const Line& line, const Words& words) {
  Unrevertable calls;
  const Written written;
  if (words[0] == "fails") calls.reverts = false;
  line.tell();
  (void)written.sender();
  line.tell('!');  // nobody may get here as somebody else
  return 50;
});

TEST(Atk09, ARealProcessThatCannotRevertDies) {
  Child honest(cannot_revert, {"works"});
  EXPECT_EQ(honest.line().hear(), '.');
  EXPECT_EQ(honest.line().hear(), '!');
  EXPECT_EQ(honest.wait(), 50);
  Child doomed(cannot_revert, {"fails"});
  EXPECT_EQ(doomed.line().hear(), '.');
  EXPECT_EQ(doomed.line().hear(), '\0');
  EXPECT_EQ(doomed.wait(), 3);
}

}  // namespace
}  // namespace penstock::transport
