// ATK-17, ATK-18 and ATK-26 over DDE, with a real relay process that takes part in two conversations. A challenge keeps it out. Two ends
// that name each other's keys and do without one let it stand: it reads nothing, and what it does to records is found out.
#include "tests/channel/relayed.hpp"
#include "tests/transports/dde_meeting_windows.hpp"

namespace penstock::test {
namespace {

constexpr std::string_view secret_text = "what no relay may read";

/// Datagrams both ways until either conversation ends; then tells `e` and ends the process. Tells `r` for each that holds the secret text.
void relay_datagrams(const Line& line, transport::Carrier& connector, transport::Carrier& listener, const Tamper& tamper) {
  std::mutex one_at_a_time;
  const auto pass = [&](bool up) {
    auto& from = up ? connector : listener;
    auto& to = up ? listener : connector;
    std::vector<std::byte> buffer(transport::dde::largest_datagram);
    for (std::size_t number = 0;; ++number) {
      HandleList handles;
      const auto got = from.receive(buffer, handles, transport::Wait::yes);
      if (!got) return;
      std::optional<Frame> passed;
      {
        const std::scoped_lock lock(one_at_a_time);
        if (std::ranges::search(std::span(buffer).first(got->size), as_bytes(secret_text)).size() != 0) line.tell('r');
        passed = tamper(up, number, Frame(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(got->size)));
      }
      if (!passed) return;
      if (!passed->empty() && !to.send(*passed, {}, transport::Wait::yes)) return;
    }
  };
  // The other thread still receives, so it is the process that ends.
  const auto run = [&](bool up) {
    pass(up);
    (void)(up ? listener : connector).finish_sends(transport::Wait::yes);
    const std::scoped_lock lock(one_at_a_time);
    line.tell('e');
    ::TerminateProcess(::GetCurrentProcess(), 0);
  };
  std::thread([&] { run(false); }).detach();
  run(true);
}

const Role dde_relay("dde relay", [](const Line& line, const Words& words) {
  transport::testing::WaitingDoor door(endpoint_in(words[0]));
  line.tell();
  auto connector = door.accept();
  if (!connector) return 1;
  (*connector)->detach();
  auto listener = transport::testing::connect_over_dde(endpoint_in(words[1]));
  if (!listener) return 2;
  relay_datagrams(line, **connector, **listener, tamper_called(words[2], std::stoul(words[3])));
  return 0;
});

class RelayedDde : public RelayedOver {
 protected:
  RelayedDde() : RelayedOver(dde_relay, DataPlane::dde) {}
  result<std::unique_ptr<transport::Carrier>> open_carrier(const Endpoint& endpoint, const Policy&) override {
    return transport::testing::connect_over_dde(endpoint);
  }
  static ListenOptions listen(Policy policy) {
    ListenOptions options;
    options.allow_pipe = false;
    options.allow_dde = true;
    options.policy = std::move(policy);
    return options;
  }
  /// With keys, where a claim and a key are enough.
  void meet_with_keys(const std::string& tamper, std::size_t at = 0, Binding binding = Binding::user, Strength strength = Strength::claimed) {
    auto listening = listen(bound_to(binding, Trust::static_key, {client_keys->public_key()}, strength));
    listening.keys = server_keys;
    ConnectOptions connecting;
    connecting.trust = Trust::static_key;
    connecting.keys = client_keys;
    connecting.policy = bound_to(binding, Trust::static_key, {server_keys->public_key()}, strength);
    meet(std::move(listening), connecting, tamper, at);
  }
  void expect_no_key_under_a_challenge(Binding binding) {
    const auto policy = bound_to(binding, Trust::challenge);
    ConnectOptions connecting;
    connecting.trust = Trust::challenge;
    connecting.policy = policy;
    meet(listen(policy), connecting, "honest");
    EXPECT_FALSE(client.is_open());
    EXPECT_FALSE(server.is_open());
    EXPECT_EQ(listener_audit->count(AuditKind::peer_admitted, Error::none), 0u);
    EXPECT_EQ(listener_audit->count(AuditKind::peer_refused, Error::handshake_failed), 1u) << "each end has a secret with the relay, and no other";
  }
  const std::shared_ptr<const StaticKeys> server_keys = std::make_shared<const StaticKeys>(*StaticKeys::generate());
  const std::shared_ptr<const StaticKeys> client_keys = std::make_shared<const StaticKeys>(*StaticKeys::generate());
};

TEST_F(RelayedDde, Atk17NoKeyIsAgreedThroughARelayUnderAChallenge) {
  expect_no_key_under_a_challenge(Binding::process);
}

TEST_F(RelayedDde, Atk17NoKeyIsAgreedThroughARelayUnderAChallengeThatBindsTheUserAlone) {
  expect_no_key_under_a_challenge(Binding::user);
}

TEST_F(RelayedDde, Atk17StaticKeysThatBindTheProcessWantMoreThanAClaim) {
  meet_with_keys("honest", 0, Binding::process, Strength::pinned);
  EXPECT_EQ(client_failure, Error::peer_too_weak);
  EXPECT_FALSE(client.is_open());
  EXPECT_FALSE(server.is_open());
  EXPECT_EQ(listener_audit->count(AuditKind::peer_admitted, Error::none), 0u);
}

TEST_F(RelayedDde, Atk17WithKeysBesideAClaimTheRelayStandsAndReadsNothing) {
  meet_with_keys("honest");
  ASSERT_TRUE(client.is_open());
  ASSERT_TRUE(server.is_open());
  EXPECT_EQ(server.info().admission.binding(), Binding::user);
  EXPECT_EQ(server.peer().pid, relay->pid());
  EXPECT_EQ(server.peer().strength, Strength::claimed);
  EXPECT_EQ(deliver_five(), numbers(5));
  ASSERT_TRUE(client.send(as_bytes(secret_text)));
  std::vector<std::byte> buffer(100);
  const auto got = server.receive(buffer, std::chrono::seconds(20));
  ASSERT_TRUE(got);
  EXPECT_TRUE(std::ranges::equal(std::span(buffer).first(got->size), as_bytes(secret_text)));
  client.close();
  EXPECT_EQ(relay->line().hear(), 'e') << "it has read something";
}

TEST_F(RelayedDde, Atk26ADroppedRecordLeavesNoOrderlyEnd) {
  meet_with_keys("drop");
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(client.send(std::vector<std::byte>(100, static_cast<std::byte>(i))));
  client.close();
  std::vector<std::byte> buffer(200);
  std::vector<int> arrived;
  while (const auto got = server.receive(buffer, std::chrono::seconds(20))) arrived.push_back(std::to_integer<int>(buffer[0]));
  EXPECT_EQ(arrived, (std::vector{0, 1, 3, 4}));
  EXPECT_EQ(server.close_reason(), Error::truncated);
}

TEST_F(RelayedDde, Atk26ARepeatedRecordEndsIt) {
  meet_with_keys("repeat");
  EXPECT_EQ(deliver_five(), numbers(3));
  EXPECT_EQ(server.close_reason(), Error::record_replayed);
}

TEST_F(RelayedDde, Atk26SwappedMessagesArriveAsTheyCome) {
  meet_with_keys("swap");
  EXPECT_EQ(deliver_five(), (std::vector{0, 1, 3, 2, 4})) << "order is no promise of DDE";
}

TEST_F(RelayedDde, Atk26ACutRecordEndsIt) {
  meet_with_keys("cut");
  EXPECT_EQ(deliver_five(), numbers(2));
  EXPECT_FALSE(server.is_open());
}

TEST_F(RelayedDde, Atk26RecordsOfTheOtherDirectionSplicedIn) {
  meet_with_keys("splice");
  EXPECT_EQ(deliver_five(), numbers(1));
  EXPECT_FALSE(server.is_open());
}

// A sample: every bit is flipped in record_attack_test.cpp, every fifth byte in unordered_test.cpp. ATK-18: the number, the epoch and the time.
TEST_F(RelayedDde, Atk18Atk26AFlippedBitEndsIt) {
  for (const std::size_t at : {std::size_t{5}, std::size_t{8}, std::size_t{16}, std::size_t{24}, std::size_t{32}, std::size_t{131}, std::size_t{147}}) {
    meet_with_keys("flip", at);
    ASSERT_TRUE(server.is_open());
    EXPECT_EQ(deliver_five(), numbers(2)) << "byte " << at;
    EXPECT_FALSE(server.is_open());
    server = blocking::Channel();
    client = blocking::Channel();
    relay.reset();
  }
}

}  // namespace
}  // namespace penstock::test
