// Squatters and sessions on Windows. A second user or session is put in by the seam to Windows: Wine has none.
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include <functional>
#include <thread>

#include "tests/channel/pair.hpp"
#include "tests/single_instance/testing.hpp"
#include "tests/support/process_facts.hpp"
#include "tests/support/raw.hpp"
#include "tests/support/users.hpp"
#include "tests/transports/dde_raw_windows.hpp"
#include "tests/transports/other_calls_windows.hpp"

namespace penstock::test {
namespace {

using transport::Token;
using transport::testing::OtherCalls;

/// Tells `e` for each connection that ended without a byte, `b` for one that did not.
void squat_on_pipe(const Line& line, const std::string& directory) {
  auto listening = RawListener::open(address_of(endpoint_in(directory)));
  line.tell(listening ? 'y' : 'n');
  while (listening) line.tell(listening.accept().ends_without_a_word() ? 'e' : 'b');
}

/// Tells `e` for each broadcast that it answered, `b` for everything that was posted to it then but a goodbye.
void squat_on_dde(const Line& line, const std::string& directory) {
  using namespace transport::testing;
  const RawNames names(directory);
  RawWindow own;
  own.on_initiate = [&](HWND client, WORD application, WORD topic) {
    if (application != names.application || topic != names.topic) return;
    const auto reference = ::GlobalAddAtomW(transport::dde::topic_of(endpoint_in(directory))->c_str());
    ::SendMessageW(client, WM_DDE_ACK, reinterpret_cast<WPARAM>(own.get()), MAKELPARAM(::GlobalAddAtomW(transport::dde::application_name), reference));
    line.tell('e');
  };
  line.tell('y');
  for (std::size_t known = 0;; known = own.heard().size()) {
    own.run_one();
    for (auto at = known; at < own.heard().size(); ++at) {
      if (own.heard()[at].message != WM_DDE_TERMINATE) line.tell('b');
    }
  }
}

const Role squatting("squatting", [](const Line& line, const Words& words) {
  data_plane() == DataPlane::dde ? squat_on_dde(line, words.at(0)) : squat_on_pipe(line, words.at(0));
  return 1;
});

/// Every process but this one belongs to somebody else.
void make_strangers(OtherCalls& calls) {
  calls.change_process_token = [](std::uint32_t pid, Token& token) {
    if (pid != static_cast<std::uint32_t>(own_pid())) token.user = test_user(1000);
  };
}

TEST(SingleInstance, Atk01ASquatterOfAnotherUserGetsNothingAndTheStartRefuses) {
  const TempDirectory directory;
  const Child squatter(squatting, {directory.path()});
  ASSERT_EQ(squatter.line().hear(), 'y');
  OtherCalls calls;
  make_strangers(calls);
  asio::io_context context{1};
  const auto started = start_instance(context, directory.path());
  // A pipe has an owner of its own beside the process that serves it.
  EXPECT_EQ(started.error(), data_plane() == DataPlane::dde ? Error::peer_out_of_scope : Error::socket_unsafe) << started.error().sentence();
  EXPECT_EQ(squatter.line().hear(), 'e') << "it was connected to, and was not sent a byte";
  squatter.kill();
  EXPECT_EQ(squatter.line().hear(), '\0');
}

/// Runs the first instance until `later` has said what became of it.
std::uint64_t hear_while_serving(First& first, const Child& later) {
  std::optional<std::uint64_t> told;
  std::thread waiting([&] {
    const auto heard = later.line().hear_number();
    asio::post(first.context, [&, heard] { told = heard; });
  });
  const auto work = asio::make_work_guard(first.context);
  first.run_until([&] { return told.has_value(); });
  waiting.join();
  return *told;
}

TEST(SingleInstance, Atk01AStartOfAnotherUserIsNotServed) {
  const TempDirectory directory;
  OtherCalls calls;  // outlives what asks it
  First first(directory.path());
  first.keep();
  make_strangers(calls);
  const Later other(directory.path(), {"theirs"}, {data_plane() == DataPlane::dde ? "reach=500" : "reach=300000"});
  const auto told = hear_while_serving(first, other.child);
  // Over DDE nobody answers it, and the name is taken all the same. Had it another user for itself, its name would be another one too.
  EXPECT_EQ(told, error(data_plane() == DataPlane::dde ? Error::deadline_exceeded : Error::truncated));
  EXPECT_TRUE(first.starts.empty());
}

/// A start in the session of that number, where all others are too; or as if all others were in another one.
const Role in_session("in session", [](const Line& line, const Words& words) {
  const bool alone = words.at(0) == "alone";
  const auto number = static_cast<std::uint32_t>(alone ? 77 : std::stoi(words.at(0)));
  OtherCalls calls;
  calls.change_process_token = [=](std::uint32_t pid, Token& token) {
    if (!alone || pid != static_cast<std::uint32_t>(own_pid())) token.session = number;
  };
  calls.change_client_token = [=](transport::ClientToken& client) { client.token.session = number; };
  calls.in_client_session = calls.in_server_session = result<std::uint32_t>(number);
  return start_role.run(line, Words(words.begin() + 1, words.end()));
});

Words session_words(const std::string& session, const std::string& directory) {
  auto words = later_words(directory, {"x"}, {"scope=session"});
  words.insert(words.begin(), session);
  return words;
}

/// Every process but this one, of the same user, has the other rights: elevated if this one is not.
void make_others_differ(OtherCalls& calls, const std::function<void(TokenFacts&)>& change) {
  calls.change_process_token = [=](std::uint32_t pid, Token& token) {
    if (pid != static_cast<std::uint32_t>(own_pid())) change(token.facts);
  };
  calls.change_client_token = [=](transport::ClientToken& client) { change(client.token.facts); };
}

TEST(SingleInstance, Atk01NoStartWithOtherRightsIsServed) {
  const std::function<void(TokenFacts&)> changes[] = {
      [](auto& facts) { facts.elevated = !facts.elevated; }, [](auto& facts) { facts.integrity = Integrity::untrusted; },
      [](auto& facts) { facts.app_container = "S-1-15-2-1-2-3"; }};
  for (const auto& change : changes) {
    const TempDirectory directory;
    OtherCalls calls;  // outlives what asks it
    First first(directory.path());
    first.keep();
    make_others_differ(calls, change);
    const Later other(directory.path(), {"theirs"}, {data_plane() == DataPlane::dde ? "reach=500" : "reach=300000"});
    EXPECT_GE(hear_while_serving(first, other.child), failed);
    EXPECT_TRUE(first.starts.empty());
  }
}

/// As `start`, and every other process seems to have other rights.
const Role among_others("among others", [](const Line& line, const Words& words) {
  OtherCalls calls;
  calls.change_process_token = [](std::uint32_t pid, Token& token) {
    if (pid != static_cast<std::uint32_t>(own_pid())) token.facts.elevated = !token.facts.elevated;
  };
  return start_role.run(line, words);
});

TEST(SingleInstance, Atk01NothingIsHandedToAnInstanceWithOtherRights) {
  const TempDirectory directory;
  First first(directory.path());
  first.keep();
  const Child other(among_others, later_words(directory.path(), {"x"}));
  EXPECT_EQ(hear_while_serving(first, other), error(Error::peer_refused));
  EXPECT_TRUE(first.starts.empty());
}

TEST(SingleInstance, Atk23EachSessionHasItsOwn) {
  const TempDirectory directory;
  const Child one(in_session, session_words("71", directory.path()));
  EXPECT_EQ(one.line().hear_number(), became_first);
  const Child two(in_session, session_words("72", directory.path()));
  EXPECT_EQ(two.line().hear_number(), became_first) << "another session of the same user";
  const Child three(in_session, session_words("71", directory.path()));
  ASSERT_EQ(three.line().hear_number(), 3u);
  EXPECT_EQ(one.line().hear_number(), got_start);
}

TEST(SingleInstance, Atk23NothingIsHandedToAnotherSessionsInstance) {
  const TempDirectory directory;
  auto options = instance_options(directory.path());
  options.scope = Scope::session;
  First first(options, directory.path());
  first.keep();
  const Child other(in_session, session_words("alone", directory.path()));
  EXPECT_EQ(hear_while_serving(first, other), error(Error::peer_out_of_scope));
  EXPECT_TRUE(first.starts.empty());
}

}  // namespace
}  // namespace penstock::test
