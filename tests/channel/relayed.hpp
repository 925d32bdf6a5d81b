// Two genuine ends and a real relay process between them, which owns its name honestly.
#pragma once

#include <atomic>

#include "tests/channel/accepting.hpp"
#include "tests/support/child.hpp"
#include "tests/support/relay.hpp"

namespace penstock::test {

inline Policy bound_to(Binding binding, Trust trust = Trust::os_identity, std::vector<PublicKey> keys = {}, Strength strength = Strength::pinned) {
  Rule rule;
  rule.name = "this user";
  rule.users = {own_user()};
  rule.trust = trust;
  rule.binding = binding;
  rule.min_strength = strength;
  rule.public_keys = std::move(keys);
  rule.operations = {"*"};
  auto policy = Policy::of({std::move(rule)});
  EXPECT_TRUE(policy) << policy.error().sentence();
  return policy ? *policy : Policy();
}

using Frame = std::vector<std::byte>;

/// What the relay's process can be told to do to the messages of the connector, by name. `at` is its one parameter.
inline Tamper tamper_called(const std::string& name, std::size_t at) {
  // Its messages alone are counted: what stands before them is the handshake.
  const auto messages = [](auto change) {
    return [change, seen = std::size_t{0}](bool up, std::size_t, Frame frame) mutable -> std::optional<Frame> {
      const bool message = up && frame.size() > 5 && frame[5] == static_cast<std::byte>(protocol::FrameType::message);
      return change(message ? std::optional(seen++) : std::nullopt, up, std::move(frame));
    };
  };
  using Number = std::optional<std::size_t>;
  if (name == "drop") {
    return messages([](Number number, bool, Frame frame) -> std::optional<Frame> {
      if (number == 2) frame.clear();
      return frame;
    });
  }
  if (name == "repeat") {
    return messages([](Number number, bool, Frame frame) -> std::optional<Frame> {
      const auto once = frame;
      if (number == 2) frame.insert(frame.end(), once.begin(), once.end());
      return frame;
    });
  }
  if (name == "swap") {
    return messages([held = Frame()](Number number, bool, Frame frame) mutable -> std::optional<Frame> {
      if (number == 2) held = std::exchange(frame, {});
      if (number == 3) frame.insert(frame.end(), held.begin(), held.end());
      return frame;
    });
  }
  if (name == "cut") {
    return messages([cut = false](Number number, bool, Frame frame) mutable -> std::optional<Frame> {
      if (cut) return std::nullopt;
      cut = number == 2;
      if (cut) frame.resize(frame.size() - 7);
      return frame;
    });
  }
  if (name == "splice") {
    return messages([down = Frame()](Number number, bool up, Frame frame) mutable -> std::optional<Frame> {
      if (!up) down = frame;
      return number == 1 ? down : frame;
    });
  }
  if (name == "flip") {
    return messages([at](Number number, bool, Frame frame) -> std::optional<Frame> {
      if (number == 2) frame[at] ^= static_cast<std::byte>(1u << (at % 8));
      return frame;
    });
  }
  return [](bool, std::size_t, Frame frame) { return std::optional(std::move(frame)); };
}

/// The genuine listener in its own directory, the relay's name in another; both belong to this user.
class RelayedOver : public ::testing::Test {
 protected:
  RelayedOver(const Role& role, DataPlane plane) : role_(role), plane_(plane) {}

  /// The carrier to whoever answers to that name.
  virtual result<std::unique_ptr<transport::Carrier>> open_carrier(const Endpoint& endpoint, const Policy& policy) = 0;

  /// As blocking::connect, at the relay's name and meaning the listener's: where names are directories both end alike, and where one
  /// flat namespace has them they cannot. So it is the processes alone that the two ends see differently.
  result<blocking::Channel> connect_by(const Endpoint& relay_name, const ConnectOptions& options) {
    auto carrier = open_carrier(relay_name, options.policy);
    if (!carrier) return carrier.error();
    auto inputs = std::make_shared<protocol::HandshakeInputs>();
    inputs->policy = options.policy;
    inputs->keys = options.keys;
    inputs->channel = std::make_shared<const protocol::ChannelSettings>(options.channel, options.audit, "test");
    const auto meant = endpoint_in(directory);
    protocol::HandshakeContext context;
    context.initiator = true;
    context.endpoint = {meant.scope(), meant.name()};
    context.trust = options.trust;
    context.data_plane = plane_;
    context.suite = Suite::chachapoly_blake2b;
    auto driver = HandshakeDriver::make(std::move(*carrier), inputs, std::move(context));
    if (!driver) return driver.error();
    if (auto done = (*driver)->run(soon()); !done) return done.error();
    auto core = (*driver)->take();
    if (!core) return core.error();
    return blocking::Channel(std::move(*core));
  }

  /// Opens the listener and connects through the relay. Fills server and client as far as they get.
  void meet(ListenOptions listen, const ConnectOptions& connect, const std::string& tamper, std::size_t at = 0) {
    relay_directory.emplace();
    listen.audit = listener_audit;
    auto opened = blocking::Listener::open(endpoint_in(directory), std::move(listen));
    ASSERT_TRUE(opened) << opened.error().sentence();
    relay = std::make_unique<Child>(role_, Words{relay_directory->path(), directory.path(), tamper, std::to_string(at)});
    ASSERT_EQ(relay->line().hear(), '.');
    std::atomic<bool> given_up = false;
    std::thread accepting([&] {
      // Until both ends know.
      const auto end = soon();
      while (std::chrono::steady_clock::now() < *end && !(given_up && has_refused())) {
        auto accepted = opened->accept(std::chrono::milliseconds(20));
        if (!accepted) continue;
        server = std::move(*accepted);
        return;
      }
    });
    auto connected = connect_by(endpoint_in(*relay_directory), connect);
    if (connected) client = std::move(*connected);
    if (!connected) client_failure = connected.error().code();
    given_up = !connected;
    accepting.join();
  }

  /// Sends five numbered messages and returns what arrived, in order, until the channel ended or all five were there.
  std::vector<int> deliver_five() {
    for (int i = 0; i < 5; ++i) {
      const std::vector<std::byte> body(100, static_cast<std::byte>(i));
      if (!client.send(body)) break;
    }
    std::vector<int> arrived;
    std::vector<std::byte> buffer(200);
    while (arrived.size() < 5) {
      const auto got = server.receive(buffer, std::chrono::seconds(20));
      if (!got) break;
      EXPECT_EQ(got->size, 100u);
      for (std::size_t i = 0; i < got->size; ++i) EXPECT_EQ(buffer[i], buffer[0]);
      arrived.push_back(std::to_integer<int>(buffer[0]));
    }
    return arrived;
  }
  static std::vector<int> numbers(int count) {
    std::vector<int> out;
    for (int i = 0; i < count; ++i) out.push_back(i);
    return out;
  }

  [[nodiscard]] bool has_refused() const {
    const auto events = listener_audit->events();
    return std::ranges::any_of(events, [](const auto& one) { return one.kind == AuditKind::peer_refused; });
  }

  TempDirectory directory;
  std::optional<TempDirectory> relay_directory;  // a new one for each relay
  std::shared_ptr<RecordingAudit> listener_audit = std::make_shared<RecordingAudit>();
  std::unique_ptr<Child> relay;
  blocking::Channel server;
  blocking::Channel client;
  Error client_failure = Error::none;

 private:
  const Role& role_;
  const DataPlane plane_;
};

}  // namespace penstock::test
