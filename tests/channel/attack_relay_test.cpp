// ATK-17 and ATK-26: a real relay process between two genuine ends. Where identities are bound it gets no key agreed; where
// policy binds the user alone it may stand there, and still cannot change, drop, swap, repeat or cut one frame unseen.
#include <filesystem>

#include "tests/channel/pair.hpp"
#include "tests/support/child.hpp"
#include "tests/support/relay.hpp"

namespace penstock::test {
namespace {

Policy bound_to(Binding binding, Trust trust = Trust::os_identity, std::vector<PublicKey> keys = {}) {
  Rule rule;
  rule.name = "this user";
  rule.users = {::geteuid()};
  rule.trust = trust;
  rule.binding = binding;
  rule.public_keys = std::move(keys);
  rule.operations = {"*"};
  auto policy = Policy::of({std::move(rule)});
  EXPECT_TRUE(policy) << policy.error().sentence();
  return *policy;
}

/// The genuine listener in its own directory, the relay's name in another; both belong to this user.
class Relayed : public ::testing::Test {
 protected:
  /// The relay as a process: takes one connection at its own name and passes it on.
  std::unique_ptr<Child> start_relay(const Tamper& tamper) {
    const auto near = relay_directory.file("test.sock");
    const auto far = directory.file("test.sock");
    auto started = std::make_unique<Child>([=](Child::Line line) {
      Handle listening = raw_listen(near);
      if (!listening) return 1;
      line.tell();
      Handle connector(::accept(listening.get(), nullptr, nullptr));
      Handle listener = raw_connect(far);
      if (!connector || !listener) return 2;
      relay_frames(connector.get(), listener.get(), tamper);
      return 0;
    });
    EXPECT_EQ(started->line().hear(), '.');
    return started;
  }

  /// Opens the listener and connects through the relay. Fills server and client as far as they get.
  void meet(ListenOptions listen, const ConnectOptions& connect, const Tamper& tamper) {
    listen.audit = listener_audit;
    auto opened = blocking::Listener::open(endpoint_in(directory), std::move(listen));
    ASSERT_TRUE(opened) << opened.error().sentence();
    relay = start_relay(tamper);
    std::thread accepting([&] {
      auto accepted = opened->accept(std::chrono::seconds(1));
      if (accepted) server = std::move(*accepted);
      if (!accepted) server_failure = accepted.error().code();
    });
    auto connected = blocking::connect(endpoint_in(relay_directory), connect);
    if (connected) client = std::move(*connected);
    if (!connected) client_failure = connected.error().code();
    accepting.join();
  }

  TempDirectory directory;
  TempDirectory relay_directory;
  std::shared_ptr<RecordingAudit> listener_audit = std::make_shared<RecordingAudit>();
  std::unique_ptr<Child> relay;
  blocking::Channel server;
  blocking::Channel client;
  Error server_failure = Error::none;
  Error client_failure = Error::none;
};

const Tamper honest = [](bool, std::size_t, std::vector<std::byte> frame) { return std::optional(std::move(frame)); };

TEST_F(Relayed, Atk17NoKeyIsAgreedThroughARelayWithoutStaticKeys) {
  auto listen = listen_options();
  listen.policy = bound_to(Binding::process);
  auto connect = connect_options();
  connect.policy = bound_to(Binding::process);
  meet(std::move(listen), connect, honest);
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
  meet(std::move(listen), connect, honest);
  EXPECT_FALSE(client.is_open());
  EXPECT_FALSE(server.is_open());
  EXPECT_EQ(client_failure, Error::handshake_failed);
  EXPECT_EQ(listener_audit->count(AuditKind::peer_admitted, Error::none), 0u);
}

/// Policy that binds the user alone lets the relay stand: the ground for every change to a running session.
class Tampered : public Relayed {
 protected:
  void meet_tampered(const Tamper& tamper) {
    auto listen = listen_options();
    listen.policy = bound_to(Binding::user);
    auto connect = connect_options();
    connect.policy = bound_to(Binding::user);
    meet(std::move(listen), connect, tamper);
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

// Frames of the connector: 0 is Noise message 0, 1 the confirm record, 2 to 6 the five messages.
constexpr std::size_t first_message = 2;

TEST_F(Tampered, HonestRelayUnderUserBindingIsAdmittedAndSaidSo) {
  meet_tampered(honest);
  ASSERT_TRUE(client.is_open());
  ASSERT_TRUE(server.is_open());
  EXPECT_EQ(server.info().admission.binding(), Binding::user);
  EXPECT_EQ(server.peer().pid, relay->pid());
  EXPECT_EQ(deliver_five(), numbers(5));
}

TEST_F(Tampered, Atk26DroppedFrame) {
  meet_tampered([](bool up, std::size_t number, std::vector<std::byte> frame) {
    if (up && number == first_message + 2) frame.clear();
    return std::optional(std::move(frame));
  });
  EXPECT_EQ(deliver_five(), numbers(2));
  EXPECT_EQ(server.close_reason(), Error::sequence_wrong);
}

TEST_F(Tampered, Atk26RepeatedFrame) {
  meet_tampered([](bool up, std::size_t number, std::vector<std::byte> frame) {
    if (up && number == first_message + 2) {
      const auto once = frame;
      frame.insert(frame.end(), once.begin(), once.end());
    }
    return std::optional(std::move(frame));
  });
  EXPECT_EQ(deliver_five(), numbers(3));
  EXPECT_EQ(server.close_reason(), Error::record_replayed);
}

TEST_F(Tampered, Atk26SwappedFrames) {
  std::vector<std::byte> held;
  meet_tampered([held](bool up, std::size_t number, std::vector<std::byte> frame) mutable {
    if (up && number == first_message + 2) {
      held = std::exchange(frame, {});
    } else if (up && number == first_message + 3) {
      frame.insert(frame.end(), held.begin(), held.end());
    }
    return std::optional(std::move(frame));
  });
  EXPECT_EQ(deliver_five(), numbers(2));
  EXPECT_EQ(server.close_reason(), Error::sequence_wrong);
}

TEST_F(Tampered, Atk26TruncatedFrame) {
  bool cut = false;
  meet_tampered([cut](bool up, std::size_t number, std::vector<std::byte> frame) mutable {
    if (cut) return std::optional<std::vector<std::byte>>();
    if (up && number == first_message + 2) {
      frame.resize(frame.size() - 7);
      cut = true;
    }
    return std::optional(std::move(frame));
  });
  EXPECT_EQ(deliver_five(), numbers(2));
  EXPECT_EQ(server.close_reason(), Error::truncated);
}

TEST_F(Tampered, Atk26FramesOfTheOtherDirectionSplicedIn) {
  std::vector<std::byte> down;
  meet_tampered([down](bool up, std::size_t number, std::vector<std::byte> frame) mutable {
    if (!up) down = frame;
    if (up && number == first_message + 1) return std::optional(down);
    return std::optional(std::move(frame));
  });
  EXPECT_EQ(deliver_five(), numbers(1));
  EXPECT_FALSE(server.is_open());
}

// Each bit of one recorded frame, header, ciphertext and tag, each in a session of its own would take 1,184 handshakes; a
// sample of every byte does, since record_attack_test.cpp flips each bit at the record layer.
TEST_F(Tampered, Atk26AFlippedBitInEveryByteOfAFrame) {
  constexpr std::size_t frame_size = 32 + 100 + 16;
  for (std::size_t at = 0; at < frame_size; at += 5) {
    meet_tampered([at](bool up, std::size_t number, std::vector<std::byte> frame) {
      if (up && number == first_message + 2) frame[at] ^= static_cast<std::byte>(1u << (at % 8));
      return std::optional(std::move(frame));
    });
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
    std::filesystem::remove(relay_directory.file("test.sock"));
  }
}

}  // namespace
}  // namespace penstock::test
