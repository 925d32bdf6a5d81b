// ATK-24: a client that begins a handshake, is answered, and never says the next word. The deadline alone ends it, on either face of
// the listener, and the one place that there is goes to the next.
#include <boost/asio/io_context.hpp>

#include <functional>

#include "tests/channel/pair.hpp"
#include "tests/support/child.hpp"
#include "tests/support/hostile_peer.hpp"

namespace penstock::test {
namespace {

// A slow machine may need longer for its part of a handshake: then a client tries again.
constexpr int most_tries = 20;

/// Of this user, by that trust; with anybody's key, since nobody gets so far as to show one.
Policy policy_of(Trust trust, const StaticKeys& keys) {
  Rule rule;
  rule.name = to_string(trust);
  rule.users = {own_user()};
  rule.trust = trust;
  if (trust == Trust::static_key) rule.public_keys = {keys.public_key()};
  rule.operations = {"*"};
  return *Policy::of({rule});
}

/// The first frame leaves, the answer is read and not processed. False where the listener ended it before its answer.
bool is_answered(HostilePeer& peer, const Endpoint& endpoint, const Policy& policy, const StaticKeys& keys, Trust trust) {
  auto carrier = transport::connect_pipe(endpoint, policy.users(), {}, HostilePeer::soon());
  if (!carrier) return false;
  peer.carrier = std::move(*carrier);
  const protocol::ChannelSettings settings;
  protocol::HandshakeContext context;
  context.initiator = true;
  context.policy = &policy;
  context.static_key = &keys.pair();
  context.carrier = peer.carrier.get();
  context.channel = &settings;
  context.endpoint = {endpoint.scope(), endpoint.name()};
  context.trust = trust;
  context.suite = Suite::chachapoly_blake2b;
  auto handshake = protocol::Handshake::make(std::move(context));
  protocol::HandshakeOutput out;
  if (!handshake || !handshake->start(out) || !peer.write(out.view())) return false;
  std::optional<transport::MessageSender> sender;
  return !peer.read_frame(sender).empty();
}

/// When it is told: tells when it was answered, and again when the listener has ended it without another word.
const Role stalls("stalls-after-the-answer", [](const Line& line, const Words& words) {
  (void)line.hear();
  const auto trust = static_cast<Trust>(std::stoi(words[1]));
  const auto keys = StaticKeys::generate();
  if (!keys) return 1;
  const auto policy = policy_of(trust, *keys);
  HostilePeer peer;
  for (int tries = 1; !is_answered(peer, endpoint_in(words[0]), policy, *keys, trust); ++tries) {
    if (tries == most_tries) return 2;
  }
  line.tell();
  HandleList handles;
  std::byte more{};
  const auto end = peer.carrier->receive({&more, 1}, handles, transport::Wait::yes);
  if (end || end.error() != Error::truncated) return 3;
  line.tell();
  return 0;
});

/// When it is told: connects, and has one message answered.
const Role honest("honest-after-a-stall", [](const Line& line, const Words& words) {
  (void)line.hear();
  for (int tries = 0; tries < most_tries; ++tries) {
    auto channel = blocking::connect(endpoint_in(words[0]), connect_options());
    std::vector<std::byte> buffer(8);
    if (channel && channel->send(buffer) && channel->receive(buffer, std::chrono::seconds(20))) return 0;
  }
  return 1;
});

/// Serves until one channel's message has been answered.
using Serve = std::function<void()>;

Serve blocking_listener(const Endpoint& endpoint, ListenOptions options) {
  auto opened = blocking::Listener::open(endpoint, std::move(options));
  if (!opened) throw std::runtime_error(std::string(opened.error().sentence()));
  return [listener = std::make_shared<blocking::Listener>(std::move(*opened))] {
    for (bool answered = false; !answered;) {
      auto channel = listener->accept();
      ASSERT_TRUE(channel) << channel.error().sentence();
      std::vector<std::byte> buffer(8);
      answered = channel->receive(buffer) && channel->send(buffer) && !channel->receive(buffer);
    }
  };
}

Serve asio_listener(const Endpoint& endpoint, ListenOptions options) {
  struct Served {
    asio::io_context context{1};
    std::optional<Listener> listener;
    Channel channel;
    std::array<std::byte, 8> buffer{};
    void accept() {
      listener->async_accept([this](boost::system::error_code ec, Channel accepted) {
        ASSERT_FALSE(ec);
        channel = std::move(accepted);
        answer();
      });
    }
    void answer() {
      channel.async_receive(asio::buffer(buffer), [this](boost::system::error_code failed, Incoming) {
        if (failed) return accept();
        channel.async_send(asio::buffer(buffer), [this](boost::system::error_code unsent) {
          if (unsent) return accept();
          channel.async_receive(asio::buffer(buffer), [this](boost::system::error_code, Incoming) { context.stop(); });
        });
      });
    }
  };
  auto served = std::make_shared<Served>();
  auto opened = Listener::open(served->context.get_executor(), endpoint, std::move(options));
  if (!opened) throw std::runtime_error(std::string(opened.error().sentence()));
  served->listener.emplace(std::move(*opened));
  return [served] {
    served->accept();
    served->context.run();
    EXPECT_EQ(served->listener->stats().half_open, 0u);
    EXPECT_EQ(served->listener->stats().admitted, 1u);
  };
}

struct Row {
  const char* name;
  Serve (*listen)(const Endpoint&, ListenOptions);
  Trust trust;  ///< static_key: XX, whose third message never comes; os_identity: NN, whose confirmation does not
};

void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }

class Atk24Stalled : public ::testing::TestWithParam<Row> {};

TEST_P(Atk24Stalled, AfterTheAnswerTheDeadlineEndsItAndItsPlaceIsFree) {
  const TempDirectory directory;
  const auto& row = GetParam();
  // Forked before there is a second thread.
  Child stalled(stalls, {directory.path(), std::to_string(static_cast<int>(row.trust))});
  Child next(honest, {directory.path()});
  const auto keys = StaticKeys::generate();
  ASSERT_TRUE(keys);
  const auto audit = std::make_shared<RecordingAudit>();
  auto options = listen_options();
  auto rules = own_policy().rules();
  if (row.trust == Trust::static_key) rules.push_back(policy_of(row.trust, *keys).rules().front());
  options.policy = *Policy::of(std::move(rules));
  options.keys = std::make_shared<const StaticKeys>(std::move(*keys));
  options.audit = audit;
  options.limits.half_open = options.limits.half_open_per_identity = 1;
  options.limits.handshake_deadline = std::chrono::milliseconds(500);
  const auto serve = row.listen(endpoint_in(directory), std::move(options));
  std::thread serving(serve);
  stalled.line().tell();
  EXPECT_EQ(stalled.line().hear(), '.') << "answered";
  next.line().tell();
  EXPECT_EQ(stalled.line().hear(), '.') << "ended";
  EXPECT_EQ(next.wait(), 0);
  serving.join();
  EXPECT_EQ(stalled.wait(), 0);
  EXPECT_GE(audit->count(AuditKind::peer_refused, Error::handshake_timeout), 1u);
}

INSTANTIATE_TEST_SUITE_P(Faces, Atk24Stalled,
                         ::testing::Values(Row{"blocking_xx", blocking_listener, Trust::static_key},
                                           Row{"blocking_nn", blocking_listener, Trust::os_identity},
                                           Row{"asio_xx", asio_listener, Trust::static_key},
                                           Row{"asio_nn", asio_listener, Trust::os_identity}),
                         [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace penstock::test
