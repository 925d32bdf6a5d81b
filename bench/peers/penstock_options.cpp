#include "bench/peers/penstock_options.hpp"

#include <unistd.h>

#include "bench/contender.hpp"

namespace penstock::bench {
namespace {

// One rule, as an application would write it: this user, this kind of trust, and with static keys this very key.
Policy policy_for(const PenstockSetting& setting, const std::string& peer_key_file) {
  Rule rule;
  rule.name = "the other end";
  rule.users = {::geteuid()};
  rule.trust = setting.trust;
  rule.operations = {"*"};
  if (setting.trust == Trust::static_key)
    rule.public_keys = {must(PublicKey::load(peer_key_file), "load a public key")};
  return must(Policy::of({std::move(rule)}), "make a policy");
}

std::shared_ptr<const StaticKeys> keys_for(const PenstockSetting& setting, const std::string& file) {
  if (setting.trust != Trust::static_key) return nullptr;
  return std::make_shared<const StaticKeys>(must(StaticKeys::load(file), "load keys"));
}

}  // namespace

void fail_with(const Failure& failure, const char* what) {
  fail("Penstock, " + std::string(what) + ": " + std::string(failure.sentence()));
}

void must(const result<void>& outcome, const char* what) {
  if (!outcome) fail_with(outcome.error(), what);
}

void make_keys(const std::string& directory) {
  for (const char* end : {"server", "client"}) {
    const auto keys = must(StaticKeys::generate(), "make keys");
    must(keys.save(directory + "/" + end + ".key"), "save keys");
    must(keys.public_key().save(directory + "/" + end + ".pub"), "save a public key");
  }
}

Endpoint endpoint_in(const std::string& directory) {
  return must(Endpoint::make("bench", Scope::user, directory), "name an endpoint");
}

ListenOptions listen_options(const std::string& directory, const PenstockSetting& setting) {
  ListenOptions options;
  options.policy = policy_for(setting, directory + "/client.pub");
  options.keys = keys_for(setting, directory + "/server.key");
  options.channel.wait = setting.wait;
  options.allow_shared_memory = setting.plane == DataPlane::shared_memory;
  // Room for --idle connections of one user; everything else is the default.
  options.limits.channels = options.limits.channels_per_identity = 20'000;
  return options;
}

ConnectOptions connect_options(const std::string& directory, const PenstockSetting& setting) {
  ConnectOptions options;
  options.policy = policy_for(setting, directory + "/server.pub");
  options.keys = keys_for(setting, directory + "/client.key");
  options.trust = setting.trust;
  options.suite = setting.suite;
  options.data_plane = setting.plane;
  options.channel.wait = setting.wait;
  return options;
}

}  // namespace penstock::bench
