// A policy from TOML (docs/POLICY.md).
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "crypto/trusted_file.hpp"
#include "penstock/policy.hpp"
#include "protocol/policy_system.hpp"
#include "protocol/rule_check.hpp"
#include "protocol/toml_tree.hpp"

namespace penstock {
namespace {

constexpr std::size_t largest_file = std::size_t{1} << 20;

using protocol::TomlReader;
using protocol::TomlValue;
using Kind = TomlValue::Kind;

// Names are looked up, numbers taken.
template <class Find>
result<std::vector<user_id>> read_users(const TomlReader& reader, const TomlValue& value, Find find) {
  const auto list = reader.list(value);
  if (!list) return list.error();
  std::vector<user_id> out;
  for (const auto& entry : **list) {
    const bool named = entry.kind == Kind::text;
    if (!named && entry.kind != Kind::number) return reader.wrong_kind(entry, "a name in quotes or a number");
    const auto number_there = named ? result<std::uint32_t>(0) : reader.number(entry);
    if (!number_there) return number_there.error();
    const auto found = named ? find(entry.text) : protocol::numbered_user(*number_there);
    if (!found) return reader.fail(entry.line, found.error().sentence());
    out.push_back(*found);
  }
  return out;
}

// A value that was read goes to its place in the rule.
template <class T, class Place>
result<void> keep(result<T> value, Place& place) {
  if (!value) return value.error();
  place = std::move(*value);
  return {};
}

result<void> read_public_keys(const TomlReader& reader, const TomlValue& value, Rule& rule) {
  const auto array = reader.list(value);
  if (!array) return array.error();
  for (const auto& entry : **array) {
    const auto hex = reader.text(entry);
    if (!hex) return hex.error();
    const auto key = PublicKey::from_hex(*hex);
    if (!key) {
      return reader.fail(
          entry.line,
          fmt::format("{} is no public key; write the 64 lower-case hex digits that `penstock keygen` prints",
                      TomlReader::quoted(*hex)));
    }
    rule.public_keys.push_back(*key);
  }
  return {};
}

result<void> read_operations(const TomlReader& reader, const TomlValue& value, Rule& rule) {
  const auto array = reader.list(value);
  if (!array) return array.error();
  for (const auto& entry : **array) {
    auto name = reader.text(entry);
    if (!name) return name.error();
    rule.operations.push_back(std::move(*name));
  }
  return {};
}

template <std::optional<std::string> Rule::*Place>
result<void> read_text(const TomlReader& reader, const TomlValue& value, Rule& rule) {
  return keep(reader.text(value), rule.*Place);
}

struct RuleKey {
  std::string_view name;
  result<void> (*read)(const TomlReader&, const TomlValue&, Rule&);
};

constexpr std::array<RuleKey, 19> rule_keys{{
    {"name", [](const TomlReader& r, const TomlValue& value, Rule& rule) { return keep(r.text(value), rule.name); }},
    {"trust",
     [](const TomlReader& r, const TomlValue& value, Rule& rule) {
       return keep(r.word(value, std::array{Trust::os_identity, Trust::static_key, Trust::launch_secret, Trust::challenge}), rule.trust);
     }},
    {"users", [](const TomlReader& r, const TomlValue& value,
                 Rule& rule) { return keep(read_users(r, value, protocol::find_user), rule.users); }},
    {"groups", [](const TomlReader& r, const TomlValue& value,
                  Rule& rule) { return keep(read_users(r, value, protocol::find_group), rule.groups); }},
    {"executable", read_text<&Rule::executable>},
    {"executable_sha256", read_text<&Rule::executable_sha256>},
    {"executable_fs_verity", read_text<&Rule::executable_fs_verity>},
    {"label", read_text<&Rule::label>},
    {"login_session",
     [](const TomlReader& r, const TomlValue& value, Rule& rule) { return keep(r.number(value), rule.login_session); }},
    {"other_sessions",
     [](const TomlReader& r, const TomlValue& value, Rule& rule) { return keep(r.truth(value), rule.other_sessions); }},
    {"cgroup", read_text<&Rule::cgroup>},
    {"min_integrity",
     [](const TomlReader& r, const TomlValue& value, Rule& rule) {
       return keep(r.word(value, std::array{Integrity::low, Integrity::medium, Integrity::medium_plus, Integrity::high,
                                           Integrity::system}),
                   rule.min_integrity);
     }},
    {"elevated",
     [](const TomlReader& r, const TomlValue& value, Rule& rule) { return keep(r.truth(value), rule.elevated); }},
    {"app_container", read_text<&Rule::app_container>},
    {"executable_signed",
     [](const TomlReader& r, const TomlValue& value, Rule& rule) { return keep(r.truth(value), rule.executable_signed); }},
    {"public_keys", read_public_keys},
    {"min_strength",
     [](const TomlReader& r, const TomlValue& value, Rule& rule) {
       return keep(r.word(value, std::array{Strength::pinned, Strength::connected, Strength::claimed}),
                   rule.min_strength);
     }},
    {"binding",
     [](const TomlReader& r, const TomlValue& value, Rule& rule) {
       return keep(r.word(value, std::array{Binding::process, Binding::user}), rule.binding);
     }},
    {"operations", read_operations},
}};

const RuleKey* find_key(std::string_view name) noexcept {
  const auto* found = std::ranges::find(rule_keys, name, &RuleKey::name);
  return found == rule_keys.end() ? nullptr : found;
}

result<Rule> read_rule(const TomlReader& reader, const TomlValue& table) {
  Rule rule;
  for (const auto& entry : table.table) {
    const auto* known = find_key(entry.key);
    if (known == nullptr) {
      std::array<std::string_view, rule_keys.size()> names;
      std::ranges::transform(rule_keys, names.begin(), &RuleKey::name);
      return reader.unknown_key(entry, names);
    }
    if (auto read = known->read(reader, entry.value, rule); !read) return read.error();
  }
  for (const auto* required : {"name", "trust", "operations"}) {
    if (table.find(required) != nullptr) continue;
    return reader.fail(table.line, fmt::format("this rule has no {0}; add {0} = …", required));
  }
  // A file that was cut short must not have lost a restriction and kept what it restricts (ATK-28).
  if (table.table.back().key != "operations") {
    return reader.fail(
        table.line_of("operations"),
        "operations must be the last key of its rule, so that a file cut short grants nothing more; move it "
        "below the others");
  }
  if (const auto fault = protocol::find_fault(rule)) {
    return reader.fail(table.line_of(fault->key), fmt::format("{}: {}", fault->key, fault->sentence));
  }
  return rule;
}

result<std::vector<Rule>> read_rules(const TomlReader& reader, const TomlValue& root) {
  constexpr std::array<std::string_view, 2> root_keys{"version", "rule"};
  for (const auto& entry : root.table) {
    if (std::ranges::find(root_keys, entry.key) == root_keys.end()) return reader.unknown_key(entry, root_keys);
  }
  if (auto version = reader.version(root); !version) return version.error();
  const auto* rules = root.find("rule");
  if (rules == nullptr) return reader.fail(1, "there are no rules, so nobody could be admitted; add a [[rule]]");
  if (rules->kind == Kind::table) return reader.fail(root.line_of("rule"), "a rule begins with two brackets; write [[rule]]");
  const auto array = reader.list(*rules);
  if (!array) return array.error();

  std::vector<Rule> out;
  std::vector<std::size_t> name_lines;
  for (const auto& entry : **array) {
    if (entry.kind != Kind::table) return reader.wrong_kind(entry, "a rule");
    auto rule = read_rule(reader, entry);
    if (!rule) return rule.error();
    name_lines.push_back(entry.line_of("name"));
    out.push_back(std::move(*rule));
  }
  if (const auto fault = protocol::find_fault(std::span<const Rule>(out))) {
    return reader.fail(name_lines[fault->index], fmt::format("{}: {}", fault->fault.key, fault->fault.sentence));
  }
  return out;
}

}  // namespace

result<Policy> Policy::parse(std::string_view toml, std::string_view source) {
  const TomlReader reader(source);
  if (toml.size() > largest_file)
    return reader.fail(1, "the policy has more than 1 MiB; split its rules over listeners");
  const auto parsed = reader.parse(toml);
  if (!parsed) return parsed.error();
  auto rules = read_rules(reader, *parsed);
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
