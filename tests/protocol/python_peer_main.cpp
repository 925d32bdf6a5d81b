// The library's half of the conversation with second_implementation.py: a listener or a connector that the script
// starts.
//   penstock_python_peer listen|connect DIRECTORY NAME aes|chacha [KEY_FILE PEER_PUBLIC_KEY]
//   penstock_python_peer adopt              as a helper that the script has launched
//   penstock_python_peer launch PYTHON SCRIPT aes|chacha   launches the script as a helper
// With a key file the pattern is XX, else NN. Says on standard output how the channel ended; exit status 1 says that
// something went wrong.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "penstock/blocking.hpp"
#include "penstock/launch.hpp"

namespace {

using namespace penstock;  // NOLINT: a test program of one page
using namespace std::chrono_literals;

const std::vector<std::string> operations = {"message", "reverse", "call-back", "refresh", "descriptor"};

struct Setup {
  Policy policy;
  Trust trust = Trust::os_identity;
  Suite suite = Suite::automatic;
  std::shared_ptr<const StaticKeys> keys;
  ChannelOptions channel;
};

int fail(const Failure& failure) {
  std::printf("failed: %s\n", std::string(failure.sentence()).c_str());
  return 1;
}

result<Setup> set_up(int argc, char** argv) {
  Setup setup;
  setup.suite = std::string_view(argv[4]) == "aes" ? Suite::aesgcm_sha256 : Suite::chachapoly_blake2b;
  // Every few records a new epoch without a fresh secret, so that the script follows many of them.
  setup.channel.rekey.records = 5;
  Rule rule;
  rule.name = "the script";
  rule.users = {::geteuid()};
  rule.trust = Trust::os_identity;
  rule.operations = operations;
  if (argc == 7) {
    auto keys = StaticKeys::load(argv[5]);
    if (!keys) return keys.error();
    auto peer = PublicKey::from_hex(argv[6]);
    if (!peer) return peer.error();
    setup.keys = std::make_shared<const StaticKeys>(std::move(*keys));
    setup.trust = rule.trust = Trust::static_key;
    rule.public_keys = {*peer};
  }
  auto policy = Policy::of({std::move(rule)});
  if (!policy) return policy.error();
  setup.policy = std::move(*policy);
  return setup;
}

/// Writes a line into the descriptor that came, and answers with one of our own that holds another.
result<void> pass_descriptors(blocking::Channel& channel, Incoming& request) {
  if (request.handles.size() != 1) return Error::handles_mismatch;
  if (::write(request.handles[0].get(), "from the library", 16) != 16) return Error::io_error;
  const Handle own(::memfd_create("reply", MFD_CLOEXEC));
  if (!own || ::write(own.get(), "for the script", 14) != 14) return Error::io_error;
  const native_handle raw = own.get();
  return channel.reply(request.request, 0, {}, {&raw, 1});
}

result<void> answer(blocking::Channel& channel, Incoming& incoming, bytes_span body) {
  if (incoming.kind == MessageKind::message) return channel.send(body);
  const auto operation = incoming.operation();
  if (operation == "descriptor") return pass_descriptors(channel, incoming);
  if (operation == "refresh") {
    if (auto begun = channel.refresh_keys(); !begun) return begun.error();
  }
  if (operation == "call-back") {
    std::vector<std::byte> name(64);
    auto reply = channel.call("who", body, name, {.deadline = 20s});
    if (!reply) return reply.error();
    return channel.reply(incoming.request, reply->status, std::span(name).first(reply->size));
  }
  std::reverse(body.begin(), body.end());
  return channel.reply(incoming.request, 42, body);
}

int serve(blocking::Channel& channel) {
  std::vector<std::byte> buffer(1 << 20);
  for (;;) {
    auto incoming = channel.receive(buffer, 20s);
    if (!incoming && incoming.error() == Error::closed_by_peer) break;
    if (!incoming) return fail(incoming.error());
    if (auto done = answer(channel, *incoming, std::span(buffer).first(incoming->size)); !done)
      return fail(done.error());
  }
  std::printf("closed_by_peer\n");
  return 0;
}

int listen(const Endpoint& endpoint, Setup setup) {
  ListenOptions options;
  options.policy = std::move(setup.policy);
  options.keys = std::move(setup.keys);
  options.allow_aesgcm = setup.suite == Suite::aesgcm_sha256;
  options.allow_chachapoly = !options.allow_aesgcm;
  options.channel = setup.channel;
  auto listener = blocking::Listener::open(endpoint, std::move(options));
  if (!listener) return fail(listener.error());
  std::printf("listening\n");
  std::fflush(stdout);
  auto channel = listener->accept(20s);
  if (!channel) return fail(channel.error());
  return serve(*channel);
}

int talk(blocking::Channel& channel) {
  std::vector<std::byte> sent(200 * 1024);
  for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<std::byte>(i * 7 >> 3);
  std::vector<std::byte> got(1 << 20);
  for (int round = 0; round < 4; ++round) {
    if (auto done = channel.send(sent); !done) return fail(done.error());
    auto echo = channel.receive(got, 20s);
    if (!echo) return fail(echo.error());
    if (echo->size != sent.size() || !std::equal(sent.begin(), sent.end(), got.begin())) return fail(Error::internal);
    auto reply = channel.call("reverse", as_bytes("stressed"), got, {.deadline = 20s});
    if (!reply) return fail(reply.error());
    if (reply->status != 42 || as_text(std::span(got).first(reply->size)) != "desserts") return fail(Error::internal);
    // Every second round under a fresh secret that we offer.
    if (round % 2 == 0) {
      if (auto begun = channel.refresh_keys(); !begun) return fail(begun.error());
    }
  }
  auto reply = channel.call("unknown", {}, got, {.deadline = 20s});
  if (reply || reply.error() != Error::operation_refused) return fail(Error::internal);
  channel.close();
  std::printf("done\n");
  return 0;
}

int connect(const Endpoint& endpoint, Setup setup) {
  ConnectOptions options;
  options.policy = std::move(setup.policy);
  options.keys = std::move(setup.keys);
  options.trust = setup.trust;
  options.suite = setup.suite;
  options.channel = setup.channel;
  auto channel = blocking::connect(endpoint, options);
  if (!channel) return fail(channel.error());
  return talk(*channel);
}

int adopt_and_serve() {
  AdoptOptions options;
  options.deadline = 20s;
  options.channel.rekey.records = 5;
  options.operations = operations;
  auto channel = adopt(options);
  return channel ? serve(*channel) : fail(channel.error());
}

int launch_and_talk(const char* interpreter, const char* script, std::string_view suite) {
  LaunchOptions options;
  options.program = interpreter;
  const bool aes = suite == "aes";
  options.arguments = {script, aes ? "25519_AESGCM_SHA256" : "25519_ChaChaPoly_BLAKE2b"};
  options.environment = {"PYTHONDONTWRITEBYTECODE=1"};
  options.suite = aes ? Suite::aesgcm_sha256 : Suite::chachapoly_blake2b;
  options.deadline = 20s;
  options.channel.rekey.records = 5;
  auto launched = launch(options);
  return launched ? talk(launched->channel) : fail(launched.error());
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view role = argc > 1 ? argv[1] : "";
  if (role == "adopt") return adopt_and_serve();
  if (role == "launch" && argc == 5) return launch_and_talk(argv[2], argv[3], argv[4]);
  if (argc != 5 && argc != 7) return 2;
  auto endpoint = Endpoint::make(argv[3], Scope::user, argv[2]);
  if (!endpoint) return fail(endpoint.error());
  auto setup = set_up(argc, argv);
  if (!setup) return fail(setup.error());
  return role == "listen" ? listen(*endpoint, std::move(*setup)) : connect(*endpoint, std::move(*setup));
}
