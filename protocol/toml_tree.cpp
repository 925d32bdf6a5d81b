// The only file that knows the TOML library.
#include "protocol/toml_tree.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "protocol/nearest.hpp"
#include "protocol/toml_text.hpp"
#include "protocol/utf8.hpp"

namespace penstock {
/// What toml++ relies on and did not find. Thrown to TomlReader::parse, which refuses the text; never further.
struct BrokenTomlPromise {};
}  // namespace penstock

// toml++ says with TOML_ASSERT what it relies on, and 3.3 is wrong about some of it: the text "[[=" breaks such a
// promise (its pull request 301). A build with NDEBUG would take the promise for granted, and the optimiser with it;
// one without would end the process. Neither may be left to whoever writes the text, so the promises are kept in every
// build.
#pragma push_macro("NDEBUG")
#undef NDEBUG
#define TOML_EXCEPTIONS 0
#define TOML_ASSERT(promise) ((promise) ? void() : throw penstock::BrokenTomlPromise())
#include <toml++/toml.h>
#pragma pop_macro("NDEBUG")

namespace penstock::protocol {
namespace {

constexpr std::int64_t largest_number = 0xFFFFFFFF;

using Kind = TomlValue::Kind;

std::string shown(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto point = first_code_point(text);
    const auto size = std::max<std::size_t>(point.size, 1);
    const bool seen = point.size != 0 && !acts_on_display(point.value);
    out += seen ? text.substr(0, size) : "?";
    text.remove_prefix(size);
  }
  return out;
}

const char* kind_of(Kind kind) noexcept {
  switch (kind) {
    case Kind::table:
      return "a table";
    case Kind::list:
      return "a list";
    case Kind::text:
      return "text in quotes";
    case Kind::number:
      return "a number";
    case Kind::fraction:
      return "a number with a fraction";
    case Kind::truth:
      return "true or false";
    default:
      return "a date or time";
  }
}

bool before(const toml::source_position& a, const toml::source_position& b) noexcept {
  return a.line != b.line ? a.line < b.line : a.column < b.column;
}

TomlValue value_of(const toml::node& node);

// The library keeps keys by the alphabet; their order in the file is asked of their places.
std::vector<TomlEntry> entries_of(const toml::table& table) {
  std::vector<std::pair<const toml::key*, const toml::node*>> entries;
  for (const auto& [key, node] : table) entries.emplace_back(&key, &node);
  std::ranges::sort(entries, before, [](const auto& entry) { return entry.first->source().begin; });
  std::vector<TomlEntry> out;
  for (const auto& [key, node] : entries) out.push_back({std::string(key->str()), key->source().begin.line, value_of(*node)});
  return out;
}

TomlValue value_of(const toml::node& node) {
  TomlValue out;
  out.line = node.source().begin.line;
  switch (node.type()) {
    case toml::node_type::table:
      out.in_braces = node.as_table()->is_inline();
      out.table = entries_of(*node.as_table());
      break;
    case toml::node_type::array:
      out.kind = Kind::list;
      for (const auto& entry : *node.as_array()) out.list.push_back(value_of(entry));
      break;
    case toml::node_type::string:
      out.kind = Kind::text;
      out.text = node.as_string()->get();
      break;
    case toml::node_type::integer:
      out.kind = Kind::number;
      out.number = node.as_integer()->get();
      break;
    case toml::node_type::floating_point:
      out.kind = Kind::fraction;
      break;
    case toml::node_type::boolean:
      out.kind = Kind::truth;
      out.truth = node.as_boolean()->get();
      break;
    default:
      out.kind = Kind::moment;
  }
  return out;
}

}  // namespace

const TomlValue* TomlValue::find(std::string_view key) const noexcept {
  const auto found = std::ranges::find(table, key, &TomlEntry::key);
  return found == table.end() ? nullptr : &found->value;
}

std::size_t TomlValue::line_of(std::string_view key) const noexcept {
  const auto found = std::ranges::find(table, key, &TomlEntry::key);
  return found == table.end() ? line : found->line;
}

result<TomlValue> TomlReader::parse(std::string_view toml) const {
  std::string ascii;
  if (const auto fault = to_ascii_toml(toml, ascii)) return fail(fault->line, fault->sentence);
  try {
    const auto parsed = toml::parse(std::string_view(ascii));
    if (parsed) return value_of(parsed.table());
    const auto& error = parsed.error();
    return fail(error.source().begin.line, fmt::format("this is not TOML: {}; correct it", shown(error.description())));
  } catch (const BrokenTomlPromise&) {
    return fail(1, "this is not TOML: a bracket or a quote is out of place somewhere; correct it");
  }
}

Failure TomlReader::fail(std::size_t line, std::string_view sentence) const {
  return Failure(Error::policy_invalid, fmt::format("{}:{}: {}", source_, line, sentence));
}

Failure TomlReader::wrong_kind(const TomlValue& value, const char* wanted) const {
  return fail(value.line, fmt::format("this is {}, where {} must stand; correct it", kind_of(value.kind), wanted));
}

Failure TomlReader::unknown_key(const TomlEntry& entry, std::span<const std::string_view> known) const {
  return fail(entry.line, fmt::format("unknown key {}; {}", quoted(entry.key), advice(entry.key, known)));
}

Failure TomlReader::unknown_word(std::size_t line, std::string_view found, std::span<const std::string_view> words) const {
  return fail(line, fmt::format("{} is not known here; {}", quoted(found), advice(found, words)));
}

result<std::string> TomlReader::text(const TomlValue& value) const {
  if (value.kind != Kind::text) return wrong_kind(value, "text in quotes");
  return value.text;
}

result<std::int64_t> TomlReader::integer(const TomlValue& value, std::int64_t least, std::int64_t most) const {
  if (value.kind != Kind::number) return wrong_kind(value, "a number");
  if (value.number >= least && value.number <= most) return value.number;
  return fail(value.line, fmt::format("{} is outside {} to {}; correct it", value.number, least, most));
}

result<std::uint32_t> TomlReader::number(const TomlValue& value) const {
  const auto found = integer(value, 0, largest_number);
  if (!found) return found.error();
  return static_cast<std::uint32_t>(*found);
}

result<bool> TomlReader::truth(const TomlValue& value) const {
  if (value.kind != Kind::truth) return wrong_kind(value, "true or false");
  return value.truth;
}

result<const std::vector<TomlValue>*> TomlReader::list(const TomlValue& value) const {
  if (value.kind != Kind::list) return wrong_kind(value, "a list in [ ]");
  if (value.list.empty()) return fail(value.line, "the list is empty; take the key out for \"any\", or list something");
  return &value.list;
}

result<void> TomlReader::version(const TomlValue& root) const {
  const auto* version = root.find("version");
  if (version == nullptr) return fail(1, "there is no version; begin the file with: version = 1");
  const auto found = number(*version);
  if (!found) return found.error();
  if (*found == 1) return {};
  return fail(version->line, fmt::format("version {} is not known here; write version = 1", *found));
}

std::string TomlReader::quoted(std::string_view text) { return '"' + shown(text) + '"'; }

std::string TomlReader::advice(std::string_view wrong, std::span<const std::string_view> known) {
  const auto near = nearest(wrong, known);
  if (!near.empty()) return fmt::format("did you mean \"{}\"?", near);
  std::string all;
  for (const auto one : known) all += fmt::format("{}\"{}\"", all.empty() ? "" : ", ", one);
  return fmt::format("write one of {}", all);
}

}  // namespace penstock::protocol
