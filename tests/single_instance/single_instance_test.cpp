// Later starts in real processes, and a first instance here that sees what they bring.
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "tests/channel/pair.hpp"
#include "tests/single_instance/testing.hpp"
#include "tests/support/endpoints.hpp"

namespace penstock::test {
namespace {

/// The last words; on Windows those of the role stand before.
Words tail(const Start& start, std::size_t count) {
  const auto size = start.arguments.size();
  return {start.arguments.end() - static_cast<std::ptrdiff_t>(std::min(count, size)), start.arguments.end()};
}

TEST(SingleInstance, HandsOverArgumentsDirectoryAndChosenVariables) {
  const TempDirectory directory;
  auto options = instance_options(directory.path());
  options.environment = {"PATH", "PENSTOCK_IS_NOT_SET"};
  First first(options, directory.path());
  first.keep();
  const Words words{"later", "", "two words", "--flag=\xC3\xA4", "-"};
  Later later(directory.path(), words, {"env=PATH", "env=PENSTOCK_IS_NOT_SET", "env=HOME"});
  first.run_until_started(1);
  const auto& start = first.starts.front();
  EXPECT_EQ(tail(start, words.size()), words);
  EXPECT_EQ(std::filesystem::path(start.directory), std::filesystem::current_path());
  // HOME was sent, and is not what this instance has chosen.
  ASSERT_EQ(start.environment.size(), 1u);
  EXPECT_EQ(start.variable("PATH"), std::string_view(std::getenv("PATH")));
  EXPECT_EQ(start.pid, later.child.pid());
  EXPECT_TRUE(first.answers.front().waiting());
  first.answers.front().status(7);
  EXPECT_FALSE(first.answers.front().waiting());
  first.finish();
  EXPECT_EQ(later.hear(), 7u);
  EXPECT_EQ(later.child.wait(), 0);
}

TEST(SingleInstance, OwnIsWhatALaterOneWouldSend) {
  const TempDirectory directory;
  First first(directory.path());
  EXPECT_EQ(first.instance->own().pid, own_pid());
  EXPECT_EQ(std::filesystem::path(first.instance->own().directory), std::filesystem::current_path());
  EXPECT_FALSE(first.instance->own().arguments.empty());
  EXPECT_TRUE(first.instance->own().environment.empty());
}

TEST(SingleInstance, AStatusPassesAndNoOtherNumberBecomesSuccess) {
  const TempDirectory directory;
  const std::vector<std::pair<int, std::uint64_t>> rows{{0, 0}, {1, 1}, {255, 255}, {256, 255}, {-1, 255}, {1 << 16, 255}};
  First first(directory.path());
  int answer = 0;
  int served = 0;
  first.instance->serve([&](const Start&) { return ++served, answer; });
  for (const auto& [given, wanted] : rows) {
    answer = given;
    const int before = served;
    Later later(directory.path());
    first.run_until([&] { return served > before; });
    first.context.poll();
    EXPECT_EQ(later.hear(), wanted) << given;
  }
  first.finish();
}

TEST(SingleInstance, SeveralAreServedAtOnceAndAnsweredInAnyOrderFromAnyThread) {
  const TempDirectory directory;
  First first(directory.path());
  first.keep();
  std::vector<std::unique_ptr<Later>> later;
  for (int i = 0; i < 4; ++i) later.push_back(std::make_unique<Later>(directory.path(), Words{"later", std::to_string(i)}));
  first.run_until_started(4);
  std::thread([&] {
    for (std::size_t i = 4; i-- > 0;) first.answers[i].status(static_cast<int>(10 + std::stoi(first.starts[i].arguments.back())));
  }).join();
  first.finish();
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(later[i]->hear(), 10 + i);
}

TEST(SingleInstance, OfManyAtOnceOneIsFirstAndGetsAllOthers) {
  constexpr std::size_t many = 12;
  for (int round = 0; round < 3; ++round) {
    const TempDirectory directory;
    std::vector<std::unique_ptr<Later>> starts;
    for (std::size_t i = 0; i < many; ++i) starts.push_back(std::make_unique<Later>(directory.path()));
    const Later* first = nullptr;
    for (const auto& one : starts) {
      const auto told = one->hear();
      if (told != became_first) {
        ASSERT_EQ(told, 3u);
        continue;
      }
      EXPECT_EQ(first, nullptr) << "two are first";
      first = one.get();
    }
    ASSERT_NE(first, nullptr);
    for (std::size_t i = 1; i < many; ++i) EXPECT_EQ(first->hear(), got_start);
    first->child.kill();
    EXPECT_EQ(first->child.line().hear(), '\0') << "one was handed over twice";
  }
}

TEST(SingleInstance, ServesNoMoreAtOnceThanItsBound) {
  const TempDirectory directory;
  auto options = instance_options(directory.path());
  options.starts_at_once = 2;
  First first(options, directory.path());
  std::vector<Answer> open;
  std::size_t most = 0;
  int served = 0;
  first.instance->serve([&](const Start&, Answer answer) {
    ++served;
    open.push_back(std::move(answer));
    most = std::max(most, open.size());
    // Long enough for others to come, if they could: all that is ready runs before.
    asio::post(first.context, [&] {
      open.front().status(1);
      open.erase(open.begin());
    });
  });
  std::vector<std::unique_ptr<Later>> later;
  for (int i = 0; i < 8; ++i) later.push_back(std::make_unique<Later>(directory.path()));
  first.run_until([&] { return served == 8 && open.empty(); });
  first.finish();
  for (const auto& one : later) EXPECT_EQ(one->hear(), 1u);
  EXPECT_LE(most, 2u);
}

TEST(SingleInstance, ADroppedAnswerAndARefusalAreErrorsOfTheirOwn) {
  const TempDirectory directory;
  First first(directory.path());
  first.keep();
  Later dropped(directory.path());
  first.run_until_started(1);
  first.answers.clear();
  Later refused(directory.path());
  first.run_until_started(2);
  first.answers.front().refuse();
  first.answers.front().status(0);  // too late
  first.finish();
  EXPECT_EQ(dropped.hear(), error(Error::cancelled));
  EXPECT_EQ(refused.hear(), error(Error::operation_refused));
}

TEST(SingleInstance, WhoStopsAnswersWhatItHasAndLeavesTheNameToTheNext) {
  const TempDirectory directory;
  First first(directory.path());
  first.keep();
  Later begun(directory.path());
  first.run_until_started(1);
  first.instance->stop();
  // On Linux the name is free at once, on Windows once the last of those that were taken has gone.
  Later next(directory.path());
  first.answers.front().status(9);
  first.finish();
  EXPECT_EQ(begun.hear(), 9u);
  EXPECT_EQ(next.hear(), became_first);
}

TEST(SingleInstance, AHandlerMayDestroyTheInstanceAndWhoWaitsTakesOver) {
  const TempDirectory directory;
  First first(directory.path());
  bool called = false;
  first.instance->serve([&](const Start&) {
    first.instance.reset();
    called = true;
    return 0;
  });
  Later later(directory.path());
  first.run_until([&] { return called; });
  EXPECT_EQ(later.hear(), became_first);
}

TEST(SingleInstance, WhoDiesBeforeItAnswersLeavesItsPlaceToThoseThatWait) {
  const TempDirectory directory;
  Later first(directory.path(), {"first"}, {"hold"});
  ASSERT_EQ(first.hear(), became_first);
  std::vector<std::unique_ptr<Later>> waiting;
  for (int i = 0; i < 3; ++i) {
    waiting.push_back(std::make_unique<Later>(directory.path()));
    ASSERT_EQ(first.hear(), got_start);
  }
  first.child.kill();
  EXPECT_EQ(first.child.wait(), Child::killed);
  std::vector<std::uint64_t> told;
  for (const auto& one : waiting) told.push_back(one->hear());
  EXPECT_EQ(std::ranges::count(told, became_first), 1);
  EXPECT_EQ(std::ranges::count(told, 3u), 2) << "the others were handed to the one that took over, and answered";
  for (std::size_t i = 0; i < waiting.size(); ++i) {
    if (told[i] != became_first) continue;
    waiting[i]->child.kill();
    EXPECT_EQ(waiting[i]->child.wait(), Child::killed) << "it ran on";
  }
}

/// It has the name and runs no loop: what comes waits in its backlog.
int stay_idle(const Line& line, const Words& words) {
  asio::io_context context{1};
  const auto instance = start_instance(context, words.at(0));
  line.tell(instance && !instance->forwarded() ? 'y' : 'n');
  return line.hear() == 'e' ? 0 : 1;
}
const Role idle("idle", stay_idle);

TEST(SingleInstance, WhoDiesBeforeItServesLeavesItsPlaceToo) {
  const TempDirectory directory;
  Child first(idle, {directory.path()});
  ASSERT_EQ(first.line().hear(), 'y');
  Later later(directory.path());
  first.kill();
  EXPECT_EQ(first.wait(), Child::killed);
  EXPECT_EQ(later.hear(), became_first);
}

TEST(SingleInstance, OneThatHangsIsAnErrorAndNoSecondInstance) {
  const TempDirectory directory;
  First first(directory.path());
  Later unserved(directory.path(), {"later"}, {"reach=200"});
  EXPECT_EQ(unserved.hear(), error(Error::deadline_exceeded));
  first.keep();
  Later unanswered(directory.path(), {"later"}, {"answer=200"});
  first.run_until([&] { return !first.starts.empty(); });
  EXPECT_EQ(unanswered.hear(), error(Error::deadline_exceeded));
  // Who gave up is not waiting any more: nobody is there to be told.
  first.run_until([&] { return !first.answers.front().waiting(); });
}

TEST(SingleInstance, WhoIsKilledWhileItWaitsGivesItsPlaceBack) {
  const TempDirectory directory;
  auto options = instance_options(directory.path());
  options.starts_at_once = 1;
  First first(options, directory.path());
  first.keep();
  Later impatient(directory.path());
  first.run_until_started(1);
  impatient.child.kill();
  first.run_until([&] { return !first.answers.front().waiting(); });
  Later next(directory.path());
  first.run_until_started(2);
  first.answers.back().status(4);
  first.finish();
  EXPECT_EQ(next.hear(), 4u);
}

TEST(SingleInstance, OneProcessIsNoSecondInstanceOfItself) {
  const TempDirectory directory;
  First first(directory.path());
  EXPECT_EQ(start_instance(first.context, directory.path()).error(), Error::peer_unidentified);
}

TEST(SingleInstance, OptionsThatCannotBeAreRefused) {
  const TempDirectory directory;
  asio::io_context context{1};
  const auto refused = [&](auto change) {
    auto options = instance_options(directory.path());
    change(options);
    return start_instance(context, directory.path(), {"x"}, options).error().code();
  };
  using Options = SingleInstanceOptions;
  using std::chrono::milliseconds;
  EXPECT_EQ(refused([](Options& o) { o.scope = Scope::machine; }), Error::invalid_argument);
  EXPECT_EQ(refused([](Options& o) { o.reach_deadline = milliseconds(0); }), Error::invalid_argument);
  EXPECT_EQ(refused([](Options& o) { o.answer_deadline = milliseconds::max(); }), Error::invalid_argument);
  EXPECT_EQ(refused([](Options& o) { o.starts_at_once = 0; }), Error::invalid_argument);
  EXPECT_EQ(refused([](Options& o) { o.environment = {"PATH", "PATH"}; }), Error::invalid_argument);
  EXPECT_EQ(refused([](Options& o) { o.environment = {"A=B"}; }), Error::invalid_argument);
  EXPECT_EQ(refused([](Options& o) { o.environment = {""}; }), Error::invalid_argument);
  EXPECT_EQ(SingleInstance::start(context.get_executor(), "no/name", 0, nullptr, instance_options(directory.path())).error(),
            Error::name_invalid);
}

TEST(SingleInstance, TheFirstIsShownToTheLaterStartBeforeAnythingIsSent) {
  const TempDirectory directory;
  First first(directory.path());
  first.keep();
  Later later(directory.path(), {"later"}, {"announce"});
  first.run_until_started(1);
  EXPECT_EQ(later.hear(), static_cast<std::uint64_t>(own_pid()));
  first.answers.front().status(0);
  first.finish();
  EXPECT_EQ(later.hear(), 0u);
}

/// A first instance that takes starts, ends each connection without an answer, and lives on. Tells of each that it took.
int take_and_end(const Line& line, const Words& words) {
  auto listener = blocking::Listener::open(endpoint_in(words.at(0)), listen_options());
  line.tell(listener ? 'y' : 'n');
  while (listener) {
    auto channel = listener->accept();
    std::array<std::byte, 4096> body;
    if (!channel) return 1;
    if (channel->receive(body)) line.tell('t');
    channel->close();
  }
  return 1;
}
const Role taking("taking", take_and_end);

TEST(SingleInstance, NoProcessIsHandedOneStartTwice) {
  const TempDirectory directory;
  const Child first(taking, {directory.path()});
  ASSERT_EQ(first.line().hear(), 'y');
  EXPECT_EQ(Later(directory.path()).hear(), error(Error::cancelled));
  EXPECT_EQ(first.line().hear(), 't');
  first.kill();
  EXPECT_EQ(first.line().hear(), '\0') << "it took one, and no more";
}

/// What an honest start never does; 0 when the first instance answered it as it should.
int misbehave(const Line& line, const Words& words) {
  const auto open = [&] { return blocking::connect(endpoint_in(words.at(0)), connect_options()); };
  std::array<std::byte, 8> body;
  auto malformed = open();
  if (!malformed) return 1;
  const auto refused = malformed->call("single-instance/start", as_bytes("no start"), body);
  if (!refused || refused->status != 2 || refused->size != 0) return 2;
  if (malformed->call("single-instance/start", as_bytes("once more"), body)) return 3;
  auto other = open();
  if (!other || other->call("other", {}, body).error() != Error::operation_refused) return 4;
  auto one_way = open();
  if (!one_way || !one_way->send(as_bytes("hello"))) return 5;
  if (one_way->receive(body)) return 6;
  auto large = open();
  const std::vector<std::byte> much(max_start_bytes + 1);
  if (!large || large->call("single-instance/start", much, body).error() != Error::message_too_large) return 7;
  line.tell('.');
  return 0;
}
const Role misbehaving("misbehaving", misbehave);

TEST(SingleInstance, WhatIsNoStartReachesNoHandler) {
  const TempDirectory directory;
  First first(directory.path());
  first.keep();
  std::optional<int> status;
  Child hostile(misbehaving, {directory.path()});
  std::thread waiting([&] {
    const int got = hostile.wait();
    asio::post(first.context, [&, got] { status = got; });
  });
  const auto work = asio::make_work_guard(first.context);
  first.run_until([&] { return status.has_value(); });
  waiting.join();
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(first.starts.empty());
}

}  // namespace
}  // namespace penstock::test
