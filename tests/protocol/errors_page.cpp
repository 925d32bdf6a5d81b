#include "tests/protocol/errors_page.hpp"

#include <array>
#include <string_view>

#include "protocol/closed_table.hpp"

namespace penstock::test {
namespace {

using protocol::ClosedRow;
using protocol::Effect;
using protocol::ExitCode;

constexpr const char* head = R"(<!-- Written from protocol/closed_table.cpp by penstock_errors_page. Do not edit. -->
# Errors: the closed table

Every way in which Penstock says no is one enumerator of `penstock::Error`, and every enumerator is one row below: what
it ends, what it wipes, what it records, what the other end sees. Numbers and names are stable; audit events carry the
names (docs/AUDIT.md).

How to read a row:

- **Ends** says what the error ends where it is found: in what came from the other end, in the kernel's word on it, or
  in the state of this side. Errors of the first group that turn up later, while a peer is being admitted
  (`audit_unavailable`, `memory_unlocked`, `permission_denied`, `unsupported`, …), refuse that peer: the connection ends
  and its keys are wiped. During a handshake every error refuses the peer.
- **or the call**, in the same column: the error also answers a call of the application's own that asks for too much.
  Then that one call fails, and nothing else changes.
- **Keys wiped** means every key of the connection, before the caller learns of the error. Nothing brings them back.
- **Event** is recorded once. Where there is none, nothing was under way that could be recorded.
- **Peer sees** is all that the process at the other end can observe. It never learns the reason.
- **Exit** is what the command `penstock` ends with.

)";

std::string row_text(Error error) {
  const auto row = protocol::closed_row(error);
  std::string text = "| " + std::to_string(static_cast<int>(error)) + " | `" + error_name(error) + "` | ";
  text += to_string(row.effect);
  if (row.also_local && row.effect > Effect::fail_operation) text += ", or the call";
  text += row.wipes_keys ? " | yes | " : " | – | ";
  text += row.event ? "`" + std::string(to_string(*row.event)) + "`" : "–";
  text += " | " + std::string(to_string(row.peer_sees)) + " | " + std::to_string(protocol::exit_status(error)) + " | ";
  text += error_sentence(error);
  if (*row.note != '\0') text += " *" + std::string(row.note) + "*";
  return text + " |\n";
}

std::string exit_codes() {
  std::string text = "## Exit codes of the command\n\n| code | meaning |\n|---|---|\n";
  for (const auto code : {ExitCode::ok, ExitCode::usage, ExitCode::cannot_start, ExitCode::peer_refused,
                          ExitCode::not_found, ExitCode::no_keys, ExitCode::channel_broken, ExitCode::deadline,
                          ExitCode::resource, ExitCode::internal, ExitCode::operation_refused}) {
    text += "| " + std::to_string(static_cast<int>(code)) + " | " + to_string(code) + " |\n";
  }
  return text +
         "\n1 is no error's: a command that was asked something answers \"no\" with it (no rule matches, a status is "
         "not 0).\n";
}

}  // namespace

std::vector<Error> all_errors() {
  std::vector<Error> errors;
  for (int number = -1000; number <= 1000; ++number) {
    const auto error = static_cast<Error>(number);
    if (error_name(error) != std::string_view("unknown")) errors.push_back(error);
  }
  return errors;
}

std::string errors_page() {
  constexpr std::array<std::pair<int, const char*>, 6> groups{{
      {0, "## 1–19: this side is not set up so that it could be safe"},
      {20, "## 20–39: the peer is not proven to be one that policy admits"},
      {40, "## 40–59: no keys were agreed"},
      {60, "## 60–79: a record was not what the channel must carry next"},
      {80, "## 80–99: messages"},
      {100, "## 100 and on: the end of a channel"},
  }};
  std::string page = head;
  std::size_t group = 0;
  for (const auto error : all_errors()) {
    if (error == Error::none) continue;
    if (group < groups.size() && static_cast<int>(error) >= groups[group].first) {
      page += std::string(group == 0 ? "" : "\n") + groups[group].second;
      page +=
          "\n\n| number | name | ends | keys wiped | event | peer sees | exit | meaning "
          "|\n|---|---|---|---|---|---|---|---|\n";
      ++group;
    }
    page += row_text(error);
  }
  return page + "\n" + exit_codes();
}

}  // namespace penstock::test
