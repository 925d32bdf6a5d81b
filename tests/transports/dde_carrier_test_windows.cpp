// Two processes over DDE: bytes both ways, waits, ends, and who the other one is.
#include <gtest/gtest.h>

#include <boost/asio/error.hpp>
#include <cwctype>

#include "crypto/hash.hpp"
#include "tests/transports/dde_meeting_windows.hpp"
#include "tests/transports/other_calls_windows.hpp"
#include "transports/dde/meeting_place_windows.hpp"

namespace penstock::transport {
namespace {

using namespace testing;
using namespace std::chrono_literals;

constexpr std::array<std::size_t, 7> sizes{1, 24, 1000, 8192, 8193, 65536, dde::largest_datagram};

std::vector<std::byte> datagram(std::size_t size, unsigned seed) {
  std::vector<std::byte> out(size);
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<std::byte>(i * 7 + i / 251 + seed);
  return out;
}

std::vector<std::byte> receive(Carrier& carrier) {
  std::vector<std::byte> out(dde::largest_datagram);
  HandleList handles;
  const auto got = carrier.receive(out, handles, Wait::yes);
  out.resize(got ? got->size : 0);
  return out;
}

/// Which secret both have, without showing it.
std::uint64_t fingerprint(const Carrier& carrier) {
  const auto secret = carrier.challenge_secret();
  if (!secret) return 0;
  std::array<std::byte, 32> digest{};
  crypto::hash(crypto::HashKind::sha256, {(*secret)->bytes()}, digest.data());
  std::uint64_t out = 0;
  for (int i = 0; i < 8; ++i) out = out << 8 | std::to_integer<std::uint64_t>(digest[static_cast<std::size_t>(i)]);
  return out;
}

const Role echo("dde-echo", [](const Line& line, const Words& words) {
  const auto carrier = connect_over_dde(test::endpoint_in(words[0]));
  if (!carrier) return 90;
  line.tell_number(fingerprint(**carrier));
  for (;;) {
    const auto bytes = receive(**carrier);
    if (bytes.empty()) return 0;
    if (!(*carrier)->send(bytes, {}, Wait::yes)) return 91;
  }
});

TEST(DdeCarrier, TwoProcessesTalkBothWaysInEverySize) {
  DdeMeeting meeting(echo);
  auto& carrier = meeting.carrier();
  EXPECT_EQ(carrier.traits().id, 4);
  EXPECT_FALSE(carrier.traits().ordered);
  for (const auto size : sizes) {
    const auto sent = datagram(size, static_cast<unsigned>(size));
    ASSERT_EQ(carrier.send(sent, {}, Wait::yes).value(), size);
    EXPECT_EQ(receive(carrier), sent) << size;
  }
  for (unsigned i = 0; i < 500; ++i) {
    const auto sent = datagram(100 + i, i);
    ASSERT_TRUE(carrier.send(sent, {}, Wait::yes));
    ASSERT_EQ(receive(carrier), sent);
  }
  EXPECT_TRUE(carrier.finish_sends(Wait::yes));
  meeting.drop();
  EXPECT_EQ(meeting.process().wait(), 0);
}

TEST(DdeCarrier, ThePeerIsClaimedAndPinnedOnceItsChallengeWasAnswered) {
  DdeMeeting meeting(echo);
  auto& carrier = meeting.carrier();
  EXPECT_EQ(carrier.peer().strength, Strength::claimed);
  EXPECT_EQ(carrier.peer().pid, meeting.process().pid());
  EXPECT_NE(carrier.peer().process_key, 0u);
  EXPECT_TRUE(carrier.peer().process.valid()) << "held, which proves nothing by itself";
  EXPECT_NE(fingerprint(carrier), 0u);
  EXPECT_EQ(meeting.process().line().hear_number(), fingerprint(carrier)) << "one secret, at both ends";
  ASSERT_TRUE(carrier.challenge_was_answered());
  EXPECT_EQ(carrier.peer().strength, Strength::pinned);
  EXPECT_TRUE(carrier.peer().check_alive());
  meeting.process().kill();
  (void)meeting.process().wait();
  EXPECT_EQ(carrier.peer().check_alive().error(), Error::peer_gone);
}

TEST(DdeCarrier, AnEndThatIsKilledIsTheEndOfTheConversation) {
  DdeMeeting meeting(echo);
  auto& carrier = meeting.carrier();
  ASSERT_TRUE(carrier.send(datagram(10, 1), {}, Wait::yes));
  EXPECT_EQ(receive(carrier).size(), 10u);
  meeting.process().kill();
  HandleList handles;
  std::array<std::byte, 16> buffer;
  EXPECT_EQ(carrier.receive(buffer, handles, Wait::yes).error(), Error::truncated);
  EXPECT_EQ(carrier.send(buffer, {}, Wait::yes).error(), Error::truncated);
  EXPECT_TRUE(carrier.wait(Readiness::readable, std::nullopt)) << "an end is ready";
}

TEST(DdeCarrier, WaitsOfAnExecutorEnd) {
  DdeMeeting meeting(echo);
  auto& carrier = meeting.carrier();
  auto& context = meeting.door().context();
  ASSERT_TRUE(carrier.attach(context.get_executor()));
  std::optional<boost::system::error_code> readable, writable;
  carrier.async_wait(Readiness::readable, [&](boost::system::error_code ec) { readable = ec; });
  carrier.async_wait(Readiness::writable, [&](boost::system::error_code ec) { writable = ec; });
  context.restart();
  while (!writable) context.run_one();
  EXPECT_FALSE(*writable);
  EXPECT_FALSE(readable);
  ASSERT_TRUE(carrier.send(datagram(10, 1), {}, Wait::no));
  while (!readable) context.run_one();
  EXPECT_FALSE(*readable);
  EXPECT_EQ(receive(carrier).size(), 10u);
  readable.reset();
  carrier.async_wait(Readiness::readable, [&](boost::system::error_code ec) { readable = ec; });
  carrier.close();
  context.restart();
  while (!readable) context.run_one();
  EXPECT_EQ(*readable, boost::asio::error::operation_aborted);
  HandleList handles;
  std::array<std::byte, 16> buffer;
  EXPECT_EQ(carrier.receive(buffer, handles, Wait::no).error(), Error::closed);
}

const Role brief("dde-brief", [](const Line&, const Words& words) {
  const auto carrier = connect_over_dde(test::endpoint_in(words[0]));
  if (!carrier) return 90;
  return (*carrier)->send(datagram(20000, 1), {}, Wait::yes) && (*carrier)->finish_sends(Wait::yes) ? 0 : 91;
});

TEST(DdeCarrier, WhatAnEndSentBeforeItWentIsDelivered) {
  const TempDirectory directory;
  WaitingDoor door(test::endpoint_in(directory));
  Child child(brief, {directory.path()});
  EXPECT_EQ(child.wait(), 0) << "nobody has accepted yet";
  const auto carrier = door.accept();
  ASSERT_TRUE(carrier);
  EXPECT_EQ(receive(**carrier), datagram(20000, 1));
  HandleList handles;
  std::array<std::byte, 16> buffer;
  EXPECT_EQ((*carrier)->receive(buffer, handles, Wait::yes).error(), Error::truncated);
}

// PS-DDE-13.
TEST(DdeCarrier, HandlesAreRefused) {
  DdeMeeting meeting(echo);
  const auto file = test::file_with("x");
  const std::array handles{file.get()};
  EXPECT_EQ(meeting.carrier().send(datagram(10, 1), handles, Wait::yes).error(), Error::unsupported);
}

TEST(DdeCarrier, AProcessDoesNotMeetItselfUnlessItAsks) {
  const TempDirectory directory;
  const auto endpoint = test::endpoint_in(directory);
  {
    WaitingDoor door(endpoint);
    EXPECT_EQ(connect_over_dde(endpoint).error(), Error::peer_unidentified);
    EXPECT_EQ(connect_over_dde(endpoint, {}, patient(true)).error(), Error::not_found) << "not even answered";
  }
  WaitingDoor door(endpoint, patient(true));
  EXPECT_EQ(connect_over_dde(endpoint).error(), Error::peer_unidentified);
  const auto client = connect_over_dde(endpoint, {}, patient(true));
  ASSERT_TRUE(client) << client.error().sentence();
  // Whoever was answered above and went again is not handed out.
  const auto server = door.accept();
  ASSERT_TRUE(server);
  EXPECT_EQ(fingerprint(**client), fingerprint(**server));
  ASSERT_TRUE((*client)->send(datagram(9, 3), {}, Wait::yes));
  EXPECT_EQ(receive(**server), datagram(9, 3));
  ASSERT_TRUE((*server)->send(datagram(20000, 4), {}, Wait::yes));
  EXPECT_EQ(receive(**client), datagram(20000, 4));
}

TEST(DdeCarrier, NobodyThere) {
  const TempDirectory directory;
  EXPECT_EQ(connect_over_dde(test::endpoint_in(directory)).error(), Error::not_found);
}

// PS-DDE-03.
TEST(DdeCarrier, Atk01WhomTheCheckRefusesIsNoServer) {
  const TempDirectory directory;
  const auto endpoint = test::endpoint_in(directory);
  WaitingDoor door(endpoint, patient(true));
  const auto refuse = [](const PeerIdentity& peer) -> result<void> {
    EXPECT_EQ(peer.strength, Strength::claimed);
    return Error::peer_refused;
  };
  EXPECT_EQ(connect_over_dde(endpoint, refuse, patient(true)).error(), Error::peer_refused);
}

// PS-DDE-09.
TEST(DdeCarrier, Atk04NumbersThatAreNoProcess) {
  const TempDirectory directory;
  const auto endpoint = test::endpoint_in(directory);
  WaitingDoor door(endpoint, patient(true));
  for (const std::uint32_t pid : {0u, 4u, 65276u, 65279u}) {
    OtherCalls calls;
    calls.of_window = [pid](native_handle) { return result<std::uint32_t>(pid); };
    EXPECT_EQ(connect_over_dde(endpoint, {}, patient(true)).error(), Error::not_found) << pid << ": the listener asks first, and does not answer";
    EXPECT_EQ(door.accept().error(), Error::peer_unidentified);
    // The pump's thread is the listener's, this one the client's.
    calls.of_window = [pid, here = ::GetCurrentThreadId()](native_handle window) {
      return ::GetCurrentThreadId() == here ? result<std::uint32_t>(pid) : real_os_calls().window_process(window);
    };
    EXPECT_EQ(connect_over_dde(endpoint, {}, patient(true)).error(), Error::peer_unidentified) << pid;
  }
}

TEST(DdeCarrier, Atk23AnotherSessionIsNotAnswered) {
  DdeMeeting meeting(echo);
  const TempDirectory directory;
  const auto endpoint = test::endpoint_in(directory);
  WaitingDoor door(endpoint);
  OtherCalls calls;
  calls.change_process_token = [](std::uint32_t pid, Token& token) {
    if (pid != static_cast<std::uint32_t>(test::own_pid())) token.session += 1;
  };
  Child other(echo, {directory.path()});
  EXPECT_EQ(other.wait(), 90);
}

TEST(DdeCarrier, WithoutTheRightToPutHandlesThereIsNoSecret) {
  OtherCalls calls;
  calls.may_put_into = false;
  DdeMeeting meeting(echo);
  EXPECT_EQ(meeting.carrier().challenge_secret().error(), Error::permission_denied);
  EXPECT_EQ(meeting.process().line().hear_number(), 0u) << "at neither end";
  EXPECT_EQ(meeting.carrier().challenge_was_answered().error(), Error::peer_unidentified);
  ASSERT_TRUE(meeting.carrier().send(datagram(10, 1), {}, Wait::yes));
  EXPECT_EQ(receive(meeting.carrier()).size(), 10u) << "a static key has to do then";
}

TEST(DdeCarrier, Atk01ASecondListenerOfTheNameDoesNotStart) {
  const TempDirectory directory;
  const auto endpoint = test::endpoint_in(directory);
  WaitingDoor door(endpoint, patient(true));
  EXPECT_EQ(DdeListener::open(endpoint, patient(true)).error(), Error::name_in_use);
  door.listener().close();
  EXPECT_TRUE(DdeListener::open(endpoint, patient(true)));
}

/// Opens a listener when it is told to, says whether it may, and keeps it until it is let go.
const Role opener("dde-opener", [](const Line& line, const Words& words) {
  line.tell();
  (void)line.hear();
  const auto opened = DdeListener::open(test::endpoint_in(words[0]), patient());
  line.tell(opened ? 'y' : opened.error() == Error::name_in_use ? 'n' : '?');
  (void)line.hear();
  return 0;
});

// A broadcast cannot decide: two that ask at once hear nothing from each other.
TEST(DdeCarrier, Atk01OfEightListenersAtOnceExactlyOneWins) {
  for (int round = 0; round < 10; ++round) {
    const TempDirectory directory;
    std::vector<std::unique_ptr<Child>> all;
    for (int i = 0; i < 8; ++i) all.push_back(std::make_unique<Child>(opener, Words{directory.path()}));
    for (const auto& one : all) EXPECT_EQ(one->line().hear(), '.');
    for (const auto& one : all) one->line().tell();
    std::string told;
    for (const auto& one : all) told += one->line().hear();
    std::ranges::sort(told);
    EXPECT_EQ(told, "nnnnnnny");
    for (const auto& one : all) one->kill();
  }
}

// PS-DDE-02: whatever object of that name there is, and however the name is spelled.
TEST(DdeCarrier, Atk01ANameThatIsClaimedIsInUse) {
  const TempDirectory directory;
  const auto endpoint = test::endpoint_in(directory);
  auto place = dde::MeetingPlace::of(endpoint);
  ASSERT_TRUE(place);
  auto wanted = place->topic_text;  // by the protocol's words
  for (auto& one : wanted) one = one == L'\\' ? L'/' : static_cast<wchar_t>(std::towupper(one));
  EXPECT_EQ(place->claim_name(), L"Local\\dde-8-PENSTOCK-" + wanted);
  {
    const Handle event(::CreateEventW(nullptr, TRUE, FALSE, place->claim_name().c_str()));
    ASSERT_TRUE(event);
    EXPECT_EQ(DdeListener::open(endpoint, patient()).error(), Error::name_in_use) << "no mutex, and taken all the same";
  }
  const auto claimed = place->claim();
  ASSERT_TRUE(claimed);
  for (auto& one : place->topic_text) one = static_cast<wchar_t>(std::towupper(one));
  EXPECT_EQ(place->claim().error(), Error::name_in_use) << "another spelling of the same atom";
}

// A listener does not answer its own process, so no broadcast tells of it.
TEST(DdeCarrier, AProcessHasOneListenerOfANameAndDoesNotConnectToIt) {
  const TempDirectory directory, elsewhere;
  const auto endpoint = test::endpoint_in(directory);
  WaitingDoor door(endpoint);
  EXPECT_EQ(DdeListener::open(endpoint, patient()).error(), Error::name_in_use);
  EXPECT_EQ(connect_over_dde(endpoint).error(), Error::peer_unidentified);
  EXPECT_TRUE(DdeListener::open(test::endpoint_in(elsewhere), patient()));
  door.listener().close();
  EXPECT_EQ(connect_over_dde(endpoint).error(), Error::not_found);
  EXPECT_TRUE(DdeListener::open(endpoint, patient()));
}

}  // namespace
}  // namespace penstock::transport
