#include "tool/channel_words.hpp"

#include <fmt/format.h>

#include <charconv>

#include "crypto/secret.hpp"
#include "tool/exit_code.hpp"
#include "tool/standard_streams.hpp"
#include "tool/this_user.hpp"

namespace penstock::tool {
namespace {

constexpr std::chrono::milliseconds longest_duration = std::chrono::hours(24);

result<Policy> open_policy(const ChannelWords& words) {
  if (!words.policy.empty()) return Policy::load(words.policy);
  if (!words.keys.empty()) {
    return Failure(Error::invalid_argument,
                   "--keys without --policy: no rule would ask for a key; give a policy whose "
                   "rules have trust = \"static-key\"");
  }
  remark(fmt::format("without --policy, only processes of user {} are admitted", to_text(this_user())));
  return Policy::same_user();
}

result<std::shared_ptr<AuditSink>> open_audit(const std::string& path) {
  if (path.empty()) return std::shared_ptr<AuditSink>();
  if (path == "-") return json_audit_to(native(Stream::error));
  return open_json_audit(path);
}

}  // namespace

void add_channel_options(CLI::App& command, ChannelWords& words) {
  // Checked by Endpoint::make, whose sentence is better than "required".
  command.add_option("name", words.name, "The channel's name")->type_name("");
  const auto option = [&](const char* name, std::string& value, const char* type, const char* text) {
    command.add_option(name, value, text)->type_name(type);
  };
  option("--scope", words.scope, "SCOPE", "Who may meet: session, user (the default) or machine");
  option("--directory", words.directory, "DIR", "Where the socket stands, in place of the scope's own directory");
  option("--policy", words.policy, "FILE", "Who may be at the other end (docs/POLICY.md); without it, this user alone");
  option("--keys", words.keys, "FILE", "This side's private key (penstock keygen), for rules that ask for keys");
  option("--audit", words.audit, "FILE", "Append an event a line, as JSON; - is standard error");
  command.add_flag("--shared-memory", words.shared_memory, "Carry the records in shared memory (serve: for those who ask for it)");
}

result<ChannelSetup> open_setup(const ChannelWords& words) {
  const auto scope = parse_scope(words.scope);
  if (!scope) return scope.error();
  auto endpoint = Endpoint::make(words.name, *scope, words.directory);
  if (!endpoint) return endpoint.error();
  auto policy = open_policy(words);
  if (!policy) return policy.error();
  // Without locked memory no peer could be served: better said now than to the first one.
  if (auto secret = crypto::SecretSlot::allocate(PublicKey::size); !secret) return secret.error();
  std::shared_ptr<const StaticKeys> keys;
  if (!words.keys.empty()) {
    auto loaded = StaticKeys::load(words.keys);
    if (!loaded) return loaded.error();
    keys = std::make_shared<const StaticKeys>(std::move(*loaded));
  }
  auto audit = open_audit(words.audit);
  if (!audit) return audit.error();
  return ChannelSetup{std::move(*endpoint), std::move(*policy), std::move(keys), std::move(*audit), words.shared_memory};
}

ConnectOptions connect_options(const ChannelSetup& setup) {
  ConnectOptions options;
  options.policy = setup.policy;
  options.trust = setup.keys ? Trust::static_key : Trust::os_identity;
  options.keys = setup.keys;
  options.audit = setup.audit;
  if (setup.shared_memory) options.data_plane = DataPlane::shared_memory;
  return options;
}

ChannelOptions bridge_options() {
  ChannelOptions options;
  options.limits.max_age = std::chrono::hours(24);
  return options;
}

int complain_no_channel(const Failure& failure) {
  if (failure != Error::truncated) return complain(failure);
  return complain(Exit::no_keys, failure.sentence());
}

result<std::chrono::milliseconds> parse_duration(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  const std::int64_t factor = unit == "ms" ? 1 : unit == "s" || unit.empty() ? 1000 : unit == "m" ? 60'000 : 0;
  const bool sound = wrong == std::errc() && number > 0 && factor > 0 && number <= longest_duration.count() / factor;
  if (sound) return std::chrono::milliseconds(number * factor);
  return Failure(Error::invalid_argument,
                 fmt::format("\"{}\" is no time to wait; write a number with ms, s or m, up to 1440m", text));
}

}  // namespace penstock::tool
