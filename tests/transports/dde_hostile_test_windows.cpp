// ATK-16 for real: hostile processes with DDE windows of their own, against a listener and a connector of ours.
#include <gtest/gtest.h>

#include "tests/transports/dde_meeting_windows.hpp"
#include "tests/transports/dde_raw_windows.hpp"
#include "tests/transports/other_calls_windows.hpp"

namespace penstock::transport {
namespace {

using namespace testing;
using namespace std::chrono_literals;

const std::vector<std::byte> small(5, std::byte{7});
dde::Chunk frame(std::uint64_t number) { return {.kind = dde::ChunkKind::frame, .number = number, .total = 5, .payload = small}; }

/// A client that is as honest as it must be to get past the challenge, and then does what its second word says.
const Role raw_client("dde-raw-client", [](const Line& line, const Words& words) {
  const RawNames names(words[0]);
  RawWindow own;
  const auto answers = own.initiate(HWND_BROADCAST, names.application, names.topic);
  if (answers.size() != 1) return 80 + static_cast<int>(std::min<std::size_t>(answers.size(), 9));
  const auto server = answers.front();
  const auto& what = words[1];
  own.advise(server, names.format);
  own.wait_for(WM_DDE_ACK);
  if (what == "early") own.execute(server, frame(0));
  const std::vector<std::byte> nonce(dde::nonce_size, std::byte{1});
  own.execute(server, {.kind = dde::ChunkKind::nonce, .payload = nonce});
  own.wait_for(WM_DDE_DATA);
  const auto told = what == "names-handle" ? std::stoull(words[2]) : 0;
  own.execute(server, {.kind = dde::ChunkKind::handle, .number = told});
  if (what == "names-handle" || what == "early") {
    own.wait_for(WM_DDE_TERMINATE);
    return 0;
  }
  own.wait_for(WM_DDE_DATA);
  if (what == "replay") {
    own.execute(server, frame(0));
    own.execute(server, frame(0));
  }
  if (what == "reorder") {
    for (const std::uint64_t number : {2u, 0u, 1u}) {
      auto bytes = small;
      bytes[0] = static_cast<std::byte>(number);
      own.execute(server, {.kind = dde::ChunkKind::frame, .number = number, .total = 5, .payload = bytes});
    }
    (void)line.hear();
    return 0;
  }
  if (what == "oversize" || what == "just-too-large") {
    // As large as Windows will carry, and a little more than a command may be.
    auto size = what == "oversize" ? std::size_t{1} << 20 : dde::largest_command + 4096;
    while (!own.execute(server, std::vector<std::byte>(size, std::byte{0x41}))) size /= 2;
    std::printf("a command of %zu bytes\n", size);
  }
  if (what == "garbage") own.execute(server, std::vector<std::byte>(40, std::byte{0x41}));
  if (what == "far") own.execute(server, frame(~std::uint64_t{0}));
  if (what == "data") {
    // What a server would say, and what nobody asked for.
    const std::array<WORD, 2> head{0x8000, names.format};
    own.post(server, WM_DDE_DATA, ::PackDDElParam(WM_DDE_DATA, reinterpret_cast<UINT_PTR>(RawWindow::memory_of(std::as_bytes(std::span(head)))), ::GlobalAddAtomW(L"frames")));
    own.post(server, WM_DDE_POKE, ::PackDDElParam(WM_DDE_POKE, reinterpret_cast<UINT_PTR>(RawWindow::memory_of(std::as_bytes(std::span(head)))), ::GlobalAddAtomW(L"frames")));
    own.post(server, WM_DDE_REQUEST, static_cast<LPARAM>(MAKELPARAM(names.format, ::GlobalAddAtomW(L"frames"))));
    for (int i = 0; i < 3; ++i) {
      const auto answer = own.wait_for(WM_DDE_ACK);
      // The two commands before were acknowledged by their memory.
      if (answer.high > 0xFFFF) {
        --i;
        continue;
      }
      if ((answer.low & 0x8000) != 0) return 70;
    }
    line.tell();
    (void)line.hear();
    return 0;
  }
  if (what == "ack") own.acknowledge(server, 0x8000, ::GlobalAddAtomW(L"frames"));
  if (what == "forged-lparam") {
    // Sent and not posted: parameters are not translated, and name whatever they like in the other process.
    for (UINT message = WM_DDE_TERMINATE; message <= WM_DDE_LAST; ++message) ::SendMessageW(server, message, reinterpret_cast<WPARAM>(own.get()), 0x12345678);
    line.tell();
    (void)line.hear();
    return 0;
  }
  own.wait_for(WM_DDE_TERMINATE);
  return 0;
});

std::size_t receive(Carrier& carrier, std::span<std::byte> buffer, Error& error) {
  HandleList handles;
  const auto got = carrier.receive(buffer, handles, Wait::yes);
  error = got ? Error::none : got.error().code();
  return got ? got->size : 0;
}

/// What the listener's end is told, in the end.
Error end_of(Carrier& carrier) {
  std::array<std::byte, 100> buffer;
  Error error = Error::none;
  while (receive(carrier, buffer, error) != 0) continue;
  return error;
}

TEST(Atk16Dde, LiesEndTheConversation) {
  for (const char* lie : {"replay", "oversize", "just-too-large", "garbage", "far", "ack"}) {
    SCOPED_TRACE(lie);
    DdeMeeting meeting(raw_client, {lie});
    EXPECT_EQ(end_of(meeting.carrier()), Error::frame_malformed);
    EXPECT_EQ(meeting.process().wait(), 0) << "it was told goodbye";
  }
}

TEST(Atk16Dde, ReorderedDatagramsComeWholeInTheOrderOfTheirArrival) {
  DdeMeeting meeting(raw_client, {"reorder"});
  std::array<std::byte, 100> buffer;
  Error error = Error::none;
  for (const int expected : {2, 0, 1}) {
    ASSERT_EQ(receive(meeting.carrier(), buffer, error), 5u);
    EXPECT_EQ(std::to_integer<int>(buffer[0]), expected);
  }
  meeting.process().line().tell();
}

TEST(Atk16Dde, WhatIsNoChunkIsRefusedAndChangesNothing) {
  for (const char* what : {"data", "forged-lparam"}) {
    SCOPED_TRACE(what);
    DdeMeeting meeting(raw_client, {what});
    ASSERT_EQ(meeting.process().line().hear(), '.');
    EXPECT_TRUE(meeting.carrier().send(small, {}, Wait::yes));
    EXPECT_EQ(meeting.carrier().wait(Readiness::readable, std::chrono::steady_clock::now()).error(), Error::deadline_exceeded);
    meeting.process().line().tell();
    EXPECT_EQ(meeting.process().wait(), 0);
  }
}

/// Runs a conversation that never gets as far as being handed out; whoever listens is told why not, and of whom.
int refused(const Words& more, Error why) {
  const TempDirectory directory;
  WaitingDoor door(test::endpoint_in(directory));
  Words words{directory.path()};
  words.insert(words.end(), more.begin(), more.end());
  Child child(raw_client, words);
  const int status = child.wait();
  EXPECT_EQ(door.listener().accept().error(), why);
  EXPECT_TRUE(door.listener().refused() != nullptr && door.listener().refused()->pid == child.pid());
  EXPECT_EQ(door.listener().accept().error(), Error::would_block);
  EXPECT_EQ(door.listener().refused(), nullptr);
  return status;
}

TEST(Atk16Dde, AFrameBeforeTheChallengeIsALie) { EXPECT_EQ(refused({"early"}, Error::frame_malformed), 0); }

TEST(Atk16Dde, AHandleOfOursThatALiarNamesStaysOpen) {
  // Sections of ours, one of them a page: what a liar could hope to have closed.
  for (const DWORD size : {4096u, 65536u}) {
    const Handle section(::CreateFileMappingW(INVALID_HANDLE_VALUE, nullptr, PAGE_READWRITE, 0, size, nullptr));
    EXPECT_EQ(refused({"names-handle", std::to_string(reinterpret_cast<std::uintptr_t>(section.get()))}, Error::peer_unidentified), 0);
    DWORD flags = 0;
    EXPECT_NE(::GetHandleInformation(section.get(), &flags), 0) << "still open";
  }
  const Handle event(::CreateEventW(nullptr, TRUE, FALSE, nullptr));
  EXPECT_EQ(refused({"names-handle", std::to_string(reinterpret_cast<std::uintptr_t>(event.get()))}, Error::peer_unidentified), 0);
  EXPECT_NE(::SetEvent(event.get()), 0);
  for (const char* number : {"3", "18446744073709551615", "4294967295", "2147483644"}) EXPECT_EQ(refused({"names-handle", number}, Error::peer_unidentified), 0);
}

/// Posts to every window of ours, as itself.
const Role stranger("dde-stranger", [](const Line& line, const Words& words) {
  const RawNames names(words[0]);
  RawWindow own;
  for (const auto window : penstock_windows()) {
    own.post(window, WM_DDE_TERMINATE, 0);
    own.execute(window, frame(0));
    own.execute(window, std::vector<std::byte>(std::size_t{1} << 20));
    own.advise(window, names.format);
    own.acknowledge(window, 0x8000, ::GlobalAddAtomW(L"frames"));
    const std::array<WORD, 2> head{0xA000, names.format};
    own.post(window, WM_DDE_DATA, ::PackDDElParam(WM_DDE_DATA, reinterpret_cast<UINT_PTR>(RawWindow::memory_of(std::as_bytes(std::span(head)))), ::GlobalAddAtomW(L"frames")));
  }
  line.tell();
  return own.heard().empty() ? 0 : 1;
});

const Role honest("dde-honest", [](const Line&, const Words& words) {
  const auto carrier = connect_over_dde(test::endpoint_in(words[0]));
  if (!carrier) return 90;
  std::array<std::byte, 100> buffer;
  Error error = Error::none;
  while (const auto size = receive(**carrier, buffer, error)) {
    if (!(*carrier)->send(std::span(buffer).first(size), {}, Wait::yes)) return 91;
  }
  return 0;
});

TEST(Atk16Dde, AnotherProcessesWindowChangesNothing) {
  DdeMeeting meeting(honest);
  const TempDirectory any;
  Child hostile(stranger, {any.path()});
  EXPECT_EQ(hostile.wait(), 0) << "nothing was answered";
  std::array<std::byte, 100> buffer;
  Error error = Error::none;
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(meeting.carrier().send(small, {}, Wait::yes));
    ASSERT_EQ(receive(meeting.carrier(), buffer, error), small.size()) << error_name(error);
  }
}

/// Forges the peer's window: what the messages say cannot be told from the truth. It must end, or be a datagram; never more.
const Role forger("dde-forger", [](const Line&, const Words& words) {
  const RawNames names(words[0]);
  RawWindow own;
  const auto server = reinterpret_cast<HWND>(std::stoull(words[1])), client = reinterpret_cast<HWND>(std::stoull(words[2]));
  if (words[3] == "terminate") own.post(server, WM_DDE_TERMINATE, 0, client);
  if (words[3] == "replay") own.execute(server, frame(0), client);
  return 0;
});

TEST(Atk16Dde, AForgedWindowCanEndAConversationAndNoMore) {
  for (const auto& [what, expected] : std::vector<std::pair<const char*, Error>>{{"terminate", Error::truncated}, {"replay", Error::frame_malformed}}) {
    DdeMeeting meeting(honest);
    std::array<std::byte, 100> buffer;
    Error error = Error::none;
    ASSERT_TRUE(meeting.carrier().send(small, {}, Wait::yes));
    ASSERT_EQ(receive(meeting.carrier(), buffer, error), small.size());
    const auto theirs = penstock_windows(static_cast<DWORD>(meeting.process().pid()));
    ASSERT_EQ(theirs.size(), 1u);
    for (const auto ours : penstock_windows(::GetCurrentProcessId())) {
      const TempDirectory any;
      Child hostile(forger, {any.path(), std::to_string(reinterpret_cast<std::uintptr_t>(ours)), std::to_string(reinterpret_cast<std::uintptr_t>(theirs[0])), what});
      EXPECT_EQ(hostile.wait(), 0);
    }
    EXPECT_EQ(end_of(meeting.carrier()), expected);
  }
}

/// Ten thousand initiates with names that nobody has, and wildcards.
const Role flooder("dde-flooder", [](const Line& line, const Words& words) {
  const RawNames names(words[0]);
  RawWindow own;
  std::size_t answered = 0;
  const auto doors = penstock_windows(static_cast<DWORD>(std::stoul(words[1])));
  for (const auto door : doors) {
    answered += own.initiate(door, 0, 0).size() + own.initiate(door, names.application, 0).size() + own.initiate(door, 0, names.topic).size();
    for (int i = 0; i < 10000; ++i) {
      const auto name = L"flood" + std::to_wstring(i);
      const auto atom = ::GlobalAddAtomW(name.c_str());
      answered += own.initiate(door, i % 3 == 0 ? names.application : atom, i % 3 == 1 ? names.topic : atom).size();
      ::GlobalDeleteAtom(atom);
    }
  }
  line.tell_number(doors.size());
  line.tell_number(answered);
  return 0;
});

TEST(Atk16Dde, TenThousandInitiatesAndWildcardsAreNotAnsweredAndLeaveNothing) {
  const TempDirectory directory;
  WaitingDoor door(test::endpoint_in(directory));
  const auto atoms = global_atoms();
  const auto windows = penstock_windows(::GetCurrentProcessId()).size();
  Child child(flooder, {directory.path(), std::to_string(::GetCurrentProcessId())});
  EXPECT_EQ(child.line().hear_number(), 1u) << "the listener's window";
  EXPECT_EQ(child.line().hear_number(), 0u);
  EXPECT_EQ(child.wait(), 0);
  std::printf("global atoms: %zu before, %zu after; windows: %zu before, %zu after\n", atoms, global_atoms(), windows, penstock_windows(::GetCurrentProcessId()).size());
  EXPECT_EQ(global_atoms(), atoms);
  EXPECT_EQ(penstock_windows(::GetCurrentProcessId()).size(), windows);
  Child later(honest, {directory.path()});
  EXPECT_TRUE(door.accept()) << "and others are still served";
}

/// Opens conversations and never goes on.
const Role half_open("dde-half-open", [](const Line& line, const Words& words) {
  const RawNames names(words[0]);
  RawWindow own;
  std::size_t answered = 0;
  for (int i = 0; i < 40; ++i) answered += own.initiate(HWND_BROADCAST, names.application, names.topic).size();
  line.tell_number(answered);
  (void)line.hear();
  return 0;
});

TEST(Atk24Dde, OneProcessesHalfOpenConversationsAreBounded) {
  const TempDirectory directory;
  WaitingDoor door(test::endpoint_in(directory));
  Child child(half_open, {directory.path()});
  EXPECT_EQ(child.line().hear_number(), 8u);
  for (int i = 8; i < 40; ++i) EXPECT_EQ(door.accept().error(), Error::limit_identity) << "each is told";
  Child other(honest, {directory.path()});
  EXPECT_TRUE(door.accept()) << "another process is served meanwhile";
}

}  // namespace
}  // namespace penstock::transport
