// A policy from TOML (docs/POLICY.md). The only file that knows the TOML library.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "crypto/trusted_file.hpp"
#include "penstock/policy.hpp"
#include "protocol/nearest.hpp"
#include "protocol/policy_system.hpp"
#include "protocol/rule_check.hpp"
#include "protocol/toml_text.hpp"
#include "protocol/utf8.hpp"

namespace penstock {
/// What toml++ relies on and did not find. Thrown to Policy::parse, which refuses the text; never further.
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

namespace penstock {
namespace {

constexpr std::size_t largest_file = std::size_t{1} << 20;
constexpr std::int64_t largest_number = 0xFFFFFFFF;

using Line = toml::source_index;

// Text of the file inside a sentence: what would act on a terminal is shown as '?'.
std::string shown(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto point = protocol::first_code_point(text);
    const auto size = std::max<std::size_t>(point.size, 1);
    const bool seen = point.size != 0 && !protocol::acts_on_display(point.value);
    out += seen ? text.substr(0, size) : "?";
    text.remove_prefix(size);
  }
  return out;
}

std::string quoted(std::string_view text) {
  return '"' + shown(text) + '"';
}

const char* kind_of(const toml::node& node) noexcept {
  switch (node.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "a list";
    case toml::node_type::string:
      return "text in quotes";
    case toml::node_type::integer:
      return "a number";
    case toml::node_type::floating_point:
      return "a number with a fraction";
    case toml::node_type::boolean:
      return "true or false";
    default:
      return "a date or time";
  }
}

bool before(const toml::source_position& a, const toml::source_position& b) noexcept {
  return a.line != b.line ? a.line < b.line : a.column < b.column;
}

// Reads one value of the file. Every refusal names file and line.
class Values {
 public:
  explicit Values(std::string_view source) : source_(source) {}

  [[nodiscard]] Failure fail(Line line, std::string_view sentence) const {
    return Failure(Error::policy_invalid, fmt::format("{}:{}: {}", source_, line, sentence));
  }

  [[nodiscard]] Failure wrong_kind(const toml::node& node, const char* wanted) const {
    return fail(node.source().begin.line,
                fmt::format("this is {}, where {} must stand; correct it", kind_of(node), wanted));
  }

  [[nodiscard]] result<std::string> text(const toml::node& node) const {
    const auto* value = node.as_string();
    if (value == nullptr) return wrong_kind(node, "text in quotes");
    return value->get();
  }

  [[nodiscard]] result<std::uint32_t> number(const toml::node& node) const {
    const auto* value = node.as_integer();
    if (value == nullptr) return wrong_kind(node, "a number");
    const auto found = value->get();
    if (found < 0 || found > largest_number) {
      return fail(node.source().begin.line, fmt::format("{} is outside 0 to {}; correct it", found, largest_number));
    }
    return static_cast<std::uint32_t>(found);
  }

  [[nodiscard]] result<bool> truth(const toml::node& node) const {
    const auto* value = node.as_boolean();
    if (value == nullptr) return wrong_kind(node, "true or false");
    return value->get();
  }

  // An empty list could be read as "nobody" or as "anybody": it is neither.
  [[nodiscard]] result<const toml::array*> list(const toml::node& node) const {
    const auto* array = node.as_array();
    if (array == nullptr) return wrong_kind(node, "a list in [ ]");
    if (array->empty())
      return fail(node.source().begin.line, "the list is empty; take the key out for \"any\", or list something");
    return array;
  }

  // One of the words that `to_string` has for the enumerators.
  template <class T, std::size_t N>
  [[nodiscard]] result<T> word(const toml::node& node, const std::array<T, N>& values) const {
    const auto found = text(node);
    if (!found) return found.error();
    std::array<std::string_view, N> words;
    for (std::size_t at = 0; at < N; ++at) {
      words[at] = to_string(values[at]);
      if (words[at] == *found) return values[at];
    }
    return fail(node.source().begin.line,
                fmt::format("{} is not known here; {}", quoted(*found), advice(*found, words)));
  }

  // Names are looked up, numbers taken.
  template <class Find>
  [[nodiscard]] result<std::vector<user_id>> users(const toml::node& node, Find find) const {
    const auto array = list(node);
    if (!array) return array.error();
    std::vector<user_id> out;
    for (const auto& entry : **array) {
      const auto* name = entry.as_string();
      if (name == nullptr && !entry.is_integer()) return wrong_kind(entry, "a name in quotes or a number");
      const auto number_there = name == nullptr ? number(entry) : result<std::uint32_t>(0);
      if (!number_there) return number_there.error();
      const auto found = name == nullptr ? protocol::numbered_user(*number_there) : find(name->get());
      if (!found) return fail(entry.source().begin.line, found.error().sentence());
      out.push_back(*found);
    }
    return out;
  }

  [[nodiscard]] static std::string advice(std::string_view wrong, std::span<const std::string_view> known) {
    const auto near = protocol::nearest(wrong, known);
    if (!near.empty()) return fmt::format("did you mean \"{}\"?", near);
    std::string all;
    for (const auto one : known) all += fmt::format("{}\"{}\"", all.empty() ? "" : ", ", one);
    return fmt::format("write one of {}", all);
  }

 private:
  std::string_view source_;
};

// A value that was read goes to its place in the rule.
template <class T, class Place>
result<void> keep(result<T> value, Place& place) {
  if (!value) return value.error();
  place = std::move(*value);
  return {};
}

result<void> read_public_keys(const Values& values, const toml::node& node, Rule& rule) {
  const auto array = values.list(node);
  if (!array) return array.error();
  for (const auto& entry : **array) {
    const auto hex = values.text(entry);
    if (!hex) return hex.error();
    const auto key = PublicKey::from_hex(*hex);
    if (!key) {
      return values.fail(
          entry.source().begin.line,
          fmt::format("{} is no public key; write the 64 lower-case hex digits that `penstock keygen` prints",
                      quoted(*hex)));
    }
    rule.public_keys.push_back(*key);
  }
  return {};
}

result<void> read_operations(const Values& values, const toml::node& node, Rule& rule) {
  const auto array = values.list(node);
  if (!array) return array.error();
  for (const auto& entry : **array) {
    auto name = values.text(entry);
    if (!name) return name.error();
    rule.operations.push_back(std::move(*name));
  }
  return {};
}

template <std::optional<std::string> Rule::*Place>
result<void> read_text(const Values& values, const toml::node& node, Rule& rule) {
  return keep(values.text(node), rule.*Place);
}

struct RuleKey {
  std::string_view name;
  result<void> (*read)(const Values&, const toml::node&, Rule&);
};

constexpr std::array<RuleKey, 19> rule_keys{{
    {"name", [](const Values& v, const toml::node& node, Rule& rule) { return keep(v.text(node), rule.name); }},
    {"trust",
     [](const Values& v, const toml::node& node, Rule& rule) {
       return keep(v.word(node, std::array{Trust::os_identity, Trust::static_key, Trust::launch_secret, Trust::challenge}), rule.trust);
     }},
    {"users", [](const Values& v, const toml::node& node,
                 Rule& rule) { return keep(v.users(node, protocol::find_user), rule.users); }},
    {"groups", [](const Values& v, const toml::node& node,
                  Rule& rule) { return keep(v.users(node, protocol::find_group), rule.groups); }},
    {"executable", read_text<&Rule::executable>},
    {"executable_sha256", read_text<&Rule::executable_sha256>},
    {"executable_fs_verity", read_text<&Rule::executable_fs_verity>},
    {"label", read_text<&Rule::label>},
    {"login_session",
     [](const Values& v, const toml::node& node, Rule& rule) { return keep(v.number(node), rule.login_session); }},
    {"other_sessions",
     [](const Values& v, const toml::node& node, Rule& rule) { return keep(v.truth(node), rule.other_sessions); }},
    {"cgroup", read_text<&Rule::cgroup>},
    {"min_integrity",
     [](const Values& v, const toml::node& node, Rule& rule) {
       return keep(v.word(node, std::array{Integrity::low, Integrity::medium, Integrity::medium_plus, Integrity::high,
                                           Integrity::system}),
                   rule.min_integrity);
     }},
    {"elevated",
     [](const Values& v, const toml::node& node, Rule& rule) { return keep(v.truth(node), rule.elevated); }},
    {"app_container", read_text<&Rule::app_container>},
    {"executable_signed",
     [](const Values& v, const toml::node& node, Rule& rule) { return keep(v.truth(node), rule.executable_signed); }},
    {"public_keys", read_public_keys},
    {"min_strength",
     [](const Values& v, const toml::node& node, Rule& rule) {
       return keep(v.word(node, std::array{Strength::pinned, Strength::connected, Strength::claimed}),
                   rule.min_strength);
     }},
    {"binding",
     [](const Values& v, const toml::node& node, Rule& rule) {
       return keep(v.word(node, std::array{Binding::process, Binding::user}), rule.binding);
     }},
    {"operations", read_operations},
}};

const RuleKey* find_key(std::string_view name) noexcept {
  const auto* found = std::ranges::find(rule_keys, name, &RuleKey::name);
  return found == rule_keys.end() ? nullptr : found;
}

Line line_of(const toml::table& table, std::string_view key) {
  const auto found = table.find(key);
  return found == table.end() ? table.source().begin.line : found->first.source().begin.line;
}

// Keys in the order of the file: the first mistake is the one that is reported.
std::vector<std::pair<const toml::key*, const toml::node*>> in_order(const toml::table& table) {
  std::vector<std::pair<const toml::key*, const toml::node*>> entries;
  for (const auto& [key, node] : table) entries.emplace_back(&key, &node);
  std::ranges::sort(entries, before, [](const auto& entry) { return entry.first->source().begin; });
  return entries;
}

Failure unknown_key(const Values& values, const toml::key& key, std::span<const std::string_view> known) {
  return values.fail(key.source().begin.line,
                     fmt::format("unknown key {}; {}", quoted(key.str()), Values::advice(key.str(), known)));
}

result<Rule> read_rule(const Values& values, const toml::table& table) {
  Rule rule;
  const auto entries = in_order(table);
  for (const auto& [key, node] : entries) {
    const auto* known = find_key(key->str());
    if (known == nullptr) {
      std::array<std::string_view, rule_keys.size()> names;
      std::ranges::transform(rule_keys, names.begin(), &RuleKey::name);
      return unknown_key(values, *key, names);
    }
    if (auto read = known->read(values, *node, rule); !read) return read.error();
  }
  for (const auto* required : {"name", "trust", "operations"}) {
    if (table.contains(required)) continue;
    return values.fail(table.source().begin.line, fmt::format("this rule has no {0}; add {0} = …", required));
  }
  // A file that was cut short must not have lost a restriction and kept what it restricts (ATK-28).
  if (entries.back().first->str() != "operations") {
    return values.fail(
        line_of(table, "operations"),
        "operations must be the last key of its rule, so that a file cut short grants nothing more; move it "
        "below the others");
  }
  if (const auto fault = protocol::find_fault(rule)) {
    return values.fail(line_of(table, fault->key), fmt::format("{}: {}", fault->key, fault->sentence));
  }
  return rule;
}

result<void> read_version(const Values& values, const toml::table& root) {
  const auto* version = root.get("version");
  if (version == nullptr) return values.fail(1, "there is no version; begin the file with: version = 1");
  const auto number = values.number(*version);
  if (!number) return number.error();
  if (*number == 1) return {};
  return values.fail(version->source().begin.line,
                     fmt::format("version {} is not known here; write version = 1", *number));
}

result<std::vector<Rule>> read_rules(const Values& values, const toml::table& root) {
  constexpr std::array<std::string_view, 2> root_keys{"version", "rule"};
  for (const auto& [key, node] : in_order(root)) {
    if (std::ranges::find(root_keys, key->str()) == root_keys.end()) return unknown_key(values, *key, root_keys);
  }
  if (auto version = read_version(values, root); !version) return version.error();
  const auto* rules = root.get("rule");
  if (rules == nullptr) return values.fail(1, "there are no rules, so nobody could be admitted; add a [[rule]]");
  if (rules->is_table()) return values.fail(line_of(root, "rule"), "a rule begins with two brackets; write [[rule]]");
  const auto array = values.list(*rules);
  if (!array) return array.error();

  std::vector<Rule> out;
  std::vector<Line> name_lines;
  for (const auto& entry : **array) {
    const auto* table = entry.as_table();
    if (table == nullptr) return values.wrong_kind(entry, "a rule");
    auto rule = read_rule(values, *table);
    if (!rule) return rule.error();
    name_lines.push_back(line_of(*table, "name"));
    out.push_back(std::move(*rule));
  }
  if (const auto fault = protocol::find_fault(std::span<const Rule>(out))) {
    return values.fail(name_lines[fault->index], fmt::format("{}: {}", fault->fault.key, fault->fault.sentence));
  }
  return out;
}

result<toml::table> parse_toml(const Values& values, std::string_view text) {
  std::string ascii;
  if (const auto fault = protocol::to_ascii_toml(text, ascii)) {
    return values.fail(static_cast<Line>(fault->line), fault->sentence);
  }
  try {
    auto parsed = toml::parse(std::string_view(ascii));
    if (parsed) return std::move(parsed).table();
    const auto& error = parsed.error();
    return values.fail(error.source().begin.line,
                       fmt::format("this is not TOML: {}; correct it", shown(error.description())));
  } catch (const BrokenTomlPromise&) {
    return values.fail(1, "this is not TOML: a bracket or a quote is out of place somewhere; correct it");
  }
}

}  // namespace

result<Policy> Policy::parse(std::string_view toml, std::string_view source) {
  const Values values(source);
  if (toml.size() > largest_file)
    return values.fail(1, "the policy has more than 1 MiB; split its rules over listeners");
  const auto parsed = parse_toml(values, toml);
  if (!parsed) return parsed.error();
  auto rules = read_rules(values, *parsed);
  if (!rules) return rules.error();
  Policy policy;
  policy.rules_ = std::make_shared<const Rules>(std::move(*rules));
  return policy;
}

result<Policy> Policy::load(const std::string& path) {
  crypto::TrustedFileRules rules;
  rules.max_size = largest_file;
  rules.unreadable = Error::policy_unreadable;
  rules.unsafe_ = Error::policy_unsafe;
  const auto text = crypto::read_trusted_file(path, rules);
  if (!text) return text.error();
  return parse(*text, path);
}

}  // namespace penstock
