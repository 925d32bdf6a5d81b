// The memory of a DDE EXECUTE, as UTF-16, as ANSI and as text, through parser, rules and gate. Whatever is taken is within its bounds, has
// one form that means the same, and fulfils its rule again when that is asked anew; whatever is refused says where and repeats nothing.
#include <memory>

#include "fuzz/input.hpp"
#include "protocol/utf8.hpp"
#include "tool/dde_gate.hpp"
#include "tool/dde_path.hpp"

namespace {

using namespace penstock;
using namespace penstock::tool;
using fuzz::require;

const DdeGateRules& rules() {
  static const auto made = DdeGateRules::parse(R"(version = 1
application = "Notes"
topic = "System"
endpoint = "notes"
rate = { per_second = 1000, burst = 1000 }
[[command]]
name = "open"
arguments = [{ name = "file", kind = "path", max_length = 260 }]
[[command]]
name = "print"
arguments = [{ name = "file", kind = "path", max_length = 100, network = true }, { name = "copies", kind = "integer", min = 1, max = 99 }]
[[command]]
name = "view"
arguments = [{ name = "how", kind = "word", words = ["large", "small"] }, { name = "title", kind = "text", max_length = 10 }]
[[command]]
name = "close"
arguments = []
)");
  require(made.has_value(), "the rules are sound");
  return *made;
}

void check_text(std::string_view text) {
  while (!text.empty()) {
    const auto point = protocol::first_code_point(text);
    require(point.size != 0, "an argument that is no UTF-8");
    require(!protocol::acts_on_display(point.value), "an argument with a control character");
    text.remove_prefix(point.size);
  }
}

void check_failure(const Failure& failure) {
  require(failure == Error::message_malformed || failure == Error::message_too_large, "another error");
  for (const char c : failure.sentence()) require(c >= ' ' && c <= '~', "a refusal repeats what was sent");
}

void check_path(std::string_view path, bool network) {
  if (dde_path_fault(path, network) != nullptr) return;
  require(dde_path_fault(path, true) == nullptr, "a wider rule refuses");
  require(path.find("..\\") == std::string_view::npos, "a component that ends in dots");
  require(path.rfind(':') == std::string_view::npos || path.rfind(':') == 1, "a stream");
  require(network || path[1] == ':', "not of this machine");
}

void check_commands(const std::string& text) {
  const auto commands = parse_dde_commands(text);
  if (!commands) return check_failure(commands.error());
  require(!commands->empty() && commands->size() <= most_dde_commands, "a number of commands");
  std::string canonical;
  bool all = true;
  for (const auto& command : *commands) {
    require(!command.name.empty() && command.name.size() <= longest_dde_name, "a name's length");
    require(command.arguments.size() <= most_dde_arguments, "a number of arguments");
    for (const auto& argument : command.arguments) {
      check_text(argument);
      check_path(argument, false);
      check_path(argument, true);
    }
    const auto body = decode_dde_arguments(encode_dde_arguments(command.arguments));
    require(body && *body == command.arguments, "a body that is not read back");
    canonical += to_dde_text(command);
    all = all && rules().check(command).has_value();
  }
  // Quotes make it longer: then it may be beyond the bound.
  const auto again = parse_dde_commands(canonical);
  require(canonical.size() > largest_dde_text || (again && *again == *commands), "the one form means something else");
  DdeGate gate(rules(), nullptr, {});
  const auto admitted = gate.admit(text, PeerIdentity(), {});
  require(admitted.has_value() == all, "the gate and the rules disagree");
  require(!admitted || admitted->size() == commands->size(), "a part of a text");
}

void check_body(bytes_view body) {
  const auto arguments = decode_dde_arguments(body);
  if (!arguments) return;
  const auto again = encode_dde_arguments(*arguments);
  require(std::ranges::equal(again, body), "two bodies of the same arguments");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  check_body(bytes);
  check_commands(std::string(as_text(bytes)));
  for (const auto& text : {dde_text_of_utf16(bytes), dde_text_of_ansi(bytes)}) {
    if (!text) check_failure(text.error());
    if (text) require(text->size() <= largest_dde_text, "a text beyond the bound");
    if (text) check_commands(*text);
  }
  return 0;
}
