// Who is refused over DDE before there is a channel leaves an event with its reason, as on any carrier.
#include <boost/asio/steady_timer.hpp>

#include "tests/channel/pair.hpp"
#include "tests/support/process_facts.hpp"
#include "tests/transports/dde_raw_windows.hpp"
#include "tests/transports/other_calls_windows.hpp"

namespace penstock::test {
namespace {

using transport::testing::OtherCalls;
using transport::testing::RawNames;
using transport::testing::RawWindow;
namespace dde = transport::dde;

/// Links, and says after it what no listener believes; or stays outside, when it is not answered.
const Role raw_client("raw dde client", [](const Line& line, const Words& words) {
  const RawNames names(words.at(0));
  RawWindow own;
  const auto answers = own.initiate(HWND_BROADCAST, names.application, names.topic);
  line.tell(answers.size() == 1 ? 'y' : 'n');
  if (answers.size() == 1) {
    own.advise(answers.front(), names.format);
    own.execute(answers.front(), as_bytes("no chunk"));
    own.wait_for(WM_DDE_TERMINATE);
  }
  line.tell();
  return line.hear() == 'e' ? 0 : 1;
});

/// Sixty windows that ask, and say nothing more.
const Role raw_flood("raw dde flood", [](const Line& line, const Words& words) {
  const RawNames names(words.at(0));
  std::array<RawWindow, 60> all;
  std::size_t answered = 0;
  for (auto& one : all) answered += one.initiate(HWND_BROADCAST, names.application, names.topic).size();
  line.tell(answered == 8 ? 'y' : 'n');
  return line.hear() == 'e' ? 0 : 1;
});

struct RefusedDde : testing::Test {
  RefusedDde() {
    ListenOptions options;
    options.allow_pipe = false;
    options.allow_dde = true;
    options.policy = own_policy_of(Trust::challenge);
    options.audit = audit;
    auto opened = Listener::open(context.get_executor(), endpoint_in(directory), std::move(options));
    if (!opened) throw std::runtime_error(std::string(opened.error().sentence()));
    listener.emplace(std::move(*opened));
  }
  static Policy own_policy_of(Trust trust) {
    Rule rule;
    rule.name = "this user";
    rule.users = {own_user()};
    rule.trust = trust;
    rule.operations = {"*"};
    return *Policy::of({std::move(rule)});
  }
  /// Runs the listener until somebody was refused for `reason`; that event.
  RecordingAudit::Event run_until_refused(Error reason) {
    for (;;) {
      for (const auto& event : audit->events()) {
        if (event.kind == AuditKind::peer_refused && event.reason == reason) return event;
      }
      context.restart();
      context.run_one();
    }
  }

  const TempDirectory directory;
  asio::io_context context{1};
  std::shared_ptr<RecordingAudit> audit = std::make_shared<RecordingAudit>();
  std::optional<Listener> listener;
};

TEST_F(RefusedDde, Atk16ALieInTheConversationIsRecordedWithTheProcessThatIsClaimed) {
  const Child hostile(raw_client, {directory.path()});
  EXPECT_EQ(hostile.line().hear(), 'y');
  const auto event = run_until_refused(Error::frame_malformed);
  EXPECT_EQ(event.peer_pid, hostile.pid());
  EXPECT_EQ(listener->stats().refused, 1u);
  EXPECT_EQ(listener->stats().half_open, 0u);
}

TEST_F(RefusedDde, Atk23WhoIsNotAnsweredIsRecorded) {
  OtherCalls calls;
  calls.change_process_token = [](std::uint32_t pid, transport::Token& token) {
    if (pid != static_cast<std::uint32_t>(own_pid())) ++token.session;
  };
  const Child hostile(raw_client, {directory.path()});
  EXPECT_EQ(hostile.line().hear(), 'n') << "it learns nothing";
  EXPECT_EQ(run_until_refused(Error::peer_out_of_scope).role, "listener");
  EXPECT_EQ(hostile.line().hear(), '.');
  EXPECT_EQ(listener->stats().refused, 1u);
  listener.reset();
}

// A flood is bounded by its process's eight, and each of it is told.
TEST_F(RefusedDde, Atk01WhoIsOfAnotherUserIsRecordedWithItsProcess) {
  OtherCalls calls;
  calls.change_process_token = [](std::uint32_t pid, transport::Token& token) {
    if (pid != static_cast<std::uint32_t>(own_pid())) token.user = test_user(1000);
  };
  const Child hostile(raw_client, {directory.path()});
  EXPECT_EQ(hostile.line().hear(), 'n');
  EXPECT_EQ(run_until_refused(Error::peer_out_of_scope).peer_pid, hostile.pid());
  listener.reset();
}

TEST_F(RefusedDde, Atk24OneProcessesFloodIsRecorded) {
  const Child hostile(raw_flood, {directory.path()});
  EXPECT_EQ(hostile.line().hear(), 'y') << "eight of sixty";
  EXPECT_EQ(run_until_refused(Error::limit_identity).reason, Error::limit_identity);
  while (listener->stats().refused < 52) {
    context.restart();
    context.run_one();
  }
  EXPECT_EQ(audit->count(AuditKind::peer_refused, Error::limit_identity), 52u);
}

}  // namespace
}  // namespace penstock::test
