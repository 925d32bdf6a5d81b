// The policy file. Whatever is accepted has every invariant of a policy, and a file cut anywhere grants no more.
#include <set>
#include <string>

#include "fuzz/input.hpp"
#include "penstock/policy.hpp"
#include "protocol/policy_system.hpp"

namespace {

using namespace penstock;
using fuzz::require;

void check_rules(const Policy& policy) {
  require(!policy.rules().empty(), "a policy without rules");
  std::set<std::string> names;
  for (const auto& rule : policy.rules()) {
    require(!rule.name.empty() && rule.name.size() <= 64, "a rule without a name");
    require(names.insert(rule.name).second, "two rules of one name");
    require(!rule.operations.empty(), "a rule without operations");
    require(rule.trust <= Trust::launch_secret && rule.binding <= Binding::user, "an enumerator out of range");
    require(rule.min_strength != Strength::claimed, "a rule that a claim may satisfy");
    require(rule.trust != Trust::os_identity || rule.min_strength == Strength::pinned, "os-identity below pinned");
    require((rule.trust == Trust::static_key) != rule.public_keys.empty(), "keys and trust disagree");
  }
  // What a file says could have been said in code.
  const auto again = Policy::of(policy.rules());
  require(again.has_value() && again->rules() == policy.rules(), "of() refuses what parse() accepted");
}

void check_answers(const Policy& policy, const PeerIdentity& peer, Trust trust, const PublicKey* key) {
  const Subject subject{peer, trust, key};
  const auto verdicts = policy.explain(subject);
  require(verdicts.size() == policy.rules().size(), "a rule without a verdict");
  const auto first = std::ranges::find(verdicts, true, &RuleVerdict::matched);
  const auto binding = policy.precheck(subject);
  require(binding || first == verdicts.end(), "explain says yes where precheck says no");
  if (!binding) return;
  require(policy.accepts(trust), "a peer whose trust no rule accepts");
  require(peer.strength != Strength::claimed, "a claim was enough");
  const auto admitted = policy.admit(subject, *binding);
  require(admitted.has_value() == (first != verdicts.end()), "explain and admit disagree");
  if (!admitted) return;
  require(admitted->rule() == first->rule, "another rule than the first decided");
  const auto& rule = policy.rules()[static_cast<std::size_t>(first - verdicts.begin())];
  require(admitted->binding() == *binding && rule.trust == trust, "admitted by a rule for something else");
  require(rule.users.empty() || std::ranges::find(rule.users, peer.uid) != rule.users.end(), "admitted another user");
}

// ATK-28: half a file.
void check_cut(const Policy& policy, std::string_view text, std::size_t size) {
  const auto cut = Policy::parse(text.substr(0, size));
  if (!cut) return;
  require(cut->rules().size() <= policy.rules().size(), "a cut file has more rules");
  require(std::equal(cut->rules().begin(), cut->rules().end(), policy.rules().begin()), "a cut file has other rules");
}

// The user of that number; where users have none, the one who runs this.
user_id user_of(std::uint32_t number) {
  const auto found = protocol::numbered_user(number);
  return found ? *found : protocol::effective_user();
}

PeerIdentity peer_of(Strength strength, const user_id& uid) {
  PeerIdentity peer;
  peer.strength = strength;
  peer.process_key = 1;
  peer.uid = peer.gid = uid;
  peer.label = "label";
  peer.login_session = 3;
  peer.cgroup = "/user.slice/x";
  return peer;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = as_text(std::as_bytes(std::span(data, size)));
  const auto policy = Policy::parse(text, "fuzz.toml");
  if (!policy) {
    require(policy.error() == Error::policy_invalid, "another error than policy_invalid");
    const auto sentence = policy.error().sentence();
    require(sentence.starts_with("fuzz.toml:"), "a refusal that names no line");
    require(sentence.find_first_of("\n\x1b") == std::string_view::npos, "a refusal that acts on a terminal");
    return 0;
  }
  const auto again = Policy::parse(text, "fuzz.toml");
  require(again.has_value() && again->rules() == policy->rules(), "the same text read twice differs");
  check_rules(*policy);
  byte_array<PublicKey::size> bytes;
  bytes.fill(std::byte{0x11});
  const PublicKey key(bytes);
  for (const auto strength : {Strength::claimed, Strength::connected, Strength::pinned}) {
    for (const auto trust : {Trust::os_identity, Trust::static_key, Trust::launch_secret}) {
      check_answers(*policy, peer_of(strength, user_of(0)), trust, &key);
      check_answers(*policy, peer_of(strength, user_of(1000)), trust, nullptr);
    }
  }
  // Cuts at places that depend on the input, and at the last line.
  for (std::size_t part = 1; part < 8; ++part)
    check_cut(*policy, text, size * part / 8 + data[part % size] % 16 % size);
  check_cut(*policy, text, text.substr(0, size - 1).rfind('\n') + 1);
  return 0;
}
