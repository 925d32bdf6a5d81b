// Penstock's blocking face: one call for one message, each suite, both wait profiles, both kinds of trust.
#include <algorithm>

#include "bench/contender.hpp"
#include "bench/peers/penstock_options.hpp"

namespace penstock::bench {
namespace {

/// How a connection is used.
enum class Style : std::uint8_t { wait, spin, call, buffer };

class BlockingConnection final : public Connection {
 public:
  BlockingConnection(blocking::Channel channel, Style style) : channel_(std::move(channel)), style_(style) {}

  void send(bytes_view message) override { must(channel_.send(message), "send"); }
  void receive(bytes_span message) override {
    auto received = style_ == Style::spin ? channel_.try_receive(message) : channel_.receive(message);
    while (!received && received.error() == Error::would_block) received = channel_.try_receive(message);
    const auto incoming = must(std::move(received), "receive");
    if (incoming.size != message.size()) fail("Penstock: a message of the wrong size");
  }

  void ping(bytes_span message, std::uint64_t rounds, const Stopwatch& watch) override {
    if (style_ != Style::call) return Connection::ping(message, rounds, watch);
    for (std::uint64_t i = 0; i < rounds; ++i) {
      watch.begin();
      const auto reply = must(channel_.call("echo", message, message), "call");
      watch.end();
      if (reply.size != message.size() || reply.status != 0) fail("Penstock: a wrong reply");
    }
  }

  void echo(bytes_span message, std::uint64_t rounds) override {
    if (style_ != Style::call) return Connection::echo(message, rounds);
    for (std::uint64_t i = 0; i < rounds; ++i) {
      const auto request = must(channel_.receive(message), "receive");
      if (request.kind != MessageKind::request) fail("Penstock: a message where a request should have come");
      must(channel_.reply(request.request, 0, message.first(request.size)), "reply");
    }
  }

  // The buffer is made once, as a cache or a frame of a video would be; handing it over is what is measured.
  void hand_over(bytes_view message) override {
    if (style_ != Style::buffer) return Connection::hand_over(message);
    if (!buffer_) {
      auto maker = must(BufferMaker::make(message.size()), "make a buffer");
      std::ranges::copy(message, maker.bytes().begin());
      buffer_ = must(maker.seal(), "seal a buffer");
    }
    must(channel_.send_buffer(buffer_), "send_buffer");
  }
  std::pair<std::byte, std::byte> take_over(bytes_span message) override {
    if (style_ != Style::buffer) return Connection::take_over(message);
    auto incoming = must(channel_.receive(message), "receive");
    const auto view = must(incoming.buffer.view(), "map a buffer");
    if (view.size() != message.size()) fail("Penstock: a buffer of the wrong size");
    return {view.front(), view.back()};
  }

 private:
  blocking::Channel channel_;
  Style style_;
  SealedBuffer buffer_;  ///< Style::buffer: made once
};

class BlockingServer final : public Server {
 public:
  BlockingServer(const std::string& directory, const PenstockSetting& setting, Style style)
      : listener_(must(blocking::Listener::open(endpoint_in(directory), listen_options(directory, setting)), "listen")),
        style_(style) {}
  std::unique_ptr<Connection> accept() override {
    return std::make_unique<BlockingConnection>(must(listener_.accept(), "accept"), style_);
  }

 private:
  blocking::Listener listener_;
  Style style_;
};

class BlockingClient final : public Client {
 public:
  BlockingClient(const std::string& directory, const PenstockSetting& setting, Style style)
      : endpoint_(endpoint_in(directory)), options_(connect_options(directory, setting)), style_(style) {}
  std::unique_ptr<Connection> connect() override {
    auto channel = must(blocking::connect(endpoint_, options_), "connect");
    return std::make_unique<BlockingConnection>(std::move(channel), style_);
  }

 private:
  Endpoint endpoint_;
  ConnectOptions options_;
  Style style_;
};

struct Row {
  const char* name;
  const char* what;
  Events events;
  PenstockSetting setting;
  Style style = Style::wait;
};

constexpr PenstockSetting shared(WaitProfile wait) {
  return {Trust::os_identity, Suite::aesgcm_sha256, wait, DataPlane::shared_memory};
}

constexpr Row rows[] = {
    {"penstock", "Penstock, AES-256-GCM, blocking", {true, true, false, true, false, true}, {}},
    {"penstock-chacha",
     "Penstock, ChaCha20-Poly1305, blocking",
     {true, true, false, false},
     {Trust::os_identity, Suite::chachapoly_blake2b, WaitProfile::blocking}},
    {"penstock-latency",
     "Penstock, AES-256-GCM, the latency profile (polls for up to 20 µs)",
     {true, false, false, false},
     {Trust::os_identity, Suite::aesgcm_sha256, WaitProfile::latency}},
    {"penstock-call", "Penstock, AES-256-GCM, blocking, call and reply", {true, false, false, false}, {}, Style::call},
    {"penstock-shm", "Penstock, AES-256-GCM, shared memory, blocking", {true, true, false, true, true, true, true}, shared(WaitProfile::blocking)},
    {"penstock-shm-adaptive",
     "Penstock, AES-256-GCM, shared memory, the latency profile (polls for up to 20 µs)",
     {true, true, false, false, true},
     shared(WaitProfile::latency)},
    {"penstock-shm-spin",
     "Penstock, AES-256-GCM, shared memory, try_receive in a loop",
     {true, true, false, false, false},
     shared(WaitProfile::blocking),
     Style::spin},
    {"penstock-buffer",
     "Penstock, a sealed buffer over shared memory",
     {false, false, false, false, true},
     shared(WaitProfile::blocking),
     Style::buffer},
    {"penstock-buffer-adaptive",
     "Penstock, a sealed buffer over shared memory, the latency profile",
     {false, false, false, false, true},
     shared(WaitProfile::latency),
     Style::buffer},
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
      return std::make_unique<BlockingServer>(directory, row.setting, row.style);
    };
    made.client = [row](const std::string& directory) {
      return std::make_unique<BlockingClient>(directory, row.setting, row.style);
    };
    list.push_back(std::move(made));
  }
}

}  // namespace penstock::bench
