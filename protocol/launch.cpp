#include "penstock/launch.hpp"

#include "protocol/handshake_driver.hpp"
#include "transports/child.hpp"
#include "transports/inherited.hpp"

namespace penstock {
namespace {

// The kernel pinned the other process when it was made; the rule only has to say so and to demand the secret.
result<Policy> launch_policy(const transport::Carrier& carrier, const std::vector<std::string>& operations) {
  Rule rule;
  rule.name = "launched";
  rule.users = {carrier.peer().uid};
  rule.trust = Trust::launch_secret;
  rule.min_strength = Strength::pinned;
  rule.operations = operations;
  return Policy::of({std::move(rule)});
}

struct Side {
  bool initiator = false;
  Suite suite = Suite::automatic;
  std::shared_ptr<AuditSink> audit;
  std::chrono::milliseconds deadline{};
  ChannelOptions channel;
  DataPlane data_plane = DataPlane::pipe;  // initiator
  bool allow_pipe = true;
  bool allow_shared_memory = false;
};

result<blocking::Channel> prove(std::unique_ptr<transport::Carrier> carrier, crypto::Secret<32> secret, const Side& side,
                                const std::vector<std::string>& operations) {
  auto policy = launch_policy(*carrier, operations);
  if (!policy) return policy.error();
  const auto suite = protocol::resolve(side.suite);
  if (!suite) return suite.error();
  auto inputs = std::make_shared<protocol::HandshakeInputs>();
  inputs->policy = std::move(*policy);
  inputs->launch_secret = std::move(secret);
  inputs->channel = std::make_shared<const protocol::ChannelSettings>(side.channel, side.audit, "inherited");
  protocol::HandshakeContext context;
  context.initiator = side.initiator;
  context.trust = Trust::launch_secret;
  context.suite = *suite;
  context.data_plane = side.data_plane;
  context.allow_pipe = side.allow_pipe;
  context.allow_shared_memory = side.allow_shared_memory;
  auto driver = protocol::HandshakeDriver::make(std::move(carrier), std::move(inputs), std::move(context));
  if (!driver) return driver.error();
  if (auto done = (*driver)->run(std::chrono::steady_clock::now() + side.deadline); !done) return done.error();
  auto core = (*driver)->take();
  if (!core) return core.error();
  return blocking::Channel(std::move(*core));
}

}  // namespace

result<LaunchedChannel> launch(const LaunchOptions& options) {
  auto launched = transport::launch({options.program, options.arguments, options.environment});
  if (!launched) return launched.error();
  const Side side{true, options.suite, options.audit, options.deadline, options.channel, options.data_plane};
  auto channel = prove(std::move(launched->carrier), std::move(launched->secret), side, options.operations);
  if (!channel) {
    transport::end_child(launched->process);
    return channel.error();
  }
  LaunchedChannel out;
  out.channel = std::move(*channel);
  out.helper = {std::move(launched->process), launched->pid};
  return out;
}

result<blocking::Channel> adopt(const AdoptOptions& options) {
  auto adopted = transport::adopt();
  if (!adopted) return adopted.error();
  const Side side{false, Suite::automatic, options.audit, options.deadline, options.channel,
                  DataPlane::pipe, options.allow_pipe, options.allow_shared_memory};
  return prove(std::move(adopted->carrier), std::move(adopted->secret), side, options.operations);
}

}  // namespace penstock
