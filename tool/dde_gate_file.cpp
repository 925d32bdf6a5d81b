// The gate's file. As a policy file it decides who may do what, so it is read as strictly: every key known, every key once, every value
// in its bounds, and nobody else able to write it.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "crypto/trusted_file.hpp"
#include "protocol/toml_tree.hpp"
#include "tool/dde_gate_rules.hpp"

namespace penstock::tool {
namespace {

using protocol::TomlEntry;
using protocol::TomlReader;
using protocol::TomlValue;
using ValueKind = TomlValue::Kind;
using Kind = DdeArgumentRule::Kind;

constexpr std::size_t largest_file = std::size_t{1} << 20;
constexpr std::size_t most_rules = 256;
constexpr std::int64_t largest_rate = 1000;
constexpr std::int64_t longest_deadline = 60'000;

bool is_word(std::string_view text, std::string_view more = "") noexcept {
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || more.find(c) != std::string_view::npos;
  });
}

template <std::size_t N>
result<void> known_keys(const TomlReader& reader, const TomlValue& table, const std::array<std::string_view, N>& known) {
  for (const auto& entry : table.table) {
    if (std::ranges::find(known, entry.key) == known.end()) return reader.unknown_key(entry, known);
  }
  return {};
}

// A value that must be there.
result<const TomlValue*> need(const TomlReader& reader, const TomlValue& table, std::string_view key, const char* of) {
  if (const auto* value = table.find(key)) return value;
  return reader.fail(table.line, fmt::format("{0} has no {1}; add {1} = …", of, key));
}

result<std::string> need_text(const TomlReader& reader, const TomlValue& table, std::string_view key, const char* of) {
  const auto value = need(reader, table, key, of);
  if (!value) return value.error();
  return reader.text(**value);
}

result<std::int64_t> need_integer(const TomlReader& reader, const TomlValue& table, std::string_view key, const char* of,
                                  std::int64_t least, std::int64_t most) {
  const auto value = need(reader, table, key, of);
  if (!value) return value.error();
  return reader.integer(**value, least, most);
}

Failure bad_name(const TomlReader& reader, const TomlValue& table, const char* of, std::string_view name) {
  return reader.fail(table.line_of("name"), fmt::format("{} cannot name {}; write 1 to 32 of A-Z a-z 0-9 _", TomlReader::quoted(name), of));
}

// DDE names are atoms: at most 255 letters, and "#123" is a number instead.
result<std::string> read_dde_name(const TomlReader& reader, const TomlValue& root, std::string_view key) {
  auto name = need_text(reader, root, key, "the file");
  if (!name) return name;
  const bool visible = std::ranges::all_of(*name, [](char c) { return c >= ' ' && c <= '~'; });
  const bool sound = visible && !name->empty() && name->size() <= 64 && name->front() != '#' && name->front() != ' ' && name->back() != ' ';
  if (sound) return name;
  return reader.fail(root.line_of(key), fmt::format("{} has 1 to 64 visible ASCII characters, none of them # or a space at its beginning, "
                                                    "nor a space at its end; correct it",
                                                    key));
}

result<void> read_meeting(const TomlReader& reader, const TomlValue& root, DdeGateRules& rules) {
  auto application = read_dde_name(reader, root, "application");
  if (!application) return application.error();
  auto topic = read_dde_name(reader, root, "topic");
  if (!topic) return topic.error();
  auto endpoint = need_text(reader, root, "endpoint", "the file");
  if (!endpoint) return endpoint.error();
  // Its name alone: where the scope's names stand is this machine's matter, when the gate opens.
  if (const auto named = Endpoint::make(*endpoint, Scope::machine); !named)
    return reader.fail(root.line_of("endpoint"), named.error().sentence());
  rules.application = std::move(*application);
  rules.topic = std::move(*topic);
  rules.endpoint = std::move(*endpoint);
  if (const auto* scope = root.find("scope")) {
    const auto found = reader.word(*scope, std::array{Scope::session, Scope::user, Scope::machine});
    if (!found) return found.error();
    rules.scope = *found;
  }
  if (const auto* deadline = root.find("deadline_ms")) {
    const auto found = reader.integer(*deadline, 1, longest_deadline);
    if (!found) return found.error();
    rules.deadline = std::chrono::milliseconds(*found);
  }
  return {};
}

result<void> read_rate(const TomlReader& reader, const TomlValue& root, DdeGateRules& rules) {
  const auto rate = need(reader, root, "rate", "the file");
  if (!rate) return rate.error();
  if ((*rate)->kind != ValueKind::table) return reader.wrong_kind(**rate, "a table");
  constexpr std::array<std::string_view, 2> keys{"per_second", "burst"};
  if (auto known = known_keys(reader, **rate, keys); !known) return known;
  const auto per_second = need_integer(reader, **rate, "per_second", "the rate", 1, largest_rate);
  if (!per_second) return per_second.error();
  const auto burst = need_integer(reader, **rate, "burst", "the rate", 1, largest_rate);
  if (!burst) return burst.error();
  rules.per_second = static_cast<std::uint32_t>(*per_second);
  rules.burst = static_cast<std::uint32_t>(*burst);
  return {};
}

// --- arguments ------------------------------------------------------------------------------------------------------

result<void> read_length(const TomlReader& reader, const TomlValue& table, DdeArgumentRule& rule) {
  const auto length = need_integer(reader, table, "max_length", "the argument", 1, largest_dde_text);
  if (!length) return length.error();
  rule.max_length = static_cast<std::size_t>(*length);
  return {};
}

result<void> read_path(const TomlReader& reader, const TomlValue& table, DdeArgumentRule& rule) {
  constexpr std::array<std::string_view, 4> keys{"name", "kind", "max_length", "network"};
  if (auto known = known_keys(reader, table, keys); !known) return known;
  if (const auto* network = table.find("network")) {
    const auto found = reader.truth(*network);
    if (!found) return found.error();
    rule.network = *found;
  }
  return read_length(reader, table, rule);
}

result<void> read_text(const TomlReader& reader, const TomlValue& table, DdeArgumentRule& rule) {
  constexpr std::array<std::string_view, 3> keys{"name", "kind", "max_length"};
  if (auto known = known_keys(reader, table, keys); !known) return known;
  return read_length(reader, table, rule);
}

result<void> read_integer(const TomlReader& reader, const TomlValue& table, DdeArgumentRule& rule) {
  constexpr std::array<std::string_view, 4> keys{"name", "kind", "min", "max"};
  if (auto known = known_keys(reader, table, keys); !known) return known;
  const auto min = need_integer(reader, table, "min", "the argument", INT64_MIN, INT64_MAX);
  if (!min) return min.error();
  const auto max = need_integer(reader, table, "max", "the argument", INT64_MIN, INT64_MAX);
  if (!max) return max.error();
  if (*min > *max) return reader.fail(table.line_of("min"), fmt::format("no number is from {} to {}; exchange them", *min, *max));
  rule.min = *min;
  rule.max = *max;
  return {};
}

result<void> read_words(const TomlReader& reader, const TomlValue& table, DdeArgumentRule& rule) {
  constexpr std::array<std::string_view, 3> keys{"name", "kind", "words"};
  if (auto known = known_keys(reader, table, keys); !known) return known;
  const auto value = need(reader, table, "words", "the argument");
  if (!value) return value.error();
  const auto list = reader.list(**value);
  if (!list) return list.error();
  for (const auto& entry : **list) {
    auto word = reader.text(entry);
    if (!word) return word.error();
    if (!is_word(*word, ".-") || word->size() > 64)
      return reader.fail(entry.line, fmt::format("{} is no word; write 1 to 64 of A-Z a-z 0-9 _ . -", TomlReader::quoted(*word)));
    if (std::ranges::find(rule.words, *word) != rule.words.end())
      return reader.fail(entry.line, fmt::format("\"{}\" stands there twice; take one out", *word));
    rule.words.push_back(std::move(*word));
  }
  return {};
}

result<DdeArgumentRule> read_argument(const TomlReader& reader, const TomlValue& table) {
  if (table.kind != ValueKind::table) return reader.wrong_kind(table, "an argument in { }");
  // Under a heading of its own a file cut short would lose it, and so allow what has fewer (ATK-28).
  if (!table.in_braces) return reader.fail(table.line, "an argument is written in { }, in the list of its command; move it there");
  DdeArgumentRule rule;
  auto name = need_text(reader, table, "name", "the argument");
  if (!name) return name.error();
  if (!is_word(*name) || name->size() > longest_dde_name)
    return bad_name(reader, table, "an argument", *name);
  rule.name = std::move(*name);
  const auto kind = need(reader, table, "kind", "the argument");
  if (!kind) return kind.error();
  const auto found = reader.word(**kind, std::array{Kind::path, Kind::text, Kind::integer, Kind::word});
  if (!found) return found.error();
  rule.kind = *found;
  constexpr std::array readers{read_path, read_text, read_integer, read_words};
  if (auto read = readers[static_cast<std::size_t>(rule.kind)](reader, table, rule); !read) return read.error();
  return rule;
}

result<std::vector<DdeArgumentRule>> read_arguments(const TomlReader& reader, const TomlValue& command) {
  const auto value = need(reader, command, "arguments", "the command");
  if (!value) return value.error();
  if ((*value)->kind != ValueKind::list) return reader.wrong_kind(**value, "a list in [ ]");
  if ((*value)->list.size() > most_dde_arguments)
    return reader.fail(command.line_of("arguments"), "a command has at most 16 arguments; take some out");
  std::vector<DdeArgumentRule> out;
  for (const auto& entry : (*value)->list) {
    auto rule = read_argument(reader, entry);
    if (!rule) return rule.error();
    if (std::ranges::find(out, rule->name, &DdeArgumentRule::name) != out.end())
      return reader.fail(entry.line, fmt::format("two arguments are called {}; rename one", rule->name));
    out.push_back(std::move(*rule));
  }
  return out;
}

// --- commands -------------------------------------------------------------------------------------------------------

result<DdeCommandRule> read_command(const TomlReader& reader, const TomlValue& table) {
  if (table.kind != ValueKind::table) return reader.wrong_kind(table, "a command");
  constexpr std::array<std::string_view, 3> keys{"name", "operation", "arguments"};
  if (auto known = known_keys(reader, table, keys); !known) return known.error();
  DdeCommandRule rule;
  auto name = need_text(reader, table, "name", "the command");
  if (!name) return name.error();
  if (!is_word(*name) || name->size() > longest_dde_name)
    return bad_name(reader, table, "a command", *name);
  rule.name = std::move(*name);
  rule.operation = "dde/" + rule.name;
  if (const auto* operation = table.find("operation")) {
    auto found = reader.text(*operation);
    if (!found) return found.error();
    if (!is_word(*found, "./-") || found->size() > 64)
      return reader.fail(operation->line, "an operation's name has 1 to 64 of A-Z a-z 0-9 . _ / -; correct it");
    rule.operation = std::move(*found);
  }
  auto arguments = read_arguments(reader, table);
  if (!arguments) return arguments.error();
  // Half a command must not be a command to another operation (ATK-28).
  if (table.table.back().key != "arguments") {
    return reader.fail(table.line_of("arguments"),
                       "arguments must be the last key of its command, so that a file cut short allows nothing more; move it "
                       "below the others");
  }
  rule.arguments = std::move(*arguments);
  return rule;
}

result<void> read_commands(const TomlReader& reader, const TomlValue& root, DdeGateRules& rules) {
  const auto* value = root.find("command");
  if (value == nullptr) return reader.fail(1, "there are no commands, so nothing could pass; add a [[command]]");
  if (value->kind == ValueKind::table) return reader.fail(root.line_of("command"), "a command begins with two brackets; write [[command]]");
  const auto list = reader.list(*value);
  if (!list) return list.error();
  if ((*list)->size() > most_rules) return reader.fail(root.line_of("command"), "there are more than 256 commands; take some out");
  for (const auto& entry : **list) {
    auto rule = read_command(reader, entry);
    if (!rule) return rule.error();
    if (std::ranges::find(rules.commands, rule->name, &DdeCommandRule::name) != rules.commands.end())
      return reader.fail(entry.line_of("name"), fmt::format("two commands are called {}; rename one", rule->name));
    rules.commands.push_back(std::move(*rule));
  }
  return {};
}

}  // namespace

result<DdeGateRules> DdeGateRules::parse(std::string_view toml, std::string_view source) {
  const TomlReader reader(source);
  if (toml.size() > largest_file) return reader.fail(1, "the file has more than 1 MiB; take commands out");
  const auto root = reader.parse(toml);
  if (!root) return root.error();
  constexpr std::array<std::string_view, 8> keys{"version", "application", "topic", "endpoint", "scope", "deadline_ms", "rate", "command"};
  if (auto known = known_keys(reader, *root, keys); !known) return known.error();
  DdeGateRules rules;
  if (auto read = reader.version(*root); !read) return read.error();
  for (const auto read_part : {read_meeting, read_rate, read_commands}) {
    if (auto read = read_part(reader, *root, rules); !read) return read.error();
  }
  return rules;
}

result<DdeGateRules> DdeGateRules::load(const std::string& path) {
  crypto::TrustedFileRules rules;
  rules.max_size = largest_file;
  rules.unreadable = Error::policy_unreadable;
  rules.unsafe_ = Error::policy_unsafe;
  const auto text = crypto::read_trusted_file(path, rules);
  if (!text) return text.error();
  return parse(*text, path);
}

}  // namespace penstock::tool
