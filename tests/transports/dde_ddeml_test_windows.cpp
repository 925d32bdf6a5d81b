// Conformance with a peer that is not ours: Windows' DDEML as client of our window and as server of our connector.
#include <gtest/gtest.h>

#include "tests/transports/dde_ddeml_windows.hpp"
#include "tests/transports/dde_meeting_windows.hpp"
#include "transports/dde/carrier_windows.hpp"
#include "transports/os_calls_windows.hpp"

namespace penstock::transport {
namespace {

using namespace testing;
using namespace std::chrono_literals;

std::wstring topic_in(const std::string& directory) { return dde::topic_of(test::endpoint_in(directory)).value(); }

/// What DDEML is told by a listener of ours, one letter for each question.
const Role ddeml_client("ddeml-client", [](const Line& line, const Words& words) {
  Ddeml library(APPCMD_CLIENTONLY);
  if (!library.works()) return 95;
  const auto application = library.name(dde::application_name), topic = library.name(topic_in(words[0]).c_str());
  const auto frames = library.name(L"frames"), other = library.name(L"other");
  const auto format = ::RegisterClipboardFormatW(L"Penstock.Frames");
  int told = 0;
  library.on = [&](UINT type, UINT, HDDEDATA, HSZ, HSZ) -> HDDEDATA {
    if (type != XTYP_ADVDATA) return nullptr;
    ++told;
    return reinterpret_cast<HDDEDATA>(static_cast<std::uintptr_t>(DDE_FACK));
  };
  const auto answer = [&](bool yes) { line.tell(yes ? 'y' : 'n'); };
  const auto connect = [&](HSZ to, HSZ about) {
    const auto conversation = ::DdeConnect(library.id(), to, about, nullptr);
    answer(conversation != nullptr);
    return conversation;
  };
  // Wildcards, and other names.
  (void)connect(application, nullptr);
  (void)connect(nullptr, topic);
  (void)connect(nullptr, nullptr);
  (void)connect(application, other);
  (void)connect(other, topic);
  const auto conversation = connect(application, topic);
  if (conversation == nullptr) return 94;
  // Every refusal. What shells send, what spreadsheets send.
  const std::wstring command = L"[open(\"x\")]";
  const auto bytes = static_cast<DWORD>(2 * (command.size() + 1));
  answer(library.transact(conversation, XTYP_EXECUTE, nullptr, 0, command.c_str(), bytes));
  answer(library.transact(conversation, XTYP_POKE, frames, CF_TEXT, "text", 5));
  answer(library.transact(conversation, XTYP_REQUEST, frames, CF_TEXT));
  answer(library.transact(conversation, XTYP_ADVSTART, frames, CF_TEXT));
  answer(library.transact(conversation, XTYP_ADVSTART, other, format));
  answer(library.transact(conversation, XTYP_ADVSTART, frames, format));                     // without acknowledgements
  answer(library.transact(conversation, XTYP_ADVSTART | XTYPF_NODATA, frames, format));      // without data
  const bool linked = library.transact(conversation, XTYP_ADVSTART | XTYPF_ACKREQ, frames, format);  // the link
  answer(linked);
  // A timer, so that whatever the library makes of it there is an answer.
  bool late = false;
  static bool* fired = &late;
  ::SetTimer(nullptr, 0, 2000, [](HWND, UINT, UINT_PTR, DWORD) { *fired = true; });
  while (linked && told == 0 && !late) Ddeml::run_one();
  line.tell(told != 0 ? 'd' : '-');  // the listener's nonce
  answer(library.transact(conversation, XTYP_POKE, frames, CF_TEXT, "text", 5));
  answer(::DdeDisconnect(conversation) != FALSE);
  return 0;
});

TEST(Dde, ConformsToDdemlAsItsClient) {
  const TempDirectory directory;
  WaitingDoor door(test::endpoint_in(directory));
  Child child(ddeml_client, {directory.path()});
  std::string told;
  for (char c = child.line().hear(); c != '\0'; c = child.line().hear()) told += c;
  // Wildcards and other names: only the exact one. Execute, poke, request, advise: only the link. Then data, a refusal, and terminate.
  // Wine's library says yes to a poke whatever is answered, and drops data that comes right behind the answer to ADVISE.
  EXPECT_EQ(told, is_wine() ? "nnnnny" "nynnnnny" "-yy" : "nnnnny" "nnnnnnny" "dny");
  EXPECT_EQ(child.wait(), 0);
}

/// A server of DDEML for the endpoint's name, that answers as it is told: a letter for ADVISE, a letter for EXECUTE.
const Role ddeml_server("ddeml-server", [](const Line& line, const Words& words) {
  Ddeml library(APPCLASS_STANDARD);
  if (!library.works()) return 95;
  const auto topic = topic_in(words[0]);
  std::wstring command;
  bool ended = false;
  library.on = [&](UINT type, UINT, HDDEDATA data, HSZ first, HSZ second) -> HDDEDATA {
    const auto yes = reinterpret_cast<HDDEDATA>(static_cast<std::uintptr_t>(TRUE));
    switch (type) {
      case XTYP_CONNECT:
        return library.text_of(first) == topic && library.text_of(second) == dde::application_name ? yes : nullptr;
      case XTYP_ADVSTART:
        return words[1][0] == 'y' ? yes : nullptr;
      case XTYP_EXECUTE: {
        command.resize(::DdeGetData(data, nullptr, 0, 0) / 2);
        ::DdeGetData(data, reinterpret_cast<BYTE*>(command.data()), static_cast<DWORD>(2 * command.size()), 0);
        return words[1][1] == 'y' ? reinterpret_cast<HDDEDATA>(static_cast<std::uintptr_t>(DDE_FACK)) : nullptr;
      }
      case XTYP_DISCONNECT:
        ended = true;
        return nullptr;
      default:
        return nullptr;
    }
  };
  ::DdeNameService(library.id(), library.name(dde::application_name), nullptr, DNS_REGISTER);
  line.tell();
  while (!ended) Ddeml::run_one();
  line.tell(command.starts_with(L"[frame(\"") ? 'f' : command.empty() ? '-' : '?');
  return 0;
});

TEST(Dde, ConformsToDdemlAsItsServer) {
  const struct {
    const char* answers;
    Error expected;
    char command;
  } table[]{
      {"nn", Error::not_found, '-'},           // it refuses the link: no listener of ours
      {"yn", Error::frame_malformed, 'f'},     // it refuses the first chunk
      {"yy", Error::deadline_exceeded, 'f'},   // it takes everything and answers no challenge
  };
  for (const auto& [answers, expected, command] : table) {
    SCOPED_TRACE(answers);
    const TempDirectory directory;
    Child child(ddeml_server, {directory.path(), answers});
    ASSERT_EQ(child.line().hear(), '.');
    const bool waits = expected != Error::deadline_exceeded;
    const auto connected = connect_over_dde(test::endpoint_in(directory), {}, waits ? patient() : DdeOptions{.timeouts = {.connect = 500ms}});
    ASSERT_FALSE(connected);
    EXPECT_EQ(connected.error(), expected) << connected.error().sentence();
    EXPECT_EQ(child.line().hear(), command);
    EXPECT_EQ(child.wait(), 0);
  }
}

TEST(Dde, AServerOfDdemlForTheNameKeepsAListenerFromStarting) {
  const TempDirectory directory;
  Child child(ddeml_server, {directory.path(), "nn"});
  ASSERT_EQ(child.line().hear(), '.');
  EXPECT_EQ(DdeListener::open(test::endpoint_in(directory)).error(), Error::name_in_use);
}

}  // namespace
}  // namespace penstock::transport
