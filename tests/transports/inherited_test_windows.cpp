// ATK-21 on Windows: a child has the handles that it was given, whatever else of its parent's may be inherited; and what is no launch.
#include <windows.h>

#include <fmt/format.h>

#include <set>

#include "crypto/windows_text.hpp"
#include "tests/support/process_facts.hpp"
#include "tests/support/raw.hpp"
#include "tests/transports/meeting.hpp"
#include "tests/transports/other_calls_windows.hpp"
#include "tests/transports/pipe_pair_windows.hpp"
#include "transports/child.hpp"
#include "transports/inherited.hpp"
#include "transports/spawn_windows.hpp"

namespace penstock::transport {
namespace {

using namespace testing;

std::uintptr_t number(native_handle raw) { return reinterpret_cast<std::uintptr_t>(raw); }

/// What came from the parent keeps the mark that it may go on.
std::set<std::uintptr_t> inherited_handles() {
  std::set<std::uintptr_t> found;
  for (std::uintptr_t value = 4; value < 0x4000; value += 4) {
    DWORD flags = 0;
    const auto raw = reinterpret_cast<HANDLE>(value);
    if (::GetHandleInformation(raw, &flags) != 0 && (flags & HANDLE_FLAG_INHERIT) != 0) found.insert(value);
  }
  return found;
}

std::set<std::uintptr_t> meant_handles() {
  std::set<std::uintptr_t> meant;
  for (const DWORD which : {STD_INPUT_HANDLE, STD_OUTPUT_HANDLE, STD_ERROR_HANDLE}) {
    const auto raw = number(::GetStdHandle(which));
    if (raw != 0 && raw < 0x80000000) meant.insert(raw);
  }
  std::array<wchar_t, 64> text{};
  ::GetEnvironmentVariableW(L"PENSTOCK_LAUNCH", text.data(), 64);
  const auto launch = to_utf8(text.data());
  meant.insert(std::stoull(launch));
  meant.insert(std::stoull(launch.substr(launch.find(',') + 1)));
  return meant;
}

/// Tries what it was told of its parent's handles, then tells which it has and whether they are the ones that were meant.
const Role inheritor("inheritor", [](const Line&, const Words& words) {
  const bool exact = inherited_handles() == meant_handles();
  const auto event = reinterpret_cast<HANDLE>(std::stoull(words[0]));
  const auto file = reinterpret_cast<HANDLE>(std::stoull(words[1]));
  ::SetEvent(event);
  DWORD done = 0;
  ::WriteFile(file, "stolen", 6, &done, nullptr);
  auto adopted = adopt();
  if (!adopted || !send_all(*adopted->carrier, exact ? "+" : "-") || !send_all(*adopted->carrier, inherited_handles().size() <= 3 ? "+" : "-")) return 2;
  static_cast<void>(receive_text(*adopted->carrier, 1));
  return 0;
});

TEST(Atk21, TheHelperHasExactlyWhatItWasGiven) {
  SECURITY_ATTRIBUTES inheritable{sizeof(SECURITY_ATTRIBUTES), nullptr, TRUE};
  std::vector<Handle> leaks;
  for (int i = 0; i < 50; ++i) leaks.emplace_back(::CreateEventW(&inheritable, TRUE, FALSE, nullptr));
  auto file = test::file_with("hello");
  ASSERT_NE(::SetHandleInformation(file.get(), HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT), 0);
  for (const auto& leak : leaks) {
    if (&leak != &leaks.front() && &leak != &leaks.back()) continue;
    const auto words = Words{fmt::format("{}", number(leak.get())), fmt::format("{}", number(file.get()))};
    auto launched = launch({test::own_program(), test::role_arguments(inheritor, words), {}});
    ASSERT_TRUE(launched) << launched.error().sentence();
    EXPECT_EQ(receive_text(*launched->carrier, 1), "+") << "before it was adopted";
    EXPECT_EQ(receive_text(*launched->carrier, 1), "+") << "afterwards the standard three alone go on to a grandchild";
    end_child(launched->process);
    EXPECT_EQ(::WaitForSingleObject(leak.get(), 0), DWORD{WAIT_TIMEOUT});
  }
  EXPECT_EQ(test::text_of(file.get()), "hello");
}

const Role adopter("adopter", [](const Line&, const Words&) {
  const auto adopted = adopt();
  return adopted ? 0 : static_cast<int>(adopted.error().code());
});

// Else it would seem to live for as long as we do.
TEST(Inherited, AHelpersEndIsHeardAtOurs) {
  const auto launched = launch({test::own_program(), test::role_arguments(adopter, {}), {}});
  ASSERT_TRUE(launched) << launched.error().sentence();
  ASSERT_TRUE(launched->carrier->wait(Readiness::readable, std::chrono::steady_clock::now() + std::chrono::seconds(30)));
  HandleList handles;
  std::byte byte{};
  EXPECT_EQ(launched->carrier->receive({&byte, 1}, handles, Wait::no).error(), Error::truncated);
}

struct PipeOfTwo {
  PipeOfTwo() {
    HANDLE read = nullptr;
    HANDLE write = nullptr;
    if (::CreatePipe(&read, &write, nullptr, 0) == 0) throw std::runtime_error("CreatePipe");
    reader = Handle(read);
    writer = Handle(write);
    ::SetHandleInformation(read, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT);
  }
  Handle reader, writer;
};

/// Starts the adopter with so many secret bytes, and `launch` in the variable where it is not the right one.
int adopt_with(std::size_t secret, bool writer_stays = false, const std::string& launch = {}) {
  const TempDirectory directory;
  WaitingPipe listener(test::endpoint_in(directory));
  SECURITY_ATTRIBUTES inheritable{sizeof(SECURITY_ATTRIBUTES), nullptr, TRUE};
  const Handle channel(::CreateFileW(to_wide(test::address_of(test::endpoint_in(directory))).value().c_str(),
                                     FILE_READ_DATA | FILE_WRITE_DATA | FILE_READ_ATTRIBUTES | READ_CONTROL | SYNCHRONIZE, 0,
                                     &inheritable, OPEN_EXISTING, FILE_FLAG_OVERLAPPED, nullptr));
  PipeOfTwo pipe;
  const std::string bytes(secret, 's');
  DWORD done = 0;
  if (secret != 0) ::WriteFile(pipe.writer.get(), bytes.data(), static_cast<DWORD>(secret), &done, nullptr);
  if (!writer_stays) pipe.writer.reset();
  const std::array given{channel.get(), pipe.reader.get()};
  const auto numbers = launch.empty() ? fmt::format("{},{}", number(given[0]), number(given[1])) : launch;
  auto child = spawn({test::own_program(), test::role_arguments(adopter, {}), {"PENSTOCK_LAUNCH=" + numbers}, given});
  if (!child) return -1;
  ::WaitForSingleObject(child->process.get(), INFINITE);
  DWORD status = 0;
  ::GetExitCodeProcess(child->process.get(), &status);
  return static_cast<int>(status);
}

/// Has a launch of its own making, and tells what adopting it answers.
const Role adopts_its_own("adopts-its-own", [](const Line&, const Words&) {
  PipePair pipe;
  PipeOfTwo secret;
  DWORD done = 0;
  ::WriteFile(secret.writer.get(), std::string(32, 's').data(), 32, &done, nullptr);
  secret.writer.reset();
  const auto launch = fmt::format("{},{}", number(pipe.client.release()), number(secret.reader.release()));
  ::SetEnvironmentVariableW(L"PENSTOCK_LAUNCH", to_wide(launch).value().c_str());
  const auto adopted = adopt();
  return adopted ? 0 : static_cast<int>(adopted.error().code());
});

TEST(Inherited, APipeOfItsOwnIsNoLaunch) {
  Child child(adopts_its_own);
  EXPECT_EQ(child.wait(), static_cast<int>(Error::launch_invalid));
}

// Their interpreter reads arguments as commands; and Windows leaves dots and spaces at the end of a name away.
TEST(Atk21, ABatchFileIsNoHelper) {
  const TempDirectory directory;
  for (const char* name : {"x.bat", "x.cmd", "x.BaT", "x.CMD", "x.exe.bat", "x.bat.", "x.cmd ", "x.bat. . "}) {
    EXPECT_EQ(launch({directory.file(name), {"&calc"}, {}}).error(), Error::invalid_argument) << name;
  }
  // It is the ending that counts.
  EXPECT_EQ(launch({directory.file("x.bat.exe"), {}, {}}).error(), Error::not_found);
}

TEST(Atk21, AHelpersPipeThatAnotherHasOpenedIsNotUsed) {
  OtherCalls calls;
  calls.client = result<std::uint32_t>(1234);
  EXPECT_EQ(launch({test::own_program(), test::role_arguments(adopter, {}), {}}).error(), Error::name_in_use);
}

/// Gives back each byte that it is sent, as long as it lives.
const Role gives_back("gives-back", [](const Line&, const Words& words) {
  const auto end = test::RawEnd::connect(words[0]);
  for (std::byte byte{}; end && end.read({&byte, 1}) && end.write({&byte, 1});) {
  }
  return 0;
});

TEST(Atk21, AHelperThatCannotBeIdentifiedIsEnded) {
  const TempDirectory directory;
  const auto address = test::address_of(test::endpoint_in(directory));
  auto listening = test::RawListener::open(address);
  ASSERT_TRUE(listening);
  test::RawEnd child;
  OtherCalls calls;
  int asked = 0;
  calls.is_alive = [&] {
    if (++asked == 1) return true;  // ourselves
    child = listening.accept();     // it has come so far
    return false;
  };
  EXPECT_EQ(launch({test::own_program(), test::role_arguments(gives_back, {address}), {}}).error(), Error::peer_gone);
  ASSERT_TRUE(child);
  std::byte byte{1};
  EXPECT_FALSE(child.write({&byte, 1}) && child.read({&byte, 1})) << "it lives";
}

TEST(Atk21, WhatAChildWasGivenMayNotBeInheritedAfterwards) {
  const auto file = test::file_with("x");
  const std::array given{file.get()};
  auto child = spawn({test::own_program(), test::role_arguments(adopter, {}), {}, given});
  ASSERT_TRUE(child) << child.error().sentence();
  EXPECT_FALSE(test::is_inherited(file.get()));
  end_child(child->process);
}

TEST(Inherited, AdoptionTakesNothingButAWholeLaunch) {
  const int invalid = static_cast<int>(Error::launch_invalid);
  EXPECT_EQ(adopt_with(32), 0);
  EXPECT_EQ(adopt_with(0), invalid);
  EXPECT_EQ(adopt_with(31), invalid);
  EXPECT_EQ(adopt_with(33), invalid);
  EXPECT_EQ(adopt_with(32, true), invalid);  // somebody could still add to it; and it must not hang
  EXPECT_EQ(adopt_with(0, true), invalid);
  for (const char* launch : {"4", "4,", ",4", "4,4", "x,y", "4,8,", "4294967295,4294967294", "99999999999999999999,4", "0,4"}) {
    EXPECT_EQ(adopt_with(32, false, launch), invalid) << launch;
  }
}

}  // namespace
}  // namespace penstock::transport
