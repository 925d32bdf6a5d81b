// Checking and describing. dde_gate_file.cpp reads the file.
#include "tool/dde_gate_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "tool/dde_path.hpp"

namespace penstock::tool {
namespace {

using Kind = DdeArgumentRule::Kind;

// The one way to write a number: no plus, no zeros before it, no "-0".
std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (wrong != std::errc() || end != text.data() + text.size() || std::to_string(value) != text) return std::nullopt;
  return value;
}

const char* integer_fault(const DdeArgumentRule& rule, std::string_view text) {
  const auto value = whole_number(text);
  if (!value) return "it is no whole number in its plainest form";
  return *value < rule.min || *value > rule.max ? "it is outside the range" : nullptr;
}

const char* argument_fault(const DdeArgumentRule& rule, std::string_view text) {
  switch (rule.kind) {
    case Kind::path:
      return text.size() > rule.max_length ? "it is too long" : dde_path_fault(text, rule.network);
    case Kind::text:
      return text.size() > rule.max_length ? "it is too long" : nullptr;
    case Kind::integer:
      return integer_fault(rule, text);
    case Kind::word:
      return std::ranges::find(rule.words, text) == rule.words.end() ? "it is none of the words" : nullptr;
  }
  return "its kind is not known";
}

Failure refused(std::string sentence) { return Failure(Error::operation_refused, std::move(sentence)); }

std::string describe(const DdeArgumentRule& rule) {
  switch (rule.kind) {
    case Kind::path:
      return fmt::format("an absolute path{}, at most {} bytes", rule.network ? " or a network's" : "", rule.max_length);
    case Kind::text:
      return fmt::format("text, at most {} bytes", rule.max_length);
    case Kind::integer:
      return fmt::format("a whole number, {} to {}", rule.min, rule.max);
    default: {
      std::string all;
      for (const auto& word : rule.words) all += fmt::format("{}\"{}\"", all.empty() ? "one of " : ", ", word);
      return all;
    }
  }
}

}  // namespace

const char* to_string(Kind kind) noexcept {
  switch (kind) {
    case Kind::path:
      return "path";
    case Kind::text:
      return "text";
    case Kind::integer:
      return "integer";
    case Kind::word:
      return "word";
  }
  return "unknown";
}

result<const DdeCommandRule*> DdeGateRules::check(const DdeCommand& command) const {
  const auto rule = std::ranges::find(commands, command.name, &DdeCommandRule::name);
  if (rule == commands.end()) return refused(fmt::format("No rule has the command {}.", command.name));
  if (rule->arguments.size() != command.arguments.size()) {
    return refused(fmt::format("{}: {} arguments, where the rule has {}.", command.name, command.arguments.size(), rule->arguments.size()));
  }
  for (std::size_t at = 0; at < rule->arguments.size(); ++at) {
    const auto* fault = argument_fault(rule->arguments[at], command.arguments[at]);
    if (fault == nullptr) continue;
    return refused(fmt::format("{}: argument {} ({}): {}.", command.name, at + 1, rule->arguments[at].name, fault));
  }
  return &*rule;
}

std::string DdeGateRules::describe() const {
  auto out = fmt::format("application \"{}\", topic \"{}\"\nforwards to {}:{}, {} ms for each text\n", application, topic, to_string(scope),
                         endpoint, deadline.count());
  out += fmt::format("at most {} commands a second, {} at once\n", per_second, burst);
  for (const auto& command : commands) {
    std::string names;
    for (const auto& argument : command.arguments) names += (names.empty() ? "" : ", ") + argument.name;
    out += fmt::format("[{}{}]  as {}\n", command.name, names.empty() ? "" : '(' + names + ')', command.operation);
    for (const auto& argument : command.arguments) out += fmt::format("    {}: {}\n", argument.name, tool::describe(argument));
  }
  return out;
}

}  // namespace penstock::tool
