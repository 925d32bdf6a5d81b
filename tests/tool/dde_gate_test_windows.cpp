// `penstock dde-gate` as a process, between Windows' own DDEML as the old client and a listener as the real program. ATK-16 where DDE
// meets a program that does things.
#include <windows.h>
// After windows.h, which it needs.
#include <ddeml.h>
#include <gtest/gtest.h>

#include <fstream>
#include <mutex>
#include <thread>

#include "penstock/blocking.hpp"
#include "tests/support/endpoints.hpp"
#include "tests/transports/dde_raw_windows.hpp"
#include "tool/dde_command.hpp"
#include "transports/os_calls_windows.hpp"
#include "transports/spawn_windows.hpp"

namespace penstock::tool {
namespace {

using namespace std::chrono_literals;
using test::TempDirectory;
using transport::testing::RawWindow;

constexpr DWORD patience = 60'000;  // milliseconds, far beyond any machine's slowness

/// The hardened program: answers what it is asked with `status`, and remembers it.
class RealProgram {
 public:
  explicit RealProgram(const Endpoint& endpoint) {
    ListenOptions options;
    options.policy = Policy::same_user();
    auto opened = blocking::Listener::open(endpoint, std::move(options));
    if (!opened) throw std::runtime_error(std::string(opened.error().sentence()));
    listener_.emplace(std::move(*opened));
    thread_ = std::jthread([this](std::stop_token stop) {
      while (!stop.stop_requested()) serve();
    });
  }
  /// Everything until now, as the text that says it.
  [[nodiscard]] std::vector<std::string> heard() {
    const std::scoped_lock lock(mutex_);
    return heard_;
  }
  std::atomic<std::uint32_t> status{0};
  /// Between these nothing is answered.
  void hold() { held_.lock(); }
  void release() { held_.unlock(); }

 private:
  void serve() {
    auto channel = listener_->accept(100ms);
    if (!channel) return;
    std::vector<std::byte> body(65536);
    for (;;) {
      const auto request = channel->receive(body, 60s);
      if (!request) return;
      auto arguments = decode_dde_arguments(std::span(body).first(request->size));
      {
        const std::scoped_lock lock(mutex_);
        heard_.push_back(arguments ? to_dde_text({std::string(request->operation()), std::move(*arguments)}) : "(malformed)");
      }
      const std::scoped_lock until_released(held_);
      if (!channel->reply(request->request, status, {})) return;
    }
  }

  std::optional<blocking::Listener> listener_;
  std::mutex mutex_, held_;
  std::vector<std::string> heard_;
  std::jthread thread_;
};

/// The command, from its line `ready` on.
class Gate {
 public:
  Gate(const TempDirectory& directory, const Endpoint& to, int burst, const std::string& name) : audit_(directory.file(name + ".log")) {
    const auto config = directory.file(name + ".toml");
    std::ofstream(config) << "version = 1\napplication = \"GateTest\"\ntopic = \"System\"\nendpoint = \"" << to.name()
                          << "\"\ndeadline_ms = 60000\nrate = { per_second = 1000, burst = " << burst << " }\n"
                          << "[[command]]\nname = \"open\"\narguments = [{ name = \"file\", kind = \"path\", max_length = 260 }]\n"
                          << "[[command]]\nname = \"close\"\noperation = \"end\"\narguments = []\n";
    HANDLE read = nullptr, write = nullptr;
    ::CreatePipe(&read, &write, nullptr, 0);
    ::SetHandleInformation(write, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT);
    const Handle ours(read);
    Handle theirs(write);
    const std::array given{theirs.get()};
    auto spawned = transport::spawn({PENSTOCK_TOOL_PROGRAM,
                                     {"dde-gate", "--config", config, "--audit", audit_, "--ready-fd",
                                      std::to_string(reinterpret_cast<std::uintptr_t>(theirs.get()))},
                                     {},
                                     given});
    if (!spawned) throw std::runtime_error(std::string(spawned.error().sentence()));
    process_ = std::move(spawned->process);
    theirs.reset();
    std::array<char, 6> line{};
    DWORD got = 0;
    ready_ = ::ReadFile(ours.get(), line.data(), 6, &got, nullptr) != 0 && std::string_view(line.data(), got) == "ready\n";
  }
  ~Gate() { kill(); }
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  [[nodiscard]] DWORD pid() const noexcept { return ::GetProcessId(process_.get()); }
  [[nodiscard]] bool ready() const noexcept { return ready_; }
  void kill() {
    if (!process_) return;
    ::TerminateProcess(process_.get(), 0);
    (void)wait();
  }
  [[nodiscard]] DWORD wait() {
    DWORD status = 0;
    ::WaitForSingleObject(process_.get(), INFINITE);
    ::GetExitCodeProcess(process_.get(), &status);
    process_.reset();
    return status;
  }
  /// Lines of the audit file with all of these words in them.
  [[nodiscard]] std::size_t recorded(std::initializer_list<std::string_view> words) const {
    std::ifstream file(audit_);
    std::size_t count = 0;
    for (std::string line; std::getline(file, line);) {
      if (std::ranges::all_of(words, [&](auto word) { return line.find(word) != std::string::npos; })) ++count;
    }
    return count;
  }

 private:
  std::string audit_;
  Handle process_;
  bool ready_ = false;
};

HDDEDATA CALLBACK ignore(UINT, UINT, HCONV, HSZ, HSZ, HDDEDATA, ULONG_PTR, ULONG_PTR) { return nullptr; }

/// Windows' own client, as shells and old programs have it.
class OldClient {
 public:
  explicit OldClient(decltype(&::DdeInitializeW) initialize = &::DdeInitializeW) {
    (void)initialize(&instance_, ignore, APPCMD_CLIENTONLY, 0);
  }
  ~OldClient() { ::DdeUninitialize(instance_); }
  OldClient(const OldClient&) = delete;
  OldClient& operator=(const OldClient&) = delete;

  /// Null where nobody answers; empty is the wildcard.
  HCONV connect(const std::wstring& application = L"GateTest", const std::wstring& topic = L"System") {
    return conversation_ = ::DdeConnect(instance_, name(application), name(topic), nullptr);
  }
  [[nodiscard]] bool execute(const std::wstring& text) {
    auto* const bytes = reinterpret_cast<BYTE*>(const_cast<wchar_t*>(text.c_str()));
    return execute(bytes, (text.size() + 1) * 2);
  }
  [[nodiscard]] bool execute(const std::string& text) {
    return execute(reinterpret_cast<BYTE*>(const_cast<char*>(text.c_str())), text.size() + 1);
  }
  [[nodiscard]] bool ask(UINT what, const char* data = nullptr) {
    auto* const bytes = reinterpret_cast<BYTE*>(const_cast<char*>(data));
    const auto size = static_cast<DWORD>(data == nullptr ? 0 : std::strlen(data) + 1);
    return ::DdeClientTransaction(bytes, size, conversation_, name(L"item"), CF_TEXT, what, patience, nullptr) != nullptr;
  }
  [[nodiscard]] UINT error() const { return ::DdeGetLastError(instance_); }

 private:
  [[nodiscard]] bool execute(BYTE* bytes, std::size_t size) {
    return ::DdeClientTransaction(bytes, static_cast<DWORD>(size), conversation_, nullptr, 0, XTYP_EXECUTE, patience, nullptr) != nullptr;
  }
  [[nodiscard]] HSZ name(const std::wstring& text) {
    return text.empty() ? nullptr : ::DdeCreateStringHandleW(instance_, text.c_str(), CP_WINUNICODE);
  }
  DWORD instance_ = 0;
  HCONV conversation_ = nullptr;
};

struct Names {
  ~Names() {
    ::GlobalDeleteAtom(application);
    ::GlobalDeleteAtom(topic);
  }
  const ATOM application = ::GlobalAddAtomW(L"GateTest"), topic = ::GlobalAddAtomW(L"System");
};

class DdeGateProcess : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(gate.ready()); }
  using Texts = std::vector<std::string>;

  TempDirectory directory;
  Endpoint endpoint = test::endpoint_in(directory);
  RealProgram program{endpoint};
  Gate gate{directory, endpoint, 100, "gate"};
  OldClient client;
};

TEST_F(DdeGateProcess, AnOldClientsCommandsReachTheRealProgramOverAChannel) {
  ASSERT_NE(client.connect(), nullptr) << client.error();
  EXPECT_TRUE(client.execute(L"[open(\"C:\\a b.txt\")]")) << client.error();
  EXPECT_TRUE(client.execute(L"[open(\"C:\\\u00FC\u20AC\U0001F600.txt\")][close]")) << client.error();
  EXPECT_EQ(program.heard(), (Texts{"[dde/open(\"C:\\a b.txt\")]",
                                    "[dde/open(\"C:\\\xC3\xBC\xE2\x82\xAC\xF0\x9F\x98\x80.txt\")]", "[end]"}));
  EXPECT_EQ(gate.recorded({"operation_forwarded", "\"operation\":\"dde/open\"", "\"strength\":\"claimed\"", "GateTest|System"}), 2u);
  EXPECT_EQ(gate.recorded({"operation_forwarded", "\"operation\":\"end\""}), 1u);
  EXPECT_EQ(gate.recorded({"a b.txt"}), 0u) << "arguments are not written down";
}

TEST_F(DdeGateProcess, Atk16WhatDoesNotMatchNeverReachesTheRealProgram) {
  ASSERT_NE(client.connect(), nullptr);
  const std::wstring refused[] = {
      L"[delete(\"C:\\a\")]", L"[open(\"a.txt\")]", L"[open(\"\\\\server\\share\\a\")]", L"[open(\"C:\\NUL\")]", L"[open]",
      L"[OPEN(\"C:\\a\")]",   L"[close] ",         L"[close",  L"close",   L"",  L"[close][open(\"..\\a\")]",  L"[open(\"C:\\a\xD83D\")]"};
  for (const auto& text : refused) {
    EXPECT_FALSE(client.execute(text));
    EXPECT_EQ(client.error(), static_cast<UINT>(DMLERR_NOTPROCESSED));
  }
  EXPECT_TRUE(client.execute(L"[close]"));
  EXPECT_EQ(program.heard(), Texts{"[end]"});
  EXPECT_EQ(gate.recorded({"operation_refused", "\"peer\":"}), std::size(refused));
  EXPECT_EQ(gate.recorded({"operation_refused", "message_malformed", "Character 8: a command begins with [."}), 1u);
}

TEST_F(DdeGateProcess, Atk16NothingButExecuteIsAnswered) {
  ASSERT_NE(client.connect(), nullptr);
  // Wine's library says yes to a poke whatever is answered: what was answered, a window of our own hears.
  EXPECT_EQ(client.ask(XTYP_POKE, "data"), transport::is_wine());
  EXPECT_FALSE(client.ask(XTYP_REQUEST));
  EXPECT_FALSE(client.ask(XTYP_ADVSTART));
  EXPECT_EQ(gate.recorded({"operation_refused", "Only EXECUTE is taken here."}), 3u);
  EXPECT_TRUE(client.execute(L"[close]"));
  const Names names;
  RawWindow own;
  const auto answers = own.initiate(HWND_BROADCAST, names.application, names.topic);
  ASSERT_EQ(answers.size(), 1u);
  const std::array<WORD, 4> poke{0, CF_TEXT, 'x', 0};
  const auto memory = reinterpret_cast<UINT_PTR>(RawWindow::memory_of(std::as_bytes(std::span(poke))));
  own.post(answers[0], WM_DDE_POKE, ::PackDDElParam(WM_DDE_POKE, memory, names.topic));
  EXPECT_EQ(own.wait_for(WM_DDE_ACK).low, 0u);
  EXPECT_EQ(program.heard(), Texts{"[end]"});
}

TEST_F(DdeGateProcess, Atk16WildcardsAndOtherNamesAreNotAnswered) {
  EXPECT_EQ(client.connect(L"", L"System"), nullptr);
  EXPECT_EQ(client.connect(L"GateTest", L""), nullptr);
  EXPECT_EQ(client.connect(L"", L""), nullptr);
  EXPECT_EQ(client.connect(L"GateTest", L"Other"), nullptr);
  EXPECT_EQ(client.connect(L"Other", L"System"), nullptr);
  EXPECT_NE(client.connect(), nullptr);
  EXPECT_EQ(program.heard(), Texts{});
}

TEST_F(DdeGateProcess, TheRealProgramsNoIsANo) {
  ASSERT_NE(client.connect(), nullptr);
  program.status = 3;
  EXPECT_FALSE(client.execute(L"[close][close]"));
  EXPECT_EQ(program.heard(), Texts{"[end]"}) << "what stands behind a refused command is not done";
  EXPECT_EQ(gate.recorded({"operation_refused", "The program answered with status 3."}), 1u);
}

TEST_F(DdeGateProcess, Atk24OneProcessHasFourConversations) {
  std::vector<std::unique_ptr<RawWindow>> windows;
  const Names names;
  std::size_t answered = 0;
  for (int i = 0; i < 8; ++i) {
    windows.push_back(std::make_unique<RawWindow>());
    answered += windows.back()->initiate(HWND_BROADCAST, names.application, names.topic).size();
  }
  EXPECT_EQ(answered, 4u);
  EXPECT_EQ(gate.recorded({"peer_refused", "limit_identity"}), 4u);
}

TEST_F(DdeGateProcess, Atk16AStrangersMessageInAConversationIsNotHeard) {
  const Names names;
  RawWindow own, stranger;
  const auto answers = own.initiate(HWND_BROADCAST, names.application, names.topic);
  ASSERT_EQ(answers.size(), 1u);
  const std::wstring close = L"[close]";
  const auto bytes = std::as_bytes(std::span(close.c_str(), close.size() + 1));
  EXPECT_TRUE(stranger.execute(answers[0], bytes));
  EXPECT_TRUE(own.execute(answers[0], bytes.first(bytes.size() - 2)));  // without its zero
  EXPECT_EQ(own.wait_for(WM_DDE_ACK).low, 0u);
  EXPECT_TRUE(own.execute(answers[0], bytes));
  EXPECT_EQ(own.wait_for(WM_DDE_ACK).low, 0x8000u);
  EXPECT_EQ(program.heard(), Texts{"[end]"});
  own.post(answers[0], WM_DDE_TERMINATE, 0);
  EXPECT_EQ(own.wait_for(WM_DDE_TERMINATE).from, answers[0]);
  EXPECT_TRUE(stranger.heard().empty());
}

TEST_F(DdeGateProcess, Atk24SixteenTextsTooManyEndTheConversation) {
  const Names names;
  RawWindow own;
  program.hold();
  const auto answers = own.initiate(HWND_BROADCAST, names.application, names.topic);
  ASSERT_EQ(answers.size(), 1u);
  const std::wstring close = L"[close]";
  const auto bytes = std::as_bytes(std::span(close.c_str(), close.size() + 1));
  EXPECT_TRUE(own.execute(answers[0], bytes));
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(own.execute(answers[0], bytes));
  EXPECT_EQ(own.wait_for(WM_DDE_TERMINATE).from, answers[0]);
  // Once a later text of another conversation is answered, all of these were read.
  RawWindow other;
  const auto others = other.initiate(HWND_BROADCAST, names.application, names.topic);
  ASSERT_EQ(others.size(), 1u);
  EXPECT_TRUE(other.execute(others[0], bytes.first(2)));
  EXPECT_EQ(other.wait_for(WM_DDE_ACK).low, 0u);
  const auto busy = std::ranges::count_if(own.heard(), [](const auto& one) { return one.message == WM_DDE_ACK && one.low == 0x4000; });
  EXPECT_EQ(busy, 16) << "and after its goodbye none";
  EXPECT_EQ(own.heard().back().message, static_cast<UINT>(WM_DDE_TERMINATE));
  program.release();
}

TEST_F(DdeGateProcess, AnAnsiClientsTextIsAsciiOrRefused) {
  OldClient ansi(&::DdeInitializeA);
  ASSERT_NE(ansi.connect(), nullptr) << ansi.error();
  EXPECT_TRUE(ansi.execute("[open(\"C:\\a.txt\")]"));
  EXPECT_FALSE(ansi.execute("[open(\"C:\\\xFC.txt\")]"));
  EXPECT_EQ(program.heard(), Texts{"[dde/open(\"C:\\a.txt\")]"});
  EXPECT_EQ(gate.recorded({"message_malformed", "not Unicode"}), 1u);
}

TEST_F(DdeGateProcess, ConversationsLeaveNothingBehind) {
  const auto before = [&] {
    { OldClient first; first.connect(); }
    return transport::testing::global_atoms();
  }();
  for (int i = 0; i < 100; ++i) {
    OldClient one;
    ASSERT_NE(one.connect(), nullptr) << i;
    EXPECT_EQ(one.execute(i % 2 == 0 ? L"[close]" : L"[close"), i % 2 == 0) << i;
  }
  // Its door alone; the last goodbyes may be under way.
  while (transport::testing::penstock_windows(gate.pid()).size() != 1) ::SwitchToThread();
  EXPECT_EQ(transport::testing::global_atoms(), before);
  EXPECT_EQ(program.heard().size(), 50u);
}

TEST_F(DdeGateProcess, Atk01ASecondGateForTheNameDoesNotStart) {
  Gate second(directory, endpoint, 100, "second");
  EXPECT_FALSE(second.ready());
  EXPECT_EQ(second.wait(), 3u);
  EXPECT_EQ(second.recorded({"listener_refused", "name_in_use"}), 1u);
}

// Without a fixture's gate: these have their own.
TEST(DdeGateAlone, Atk24MoreThanTheBurstDoesNotPass) {
  const TempDirectory directory;
  const auto endpoint = test::endpoint_in(directory);
  RealProgram program(endpoint);
  Gate gate(directory, endpoint, 3, "gate");
  ASSERT_TRUE(gate.ready());
  OldClient client;
  ASSERT_NE(client.connect(), nullptr);
  EXPECT_FALSE(client.execute(L"[close][close][close][close]"));
  EXPECT_EQ(gate.recorded({"queue_full", "More than the rate allows."}), 1u);
  EXPECT_EQ(program.heard(), std::vector<std::string>{});
}

TEST(DdeGateAlone, WithoutTheRealProgramEveryCommandIsRefused) {
  const TempDirectory directory;
  Gate gate(directory, test::endpoint_in(directory), 100, "gate");
  ASSERT_TRUE(gate.ready());
  OldClient client;
  ASSERT_NE(client.connect(), nullptr);
  EXPECT_FALSE(client.execute(L"[close]"));
  EXPECT_EQ(gate.recorded({"operation_refused", "not_found"}), 1u);
  gate.kill();
  EXPECT_FALSE(client.execute(L"[close]"));
}

}  // namespace
}  // namespace penstock::tool
