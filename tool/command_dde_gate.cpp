// penstock dde-gate
#include "tool/command.hpp"
#include "tool/run_dde_gate.hpp"

namespace penstock::tool {
namespace {

struct Words {
  ChannelWords channel;
  std::string config;
  bool check = false;
  std::int64_t ready_fd = -1;
};

int run(const Words& words) {
  auto rules = DdeGateRules::load(words.config);
  if (!rules) return complain(rules.error());
  if (words.check) return answer(rules->describe());
  auto channel = words.channel;
  channel.name = rules->endpoint;
  channel.scope = to_string(rules->scope);
  return run_dde_gate(std::move(*rules), std::move(channel), words.ready_fd);
}

}  // namespace

void add_dde_gate(CLI::App& app, Chosen& chosen) {
  auto* command = add_command(
      app, "dde-gate", group_channels, "Let declared commands of old DDE associations through to a listener (Windows)",
      "--config FILE [--check] [OPTIONS]",
      "FILE names the DDE application and topic, the commands with their arguments, how many a second, and the listener that\n"
      "they go to (docs/DDE.md). What does not match is refused and recorded. It answers only programs of this user in this\n"
      "session, and believes nothing that they say of themselves: any program of the session can send what FILE allows.\n"
      "Example:\n  penstock dde-gate --config notes-gate.toml --audit gate.log\n");
  auto words = std::make_shared<Words>();
  const auto option = [&](const char* name, std::string& value, const char* text) {
    return command->add_option(name, value, text)->type_name("FILE");
  };
  option("--config", words->config, "What may pass, and where to")->required();
  command->add_flag("--check", words->check, "Read the file, print what would pass, and exit; on every platform");
  option("--policy", words->channel.policy, "Who may be the listener (docs/POLICY.md); without it, this user alone");
  option("--keys", words->channel.keys, "This side's private key (penstock keygen), for rules that ask for keys");
  option("--audit", words->channel.audit, "Append an event a line, as JSON; - is standard error");
  command->add_option("--ready-fd", words->ready_fd, "Write a line to this descriptor when the gate is open, then close it")
      ->type_name("N");
  command->callback([&chosen, words] { chosen.action = [words] { return run(*words); }; });
}

}  // namespace penstock::tool
