// penstock policy check, penstock policy explain
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "penstock/policy.hpp"
#include "protocol/policy_describe.hpp"
#include "tool/command.hpp"
#include "tool/live_peer.hpp"
#include "tool/terminal.hpp"
#include "tool/to_json.hpp"

namespace penstock::tool {
namespace {

struct Words {
  std::string file;
  bool json = false;
  std::int64_t pid = 0;
  std::string peer;
  std::vector<std::string> facts;
  std::string trust;
  std::string key;
};

std::string list_of(const std::vector<std::string>& texts) {
  return fmt::format("{}", fmt::join(texts, ", "));
}

int check(const Words& words) {
  const auto policy = Policy::load(words.file);
  if (!policy) return complain(policy.error());
  if (words.json) {
    nlohmann::ordered_json out{{"file", words.file}, {"sound", true}, {"rules", nlohmann::ordered_json::array()}};
    for (const auto& rule : policy->rules()) {
      out["rules"].push_back({{"name", rule.name},
                              {"trust", to_string(rule.trust)},
                              {"binding", to_string(rule.binding)},
                              {"operations", rule.operations}});
    }
    return answer(json_line(out));
  }
  const Paint paint(Stream::output);
  auto out = fmt::format("{}: {}, {} rule{}\n", printable(words.file), paint.green("sound"), policy->rules().size(),
                         policy->rules().size() == 1 ? "" : "s");
  for (const auto& rule : policy->rules()) {
    out += fmt::format("  {}  trust {}, bound to the {}, may call {}\n", paint.bold(printable(rule.name)),
                       to_string(rule.trust), to_string(rule.binding), printable(list_of(rule.operations)));
  }
  return answer(out);
}

/// Whom to ask about: a live process, or a described one.
struct Asked {
  PeerIdentity identity;
  Trust trust = Trust::os_identity;
  std::optional<PublicKey> key;
  std::optional<std::string> sha256;
  bool live = false;
  [[nodiscard]] Subject subject() const {
    return {identity, trust, key ? &*key : nullptr, sha256 ? &*sha256 : nullptr};
  }
};

result<Asked> find_peer(const Words& words) {
  Asked asked;
  if (words.pid != 0) {
    auto identity = live_peer(words.pid);
    if (!identity) return identity.error();
    asked.identity = std::move(*identity);
    asked.live = true;
  } else {
    auto facts = words.facts;
    std::istringstream split(words.peer);
    for (std::string fact; split >> fact;) facts.push_back(fact);
    auto described = protocol::describe_peer(facts);
    if (!described) return described.error();
    asked.identity = std::move(described->identity);
    asked.trust = described->trust;
    asked.key = described->key;
    asked.sha256 = described->executable_sha256;
  }
  if (!words.key.empty()) {
    const auto key = PublicKey::from_hex(words.key);
    if (!key) return key.error();
    asked.key = *key;
    asked.trust = Trust::static_key;
  }
  if (words.trust.empty()) return asked;
  const auto trust = parse_trust(words.trust);
  if (!trust) return trust.error();
  asked.trust = *trust;
  return asked;
}

std::string describe(const Words& words, const Asked& asked, const std::vector<RuleVerdict>& verdicts,
                     const RuleVerdict* decided, const Rule* rule) {
  const Paint paint(Stream::output);
  auto out = fmt::format("peer    {}{}\ntrust   {}{}\n", asked.live ? "" : "(described) ",
                         printable(asked.identity.describe()), to_string(asked.trust),
                         asked.key ? " with key " + asked.key->to_hex().substr(0, 16) + "…" : "");
  out += fmt::format("policy  {}\n\n", printable(words.file));
  for (const auto& verdict : verdicts) {
    const bool decides = &verdict == decided;
    const auto mark = decides ? paint.green("✓") : verdict.matched ? paint.dim("·") : paint.red("✗");
    const auto reason = verdict.matched && !decides ? "would match, but an earlier rule decided" : verdict.reason;
    out += fmt::format("  {} {}\n      {}\n", mark, paint.bold(printable(verdict.rule)), wrapped(printable(reason), 6));
  }
  if (decided == nullptr) return out + '\n' + paint.red("refused") + ": no rule matches\n";
  return out + fmt::format("\n{} by \"{}\", bound to the {}; may call {}\n", paint.green("admitted"),
                           printable(decided->rule), to_string(rule->binding), printable(list_of(rule->operations)));
}

int explain(const Words& words) {
  const auto policy = Policy::load(words.file);
  if (!policy) return complain(policy.error());
  const auto asked = find_peer(words);
  if (!asked) return complain(asked.error());
  const auto verdicts = policy->explain(asked->subject());
  // An answer about a process that has gone meanwhile may be about another one.
  if (asked->live) {
    if (auto alive = asked->identity.check_alive(); !alive) return complain(alive.error());
  }
  const auto found = std::ranges::find(verdicts, true, &RuleVerdict::matched);
  const auto* decided = found == verdicts.end() ? nullptr : &*found;
  const auto* rule =
      decided == nullptr ? nullptr : &policy->rules()[static_cast<std::size_t>(found - verdicts.begin())];
  const int exit = decided == nullptr ? answered_no : done;
  if (!words.json) return answer(describe(words, *asked, verdicts, decided, rule), exit);

  nlohmann::ordered_json out{
      {"admitted", decided != nullptr}, {"peer", asked->identity.describe()}, {"trust", to_string(asked->trust)}};
  if (decided != nullptr) {
    out["rule"] = decided->rule;
    out["binding"] = to_string(rule->binding);
    out["operations"] = rule->operations;
  }
  for (const auto& verdict : verdicts) {
    out["verdicts"].push_back({{"rule", verdict.rule}, {"matched", verdict.matched}, {"reason", verdict.reason}});
  }
  return answer(json_line(out), exit);
}

int explain_checked(const Words& words) {
  const bool described = !words.peer.empty() || !words.facts.empty();
  if ((words.pid != 0) != described) return explain(words);
  return complain(Exit::usage,
                  "say whom to ask about, in one way: --pid N, or facts such as uid=1000 executable=/usr/bin/app");
}

}  // namespace

void add_policy(CLI::App& app, Chosen& chosen) {
  auto* command = add_command(app, "policy", group_setup, "Check a policy, and say which rule decides about a process",
                              "check|explain FILE", "");
  auto words = std::make_shared<Words>();
  auto* checks = add_command(*command, "check", "Commands", "Is the file sound, and what does it allow?",
                             "FILE [--json]", "Exit code 3 when it is not sound: the sentence names line and key.\n");
  checks->add_option("file", words->file, "The policy (docs/POLICY.md)")->type_name("")->required();
  checks->add_flag("--json", words->json, "One JSON object");
  checks->callback([&chosen, words] { chosen.action = [words] { return check(*words); }; });

  auto* explains = add_command(*command, "explain", "Commands",
                               "Which rule decides about a process, and why did each other one not match?",
                               "FILE (--pid N | FACT=VALUE...) [--trust TRUST] [--key HEX] [--json]",
                               "Facts: user= or uid=, group= or gid=, groups=, executable=, sha256=, fs_verity=, "
                               "label=, login_session=, cgroup=,\n"
                               "strength=, trust=, key=. Exit code 1 when no rule matches.\n"
                               "Examples:\n"
                               "  penstock policy explain notes.toml --pid 4711\n"
                               "  penstock policy explain notes.toml user=alice executable=/usr/bin/notes\n");
  explains->add_option("file", words->file, "The policy (docs/POLICY.md)")->type_name("")->required();
  explains->add_option("facts", words->facts, "A process as it might be")->type_name("");
  explains->add_option("--pid", words->pid, "A process as it is")->type_name("N")->check(CLI::PositiveNumber);
  explains->add_option("--peer", words->peer, "Facts in one word, with spaces between them")
      ->type_name("\"FACT=VALUE...\"");
  explains->add_option("--trust", words->trust, "os-identity (the default), static-key or launch-secret")
      ->type_name("TRUST");
  explains->add_option("--key", words->key, "The public key that it would prove (64 hex digits)")->type_name("HEX");
  explains->add_flag("--json", words->json, "One JSON object");
  explains->callback([&chosen, words] { chosen.action = [words] { return explain_checked(*words); }; });
}

}  // namespace penstock::tool
