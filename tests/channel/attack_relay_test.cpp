// ATK-17 and ATK-26: a real relay process between two genuine ends. Where identities are bound it gets no key agreed; where
// policy binds the user alone it may stand there, and still cannot change, drop, swap, repeat or cut one frame unseen.
#include "tests/channel/relayed.hpp"

namespace penstock::test {
namespace {

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

class Relayed : public RelayedOver {
 protected:
  Relayed() : RelayedOver(relay_role, DataPlane::pipe) {}
  result<std::unique_ptr<transport::Carrier>> open_carrier(const Endpoint& endpoint, const Policy& policy) override {
    return transport::connect_pipe(endpoint, policy.users(), {}, soon());
  }
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
