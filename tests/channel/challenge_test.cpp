// Trust::challenge over a carrier whose peer is only claimed: what the handshake makes of it, without any window. The real exchange of
// the secrets is tested where it is made (tests/transports/dde_*).
#include "protocol/handshake.hpp"
#include "tests/channel/claimed_carrier.hpp"
#include "tests/channel/pair.hpp"

namespace penstock::test {
namespace {

using protocol::Handshake;
using protocol::HandshakeContext;
using protocol::HandshakeOutput;

Policy policy_with(Trust trust, Strength strength = Strength::pinned, const PublicKey* key = nullptr) {
  Rule rule;
  rule.name = "claimed";
  rule.users = {own_user()};
  rule.trust = trust;
  rule.min_strength = strength;
  rule.binding = strength == Strength::pinned ? Binding::process : Binding::user;
  if (key != nullptr) rule.public_keys = {*key};
  rule.operations = {"*"};
  auto policy = Policy::of({std::move(rule)});
  EXPECT_TRUE(policy) << policy.error().sentence();
  return policy ? *policy : Policy();
}

/// Both ends' handshakes, frame by frame.
class Meeting {
 public:
  Meeting(std::optional<unsigned char> initiators, std::optional<unsigned char> responders, Trust trust = Trust::challenge)
      : first_carrier(initiators), second_carrier(responders), trust_(trust) {}

  /// What ended it, and where: 1 the initiator, 2 the responder; none when both finished.
  Error run(const Policy& policy, const StaticKeys* keys = nullptr) {
    const auto audit = std::shared_ptr<AuditSink>();
    const auto settings = std::make_shared<const protocol::ChannelSettings>(ChannelOptions(), audit, "test");
    const auto context = [&](bool initiator) {
      HandshakeContext made;
      made.initiator = initiator;
      made.policy = &policy;
      made.carrier = initiator ? &first_carrier : &second_carrier;
      made.static_key = keys != nullptr ? &keys->pair() : nullptr;
      made.endpoint = {Scope::session, "test"};
      made.channel = settings.get();
      made.trust = trust_;
      made.suite = Suite::chachapoly_blake2b;
      made.data_plane = DataPlane::dde;
      made.allow_pipe = false;
      return made;
    };
    auto first = Handshake::make(context(true));
    if (!first) return first.error().code();
    auto second = Handshake::make(context(false));
    if (!second) return second.error().code();
    HandshakeOutput from_first, from_second;
    if (auto begun = first->start(from_first); !begun) return begun.error().code();
    for (int turn = 0; turn < 4 && !(first->finished() && second->finished()); ++turn) {
      if (const Error error = deliver(from_first, *second, from_second); error != Error::none) return error;
      if (const Error error = deliver(from_second, *first, from_first); error != Error::none) return error;
    }
    return first->finished() && second->finished() ? Error::none : Error::internal;
  }

  ClaimedCarrier first_carrier, second_carrier;

 private:
  Error deliver(HandshakeOutput& from, Handshake& to, HandshakeOutput& answer) const {
    const auto& self = first_carrier.self();
    const std::optional sender(transport::MessageSender{self.pid, self.uid, self.gid, self.process_key});
    for (auto bytes = from.view(); !bytes.empty();) {
      const auto size = protocol::handshake_frame_size(bytes.first<protocol::header_size>());
      if (!size) return size.error().code();
      if (auto done = to.on_frame(bytes.first(*size), sender, answer); !done) return done.error().code();
      bytes = bytes.subspan(*size);
    }
    from.size = 0;
    return Error::none;
  }
  Trust trust_;
};

TEST(Challenge, WhoAnswersItIsPinned) {
  Meeting meeting(7, 7);
  EXPECT_EQ(meeting.first_carrier.peer().strength, Strength::claimed);
  EXPECT_EQ(meeting.run(policy_with(Trust::challenge)), Error::none);
  EXPECT_EQ(meeting.first_carrier.peer().strength, Strength::pinned);
  EXPECT_EQ(meeting.second_carrier.peer().strength, Strength::pinned);
}

// ATK-16: a window that names somebody else's process. The secret went there, and the handshake's first frame is made without it.
TEST(Challenge, Atk16WhoHasNotReadTheSecretIsRefusedAndStaysClaimed) {
  Meeting meeting(7, 8);
  EXPECT_EQ(meeting.run(policy_with(Trust::challenge)), Error::handshake_failed);
  EXPECT_EQ(meeting.first_carrier.peer().strength, Strength::claimed);
  EXPECT_EQ(meeting.second_carrier.peer().strength, Strength::claimed);
}

TEST(Challenge, WithoutASecretThereIsNone) {
  EXPECT_EQ(Meeting(7, std::nullopt).run(policy_with(Trust::challenge)), Error::pattern_refused);
  EXPECT_EQ(Meeting(std::nullopt, 7).run(policy_with(Trust::challenge)), Error::permission_denied);
}

// What is only claimed never authorises alone, whatever a rule says.
TEST(Challenge, Atk16AClaimAloneOpensNothing) {
  EXPECT_EQ(Meeting(7, 7, Trust::os_identity).run(policy_with(Trust::os_identity)), Error::peer_too_weak);
  for (const auto trust : {Trust::os_identity, Trust::challenge, Trust::launch_secret}) {
    Rule rule;
    rule.name = "claimed";
    rule.trust = trust;
    rule.min_strength = Strength::claimed;
    rule.binding = Binding::user;
    rule.operations = {"*"};
    EXPECT_EQ(Policy::of({rule}).error(), Error::policy_invalid) << to_string(trust);
  }
}

TEST(Challenge, AStaticKeyStandsBesideAClaimWhereARuleSaysSo) {
  const auto keys = StaticKeys::generate();
  ASSERT_TRUE(keys) << keys.error().sentence();
  const auto key = keys->public_key();
  EXPECT_EQ(Meeting(std::nullopt, std::nullopt, Trust::static_key).run(policy_with(Trust::static_key, Strength::claimed, &key), &*keys), Error::none);
  EXPECT_EQ(Meeting(std::nullopt, std::nullopt, Trust::static_key).run(policy_with(Trust::static_key, Strength::connected, &key), &*keys),
            Error::peer_too_weak);
  const auto other = StaticKeys::generate();
  ASSERT_TRUE(other);
  const auto wrong = other->public_key();
  EXPECT_EQ(Meeting(std::nullopt, std::nullopt, Trust::static_key).run(policy_with(Trust::static_key, Strength::claimed, &wrong), &*keys),
            Error::peer_refused);
}

TEST(Challenge, IsForDdeAlone) {
  auto options = connect_options();
  options.data_plane = DataPlane::pipe;
  options.trust = Trust::challenge;
  const TempDirectory directory;
  EXPECT_EQ(blocking::connect(endpoint_in(directory), options).error(), Error::invalid_argument);
  options.data_plane = DataPlane::dde;
  options.trust = Trust::os_identity;
  EXPECT_EQ(blocking::connect(endpoint_in(directory), options).error(), Error::invalid_argument);
}

}  // namespace
}  // namespace penstock::test
