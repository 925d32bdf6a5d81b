#include "tool/peer_environment.hpp"

#include <fmt/format.h>

#include <array>
#include <cstdlib>

namespace penstock::tool {
namespace {

constexpr std::array always{"PATH", "HOME", "LANG", "LC_ALL", "LOGNAME", "TZ", "USER"};
constexpr std::string_view our_prefix = "PENSTOCK_";

std::string hex(bytes_view bytes) {
  std::string out;
  for (const auto byte : bytes) fmt::format_to(std::back_inserter(out), "{:02x}", std::to_integer<unsigned>(byte));
  return out;
}

class Environment {
 public:
  void inherit(const std::string& name) {
    const char* value = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe): the command has one thread
    if (value != nullptr && !name.starts_with(our_prefix)) out.push_back(name + '=' + value);
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
  for (const auto* name : always) environment.inherit(name);
  for (const auto& name : also) environment.inherit(name);

  const auto& peer = channel.peer();
  environment.tell("ENDPOINT", endpoint);
  environment.tell("PEER_PID", peer.pid);
  environment.tell("PEER_UID", peer.uid);
  environment.tell("PEER_GID", peer.gid);
  environment.tell("PEER_GROUPS", fmt::format("{}", fmt::join(peer.groups, ",")));
  environment.tell("PEER_STRENGTH", to_string(peer.strength));
  environment.tell("PEER_PROCESS_KEY", peer.process_key);
  if (peer.executable) environment.tell("PEER_EXECUTABLE", peer.executable->path);
  environment.tell_if("PEER_LABEL", peer.label);
  environment.tell_if("PEER_LOGIN_SESSION", peer.login_session);
  environment.tell_if("PEER_CGROUP", peer.cgroup);

  const auto& info = channel.info();
  environment.tell("PEER_RULE", info.admission.rule());
  environment.tell("PEER_BINDING", to_string(info.admission.binding()));
  environment.tell("PEER_TRUST", to_string(info.trust));
  if (info.peer_key) environment.tell("PEER_KEY", info.peer_key->to_hex());
  environment.tell("PEER_TRANSCRIPT", hex(bytes_view(info.transcript).first(info.transcript_size)));
  return std::move(environment.out);
}

}  // namespace penstock::tool
