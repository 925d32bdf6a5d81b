// ATK-17 and ATK-26: a real relay process between two genuine ends. Where identities are bound it gets no key agreed; where
// policy binds the user alone it may stand there, and still cannot change, drop, swap, repeat or cut one frame unseen.
#include "tests/channel/accepting.hpp"
#include "tests/support/child.hpp"
#include "tests/support/relay.hpp"

namespace penstock::test {
namespace {

Policy bound_to(Binding binding, Trust trust = Trust::os_identity, std::vector<PublicKey> keys = {}) {
  Rule rule;
  rule.name = "this user";
  rule.users = {own_user()};
  rule.trust = trust;
  rule.binding = binding;
  rule.public_keys = std::move(keys);
  rule.operations = {"*"};
  auto policy = Policy::of({std::move(rule)});
  EXPECT_TRUE(policy) << policy.error().sentence();
  return *policy;
}

// Frames of the connector: 0 is Noise message 0, 1 the confirm record, 2 to 6 the five messages.
constexpr std::size_t first_message = 2;

using Frame = std::vector<std::byte>;

/// What the relay's process can be told to do, by name. `at` is its one parameter.
Tamper tamper_called(const std::string& name, std::size_t at) {
  if (name == "drop") {
    return [](bool up, std::size_t number, Frame frame) {
      if (up && number == first_message + 2) frame.clear();
      return std::optional(std::move(frame));
    };
  }
  if (name == "repeat") {
    return [](bool up, std::size_t number, Frame frame) {
      if (up && number == first_message + 2) {
        const auto once = frame;
        frame.insert(frame.end(), once.begin(), once.end());
      }
      return std::optional(std::move(frame));
    };
  }
  if (name == "swap") {
    return [held = Frame()](bool up, std::size_t number, Frame frame) mutable {
      if (up && number == first_message + 2) {
        held = std::exchange(frame, {});
      } else if (up && number == first_message + 3) {
        frame.insert(frame.end(), held.begin(), held.end());
      }
      return std::optional(std::move(frame));
    };
  }
  if (name == "cut") {
    return [cut = false](bool up, std::size_t number, Frame frame) mutable {
      if (cut) return std::optional<Frame>();
      if (up && number == first_message + 2) {
        frame.resize(frame.size() - 7);
        cut = true;
      }
      return std::optional(std::move(frame));
    };
  }
  if (name == "splice") {
    return [down = Frame()](bool up, std::size_t number, Frame frame) mutable {
      if (!up) down = frame;
      if (up && number == first_message + 1) return std::optional(down);
      return std::optional(std::move(frame));
    };
  }
  if (name == "flip") {
    return [at](bool up, std::size_t number, Frame frame) {
      if (up && number == first_message + 2) frame[at] ^= static_cast<std::byte>(1u << (at % 8));
      return std::optional(std::move(frame));
    };
  }
  return [](bool, std::size_t, Frame frame) { return std::optional(std::move(frame)); };
}

/// Takes one connection at its own name and passes it on.
const Role relay_role("relay", [](const Line& line, const Words& words) {
  auto listening = RawListener::open(address_of(endpoint_in(words[0])));
  if (!listening) return 1;
  line.tell();
  auto connector = listening.accept();
  auto listener = RawEnd::connect(address_of(endpoint_in(words[1])));
  if (!connector || !listener) return 2;
  relay_frames(connector, listener, tamper_called(words[2], std::stoul(words[3])));
  return 0;
});

/// The genuine listener in its own directory, the relay's name in another; both belong to this user.
class Relayed : public ::testing::Test {
 protected:
  /// As blocking::connect, at the relay's name and meaning the listener's: where names are directories both end alike, and where one
  /// flat namespace has them they cannot. So it is the processes alone that the two ends see differently.
  result<blocking::Channel> connect_by(const Endpoint& relay_name, const ConnectOptions& options) {
    auto carrier = transport::connect_pipe(relay_name, options.policy.users(), {}, soon());
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
    relay = std::make_unique<Child>(relay_role, Words{relay_directory->path(), directory.path(), tamper, std::to_string(at)});
    ASSERT_EQ(relay->line().hear(), '.');
    std::thread accepting([&] {
      auto accepted = opened->accept(std::chrono::seconds(5));
      if (accepted) server = std::move(*accepted);
      if (!accepted) server_failure = accepted.error().code();
    });
    auto connected = connect_by(endpoint_in(*relay_directory), connect);
    if (connected) client = std::move(*connected);
    if (!connected) client_failure = connected.error().code();
    accepting.join();
  }

  TempDirectory directory;
  std::optional<TempDirectory> relay_directory;  // a new one for each relay
  std::shared_ptr<RecordingAudit> listener_audit = std::make_shared<RecordingAudit>();
  std::unique_ptr<Child> relay;
  blocking::Channel server;
  blocking::Channel client;
  Error server_failure = Error::none;
  Error client_failure = Error::none;
};

TEST_F(Relayed, Atk17NoKeyIsAgreedThroughARelayWithoutStaticKeys) {
  auto listen = listen_options();
  listen.policy = bound_to(Binding::process);
  auto connect = connect_options();
  connect.policy = bound_to(Binding::process);
  meet(std::move(listen), connect, "honest");
  EXPECT_FALSE(client.is_open());
  EXPECT_FALSE(server.is_open());
  // The initiator meets the listener's tag first: it was made under another prologue.
  EXPECT_EQ(client_failure, Error::handshake_failed);
  EXPECT_EQ(listener_audit->count(AuditKind::peer_admitted, Error::none), 0u);
}

TEST_F(Relayed, Atk17NoKeyIsAgreedThroughARelayWithStaticKeys) {
  const auto server_keys = std::make_shared<const StaticKeys>(*StaticKeys::generate());
  const auto client_keys = std::make_shared<const StaticKeys>(*StaticKeys::generate());
  auto listen = listen_options();
  listen.keys = server_keys;
  listen.policy = bound_to(Binding::process, Trust::static_key, {client_keys->public_key()});
  auto connect = connect_options();
  connect.trust = Trust::static_key;
  connect.keys = client_keys;
  connect.policy = bound_to(Binding::process, Trust::static_key, {server_keys->public_key()});
  meet(std::move(listen), connect, "honest");
  EXPECT_FALSE(client.is_open());
  EXPECT_FALSE(server.is_open());
  EXPECT_EQ(client_failure, Error::handshake_failed);
  EXPECT_EQ(listener_audit->count(AuditKind::peer_admitted, Error::none), 0u);
}

/// Policy that binds the user alone lets the relay stand: the ground for every change to a running session.
class Tampered : public Relayed {
 protected:
  void meet_tampered(const std::string& tamper, std::size_t at = 0) {
    auto listen = listen_options();
    listen.policy = bound_to(Binding::user);
    auto connect = connect_options();
    connect.policy = bound_to(Binding::user);
    meet(std::move(listen), connect, tamper, at);
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
};

TEST_F(Tampered, HonestRelayUnderUserBindingIsAdmittedAndSaidSo) {
  meet_tampered("honest");
  ASSERT_TRUE(client.is_open());
  ASSERT_TRUE(server.is_open());
  EXPECT_EQ(server.info().admission.binding(), Binding::user);
  EXPECT_EQ(server.peer().pid, relay->pid());
  EXPECT_EQ(deliver_five(), numbers(5));
}

TEST_F(Tampered, Atk26DroppedFrame) {
  meet_tampered("drop");
  EXPECT_EQ(deliver_five(), numbers(2));
  EXPECT_EQ(server.close_reason(), Error::sequence_wrong);
}

TEST_F(Tampered, Atk26RepeatedFrame) {
  meet_tampered("repeat");
  EXPECT_EQ(deliver_five(), numbers(3));
  EXPECT_EQ(server.close_reason(), Error::record_replayed);
}

TEST_F(Tampered, Atk26SwappedFrames) {
  meet_tampered("swap");
  EXPECT_EQ(deliver_five(), numbers(2));
  EXPECT_EQ(server.close_reason(), Error::sequence_wrong);
}

TEST_F(Tampered, Atk26TruncatedFrame) {
  meet_tampered("cut");
  EXPECT_EQ(deliver_five(), numbers(2));
  EXPECT_EQ(server.close_reason(), Error::truncated);
}

TEST_F(Tampered, Atk26FramesOfTheOtherDirectionSplicedIn) {
  meet_tampered("splice");
  EXPECT_EQ(deliver_five(), numbers(1));
  EXPECT_FALSE(server.is_open());
}

// Each bit of one recorded frame, header, ciphertext and tag, each in a session of its own would take 1,184 handshakes; a
// sample of every byte does, since record_attack_test.cpp flips each bit at the record layer.
TEST_F(Tampered, Atk26AFlippedBitInEveryByteOfAFrame) {
  constexpr std::size_t frame_size = 32 + 100 + 16;
  for (std::size_t at = 0; at < frame_size; at += 5) {
    meet_tampered("flip", at);
    ASSERT_TRUE(server.is_open());
    const std::vector<std::byte> body(100, std::byte{9});
    for (int i = 0; i < 3; ++i) (void)client.send(body);
    client.close();
    std::vector<std::byte> buffer(200);
    ASSERT_TRUE(server.receive(buffer, std::chrono::seconds(20)));
    ASSERT_TRUE(server.receive(buffer, std::chrono::seconds(20)));
    const auto third = server.receive(buffer, std::chrono::seconds(20));
    ASSERT_FALSE(third) << "byte " << at;
    EXPECT_FALSE(server.is_open());
    server = blocking::Channel();
    client = blocking::Channel();
    relay.reset();
  }
}

}  // namespace
}  // namespace penstock::test
