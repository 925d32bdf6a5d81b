// ATK-01: somebody has the name before, between or during the helper's life. Each squatter is a process of its own.
#include <gtest/gtest.h>

#include "penstock/blocking.hpp"
#include "tests/support/process_facts.hpp"
#include "tests/support/raw.hpp"
#include "tests/support/users.hpp"
#include "tests/transports/meeting.hpp"
#include "tests/transports/other_calls_windows.hpp"
#include "tests/transports/pipe_pair_windows.hpp"

namespace penstock::transport {
namespace {

using namespace testing;

/// Takes so many connections, one after the other, and tells how many bytes came over all of them.
const Role squatter("squatter", [](const Line& line, const Words& words) {
  auto listening = test::RawListener::open(test::address_of(test::endpoint_in(words[0])));
  if (!listening) return 1;
  line.tell();
  std::uint64_t sum = 0;
  for (int left = std::stoi(words[1]); left > 0; --left) {
    const auto connection = listening.accept();
    for (std::byte byte{}; connection.read({&byte, 1});) ++sum;
  }
  line.tell_number(sum);
  return 0;
});

class Squatted : public ::testing::Test {
 protected:
  void squat(int connections) {
    process.emplace(squatter, Words{directory.path(), std::to_string(connections)});
    ASSERT_EQ(process->line().hear(), '.');
  }
  /// What a client of that policy is answered by the whole library.
  Error connect(const Rule& rule) {
    ConnectOptions options;
    options.policy = *Policy::of({rule});
    const auto connected = blocking::connect(endpoint, options);
    return connected ? Error::none : connected.error().code();
  }
  static Rule rule() {
    Rule out;
    out.name = "server";
    out.users = {test::own_user()};
    out.trust = Trust::os_identity;
    out.operations = {"*"};
    return out;
  }
  TempDirectory directory;
  Endpoint endpoint = test::endpoint_in(directory);
  std::optional<Child> process;
};

TEST_F(Squatted, Atk01TheSquatterCountsWhatIsSentToIt) {
  // So that the zeros below mean something.
  squat(1);
  {
    const auto carrier = connect_to(endpoint);
    ASSERT_TRUE(carrier) << carrier.error().sentence();
    ASSERT_TRUE(send_all(**carrier, "secret"));
  }
  EXPECT_EQ(process->line().hear_number(), 6u);
}

TEST_F(Squatted, Atk01AServerThatPolicyDoesNotAdmitGetsNothing) {
  squat(2);
  auto other_path = rule();
  other_path.executable = R"(C:\windows\system32\cmd.exe)";
  EXPECT_EQ(connect(other_path), Error::peer_refused);
  auto other_user = rule();
  other_user.users = {test::test_user(1000)};
  EXPECT_EQ(connect(other_user), Error::peer_refused);
  EXPECT_EQ(process->line().hear_number(), 0u);
}

TEST_F(Squatted, Atk01AServerOfAnotherUserGetsNothing) {
  squat(3);
  OtherCalls calls;
  // The pipe's owner is another than the process that answers.
  calls.the_access = PipeAccess{test::test_user(1000), true, true, {}, true, {}};
  EXPECT_EQ(connect(rule()), Error::socket_unsafe);
  // Both are another user, whom the policy does not know.
  calls.change_process_token = [](std::uint32_t pid, Token& token) {
    if (pid != static_cast<std::uint32_t>(test::own_pid())) token.user = test::test_user(1000);
  };
  EXPECT_EQ(connect(rule()), Error::socket_unsafe);
  // Whom it knows: but the scope is one user's.
  auto known = rule();
  known.users = {test::test_user(1000)};
  EXPECT_EQ(connect(known), Error::peer_out_of_scope);
  EXPECT_EQ(process->line().hear_number(), 0u);
}

TEST_F(Squatted, Atk01AListenerRefusesANameThatIsTaken) {
  squat(1);
  const auto refused = PipeListener::open(endpoint, 4);
  ASSERT_FALSE(refused);
  // Wine lets a second creator in, and then it is the check of the instances that refuses.
  EXPECT_EQ(refused.error(), Error::name_in_use);
  process.reset();
  EXPECT_TRUE(PipeListener::open(endpoint, 4)) << "free again";
}

TEST_F(Squatted, Atk08AListenerWhosePipeIsNotAsItWasMeantDoesNotStart) {
  OtherCalls calls;
  calls.the_access = PipeAccess{test::own_user(), true, true, {{true, user_id::parse("S-1-1-0").value(), 0x1F01FF}}, true, {}};
  EXPECT_EQ(PipeListener::open(endpoint, 4).error(), Error::socket_unsafe);
  EXPECT_FALSE(test::name_exists(endpoint));
}

/// Adds an instance to the name while its first one is being proven.
class JoinsMeanwhile : public OtherCalls {
 public:
  explicit JoinsMeanwhile(std::string address) : address_(std::move(address)) {}
  result<std::uint32_t> server_process(native_handle pipe) override {
    instance_ = make_instance(address_, security_.get());
    return OtherCalls::server_process(pipe);
  }

 private:
  std::string address_;
  test::OwnSecurity security_;
  Handle instance_;
};

TEST_F(Squatted, Atk01AListenerWhoseNameIsJoinedWhileItIsProvenDoesNotStart) {
  JoinsMeanwhile calls(test::address_of(endpoint));
  EXPECT_EQ(PipeListener::open(endpoint, 4).error(), Error::name_in_use);
}

// Whatever the handshake asks again: this is before the first byte.
TEST_F(Squatted, Atk01WhomTheCheckRefusesIsNoServer) {
  const WaitingPipe listener(endpoint, {.allow_own_process = true});
  const auto refuse = [](const PeerIdentity&) -> result<void> { return Error::peer_refused; };
  EXPECT_EQ(connect_to(endpoint, refuse, {.allow_own_process = true}).error(), Error::peer_refused);
  EXPECT_EQ(connect_to(endpoint).error(), Error::peer_unidentified) << "nor is this process its own server, unless it says so";
}

TEST_F(Squatted, Atk01AListenerWhoseNameLeadsToAnotherProcessDoesNotStart) {
  OtherCalls calls;
  calls.server = result<std::uint32_t>(1234);
  EXPECT_EQ(PipeListener::open(endpoint, 4).error(), Error::name_in_use);
  EXPECT_FALSE(test::name_exists(endpoint));
}

const Role instance("second-instance", [](const Line& line, const Words& words) {
  const auto opened = PipeListener::open(test::endpoint_in(words[0]), 4);
  line.tell(opened ? 'o' : opened.error() == Error::name_in_use ? 'u' : '?');
  (void)line.hear();
  return 0;
});

TEST_F(Squatted, Atk01ASecondInstanceRefusesAndTheFirstStaysReachable) {
  {
    WaitingPipe first(endpoint);
    for (int i = 0; i < 3; ++i) {
      Child second(instance, {directory.path()});
      EXPECT_EQ(second.line().hear(), 'u');
    }
    std::thread connecting([&] { EXPECT_TRUE(connect_to(endpoint, {}, {.allow_own_process = true})); });
    // It meets itself: which the listener here does not ask for, and says.
    EXPECT_EQ(first.accept().error(), Error::peer_unidentified);
    connecting.join();
  }
  EXPECT_FALSE(test::name_exists(endpoint));
  Child later(instance, {directory.path()});
  EXPECT_EQ(later.line().hear(), 'o');
  EXPECT_EQ(PipeListener::open(endpoint, 4).error(), Error::name_in_use);
  later.kill();
  (void)later.wait();
  EXPECT_TRUE(PipeListener::open(endpoint, 4)) << "a crashed listener leaves nothing";
}

const Role starter("starter", [](const Line& line, const Words& words) {
  line.tell();
  (void)line.hear();
  const auto opened = PipeListener::open(test::endpoint_in(words[0]), 4);
  line.tell(opened ? 'o' : opened.error() == Error::name_in_use ? 'u' : '?');
  (void)line.hear();
  return 0;
});

TEST_F(Squatted, Atk01OfEightListenersAtOnceAtMostOneWins) {
  std::vector<std::unique_ptr<Child>> all;
  for (int i = 0; i < 8; ++i) {
    all.push_back(std::make_unique<Child>(starter, Words{directory.path()}));
    ASSERT_EQ(all.back()->line().hear(), '.');
  }
  for (const auto& one : all) one->line().tell();
  int won = 0;
  for (const auto& one : all) {
    const auto answer = one->line().hear();
    EXPECT_TRUE(answer == 'o' || answer == 'u') << answer;
    won += answer == 'o' ? 1 : 0;
  }
  // Where Windows does not say who was first (Wine), all may see each other, and each refuses.
  EXPECT_LE(won, 1);
  if (!is_wine()) {
    EXPECT_EQ(won, 1);
  }
  all.clear();
  EXPECT_TRUE(PipeListener::open(endpoint, 4));
}

}  // namespace
}  // namespace penstock::transport
