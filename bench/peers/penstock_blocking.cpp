// Penstock's blocking face: one call for one message, each suite, both wait profiles, both kinds of trust.
#include "bench/contender.hpp"
#include "bench/peers/penstock_options.hpp"

namespace penstock::bench {
namespace {

class BlockingConnection final : public Connection {
 public:
  BlockingConnection(blocking::Channel channel, bool calls) : channel_(std::move(channel)), calls_(calls) {}

  void send(bytes_view message) override { must(channel_.send(message), "send"); }
  void receive(bytes_span message) override {
    const auto incoming = must(channel_.receive(message), "receive");
    if (incoming.size != message.size()) fail("Penstock: a message of the wrong size");
  }

  void ping(bytes_span message, std::uint64_t rounds, const Stopwatch& watch) override {
    if (!calls_) return Connection::ping(message, rounds, watch);
    for (std::uint64_t i = 0; i < rounds; ++i) {
      watch.begin();
      const auto reply = must(channel_.call("echo", message, message), "call");
      watch.end();
      if (reply.size != message.size() || reply.status != 0) fail("Penstock: a wrong reply");
    }
  }

  void echo(bytes_span message, std::uint64_t rounds) override {
    if (!calls_) return Connection::echo(message, rounds);
    for (std::uint64_t i = 0; i < rounds; ++i) {
      const auto request = must(channel_.receive(message), "receive");
      if (request.kind != MessageKind::request) fail("Penstock: a message where a request should have come");
      must(channel_.reply(request.request, 0, message.first(request.size)), "reply");
    }
  }

 private:
  blocking::Channel channel_;
  bool calls_;
};

class BlockingServer final : public Server {
 public:
  BlockingServer(const std::string& directory, const PenstockSetting& setting, bool calls)
      : listener_(must(blocking::Listener::open(endpoint_in(directory), listen_options(directory, setting)), "listen")),
        calls_(calls) {}
  std::unique_ptr<Connection> accept() override {
    return std::make_unique<BlockingConnection>(must(listener_.accept(), "accept"), calls_);
  }

 private:
  blocking::Listener listener_;
  bool calls_;
};

class BlockingClient final : public Client {
 public:
  BlockingClient(const std::string& directory, const PenstockSetting& setting, bool calls)
      : endpoint_(endpoint_in(directory)), options_(connect_options(directory, setting)), calls_(calls) {}
  std::unique_ptr<Connection> connect() override {
    auto channel = must(blocking::connect(endpoint_, options_), "connect");
    return std::make_unique<BlockingConnection>(std::move(channel), calls_);
  }

 private:
  Endpoint endpoint_;
  ConnectOptions options_;
  bool calls_;
};

struct Row {
  const char* name;
  const char* what;
  Events events;
  PenstockSetting setting;
  bool calls = false;
};

constexpr Row rows[] = {
    {"penstock", "Penstock, AES-256-GCM, blocking", {true, true, false, true}, {}},
    {"penstock-chacha",
     "Penstock, ChaCha20-Poly1305, blocking",
     {true, true, false, false},
     {Trust::os_identity, Suite::chachapoly_blake2b, WaitProfile::blocking}},
    {"penstock-latency",
     "Penstock, AES-256-GCM, the latency profile (polls for up to 20 µs)",
     {true, false, false, false},
     {Trust::os_identity, Suite::aesgcm_sha256, WaitProfile::latency}},
    {"penstock-call", "Penstock, AES-256-GCM, blocking, call and reply", {true, false, false, false}, {}, true},
    {"penstock-nn", "Penstock, Noise NN: pinned by the kernel", {false, false, true, false}, {}},
    {"penstock-xx",
     "Penstock, Noise XX: pinned by the kernel, and static keys",
     {false, false, true, true},
     {Trust::static_key, Suite::aesgcm_sha256, WaitProfile::blocking}},
};

}  // namespace

void add_penstock_blocking(std::vector<Contender>& list) {
  for (const auto& row : rows) {
    Contender made;
    made.name = row.name;
    made.what = row.what;
    made.events = row.events;
    if (row.setting.trust == Trust::static_key) made.prepare = make_keys;
    made.serve = [row](const std::string& directory) {
      return std::make_unique<BlockingServer>(directory, row.setting, row.calls);
    };
    made.client = [row](const std::string& directory) {
      return std::make_unique<BlockingClient>(directory, row.setting, row.calls);
    };
    list.push_back(std::move(made));
  }
}

}  // namespace penstock::bench
