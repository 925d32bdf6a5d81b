// ATK-01 over DDE: who answers for a name that is another's, and who makes the asking slow.
#include <gtest/gtest.h>

#include "tests/transports/dde_meeting_windows.hpp"
#include "tests/transports/dde_raw_windows.hpp"
#include "tests/transports/other_calls_windows.hpp"

namespace penstock::transport {
namespace {

using namespace testing;
using namespace std::chrono_literals;

/// Answers for somebody else's name.
const Role squatter("dde-squatter", [](const Line& line, const Words& words) {
  const RawNames names(words[0]);
  RawWindow own;
  own.on_initiate = [&](HWND client, WORD application, WORD topic) {
    if (application != names.application || topic != names.topic) return;
    std::array<wchar_t, 256> name{};
    ::GlobalGetAtomNameW(topic, name.data(), static_cast<int>(name.size()));
    const auto second = ::GlobalAddAtomW(name.data());
    ::SendMessageW(client, WM_DDE_ACK, reinterpret_cast<WPARAM>(own.get()), MAKELPARAM(::GlobalAddAtomW(dde::application_name), second));
  };
  line.tell();
  for (;;) own.run_one();
  return 0;
});

TEST(Atk01Dde, ASquatterBesideTheListenerIsRefusedAndSoIsTheListener) {
  const TempDirectory directory;
  const auto endpoint = test::endpoint_in(directory);
  std::optional<WaitingDoor> door;
  door.emplace(endpoint, patient(true));
  Child hostile(squatter, {directory.path()});
  ASSERT_EQ(hostile.line().hear(), '.');
  EXPECT_EQ(connect_over_dde(endpoint, {}, patient(true)).error(), Error::socket_unsafe);
  door.reset();
  EXPECT_EQ(DdeListener::open(endpoint).error(), Error::name_in_use) << "before it";
  // Alone, it gets nothing but what anybody may know: which is checked first.
  const auto refuse = [](const PeerIdentity&) -> result<void> { return Error::peer_refused; };
  EXPECT_EQ(connect_over_dde(endpoint, refuse).error(), Error::peer_refused);
  {
    OtherCalls calls;
    calls.of_window = [](native_handle) { return result<std::uint32_t>(static_cast<std::uint32_t>(test::own_pid())); };
    EXPECT_EQ(connect_over_dde(endpoint).error(), Error::peer_unidentified) << "a window of this process, that is no listener";
  }
  // Its window goes, or becomes another process's, while it is asked whose it is.
  for (const auto& [second, wanted] : {std::pair<result<std::uint32_t>, Error>{Error::peer_gone, Error::peer_gone},
                                       {static_cast<std::uint32_t>(test::own_pid()), Error::peer_changed}}) {
    OtherCalls calls;
    int asked = 0;
    calls.of_window = [&, answer = second](native_handle) {
      return ++asked % 2 == 0 ? answer : result<std::uint32_t>(static_cast<std::uint32_t>(hostile.pid()));
    };
    EXPECT_EQ(connect_over_dde(endpoint).error(), wanted);
  }
  EXPECT_EQ(connect_over_dde(endpoint, {}, {.timeouts = {.connect = 200ms, .terminate = 50ms}}).error(), Error::deadline_exceeded) << "it does not link";
  hostile.kill();
  EXPECT_EQ(hostile.wait(), Child::killed);
  EXPECT_TRUE(DdeListener::open(endpoint)) << "whoever did not start has kept nothing";
}

/// Answers, and at once posts what a server would after the link: yes to it. Tells `t` for each goodbye, `b` for all else.
const Role eager_squatter("dde-eager-squatter", [](const Line& line, const Words& words) {
  const RawNames names(words[0]);
  RawWindow own;
  own.on_initiate = [&](HWND client, WORD application, WORD topic) {
    if (application != names.application || topic != names.topic) return;
    const auto second = ::GlobalAddAtomW(dde::topic_of(test::endpoint_in(words[0]))->c_str());
    ::SendMessageW(client, WM_DDE_ACK, reinterpret_cast<WPARAM>(own.get()), MAKELPARAM(::GlobalAddAtomW(dde::application_name), second));
    for (int i = 0; i < 40; ++i) own.acknowledge(client, 0x8000, ::GlobalAddAtomW(L"frames"));
  };
  line.tell();
  for (std::size_t known = 0;;) {
    own.run_one();
    for (; known < own.heard().size(); ++known) line.tell(own.heard()[known].message == WM_DDE_TERMINATE ? 't' : 'b');
  }
  return 0;
});

TEST(Atk01Dde, NothingIsPostedToASquatterWhateverItPosts) {
  const TempDirectory directory;
  Child hostile(eager_squatter, {directory.path()});
  ASSERT_EQ(hostile.line().hear(), '.');
  const auto refuse = [](const PeerIdentity&) -> result<void> {
    // What it posted is read, all of it, while it is looked at.
    const auto pump = dde::Pump::get();
    for (int i = 0; i < 3; ++i) (*pump)->call([] { return 0; });
    return Error::peer_refused;
  };
  EXPECT_EQ(connect_over_dde(test::endpoint_in(directory), refuse).error(), Error::peer_refused);
  EXPECT_EQ(hostile.line().hear(), 't') << "and nothing before it";
  hostile.kill();
  EXPECT_EQ(hostile.line().hear(), '\0') << "and nothing after it";
}

/// Windows that nobody runs.
const Role unserved("dde-unserved", [](const Line& line, const Words&) {
  const std::array<RawWindow, 3> windows;
  line.tell();
  return static_cast<int>(line.hear());
});

TEST(Atk24Dde, WindowsThatDoNotAnswerCostNoMoreThanTheDeadline) {
  const TempDirectory directory;
  WaitingDoor door(test::endpoint_in(directory));
  Child slow(unserved, {});
  ASSERT_EQ(slow.line().hear(), '.');
  const auto soon = std::chrono::steady_clock::now() + 100ms;
  EXPECT_EQ(connect_dde(test::endpoint_in(directory), {}, soon, patient(true)).error(), Error::deadline_exceeded);
  EXPECT_EQ(connect_dde(test::endpoint_in(directory), {}, std::chrono::steady_clock::now(), patient(true)).error(), Error::deadline_exceeded);
  const TempDirectory other;
  EXPECT_EQ(DdeListener::open(test::endpoint_in(other), {.timeouts = {.broadcast = 100ms}}).error(), Error::deadline_exceeded);
  EXPECT_TRUE(DdeListener::open(test::endpoint_in(other))) << "slow is not taken: with time enough it opens, and nothing was kept";
}

}  // namespace
}  // namespace penstock::transport
