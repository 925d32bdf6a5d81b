#include "tool/peer_environment.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "tool/environment.hpp"

namespace penstock::tool {
namespace {

constexpr std::string_view our_prefix = "PENSTOCK_";

std::string hex(bytes_view bytes) {
  std::string out;
  for (const auto byte : bytes) fmt::format_to(std::back_inserter(out), "{:02x}", std::to_integer<unsigned>(byte));
  return out;
}

class Environment {
 public:
  void inherit(const std::string& name) {
    // What the program believes of its peer comes from the proof alone, however a name is spelt (ATK-21).
    if (same_variable(std::string_view(name).substr(0, our_prefix.size()), our_prefix)) return;
    const auto given = [&](const std::string& entry) { return same_variable(entry.substr(0, entry.find('=')), name); };
    if (std::ranges::any_of(out, given)) return;
    if (const auto value = variable(name)) out.push_back(name + '=' + *value);
  }
  template <class Value>
  void tell(const char* name, const Value& value) {
    out.push_back(fmt::format("{}{}={}", our_prefix, name, value));
  }
  template <class Value>
  void tell_if(const char* name, const std::optional<Value>& value) {
    if (value) tell(name, *value);
  }
  std::vector<std::string> out;
};

}  // namespace

std::vector<std::string> peer_environment(const Channel& channel, const std::string& endpoint,
                                          const std::vector<std::string>& also) {
  Environment environment;
  for (const auto* name : plain_names()) environment.inherit(name);
  for (const auto& name : also) environment.inherit(name);

  const auto& peer = channel.peer();
  environment.tell("ENDPOINT", endpoint);
  environment.tell("PEER_PID", peer.pid);
  environment.tell("PEER_UID", to_text(peer.uid));
  environment.tell("PEER_GID", to_text(peer.gid));
  std::string groups;
  for (const auto& group : peer.groups) groups += (groups.empty() ? "" : ",") + to_text(group);
  environment.tell("PEER_GROUPS", groups);
  environment.tell("PEER_STRENGTH", to_string(peer.strength));
  environment.tell("PEER_PROCESS_KEY", peer.process_key);
  if (peer.executable) environment.tell("PEER_EXECUTABLE", peer.executable->path);
  environment.tell_if("PEER_LABEL", peer.label);
  environment.tell_if("PEER_LOGIN_SESSION", peer.login_session);
  environment.tell_if("PEER_CGROUP", peer.cgroup);
  if (peer.token) {
    environment.tell("PEER_INTEGRITY", to_string(peer.token->integrity));
    environment.tell("PEER_ELEVATED", peer.token->elevated ? 1 : 0);
    environment.tell_if("PEER_APP_CONTAINER", peer.token->app_container);
  }

  const auto& info = channel.info();
  environment.tell("PEER_RULE", info.admission.rule());
  environment.tell("PEER_BINDING", to_string(info.admission.binding()));
  environment.tell("PEER_TRUST", to_string(info.trust));
  if (info.peer_key) environment.tell("PEER_KEY", info.peer_key->to_hex());
  environment.tell("PEER_TRANSCRIPT", hex(bytes_view(info.transcript).first(info.transcript_size)));
  return std::move(environment.out);
}

}  // namespace penstock::tool
