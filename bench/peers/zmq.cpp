// ZeroMQ with CURVE over ipc: both ends with keys, encrypted (Curve25519, XSalsa20-Poly1305). libzmq moves the bytes in
// a thread of its own, which shares the process's one core here.
#include <zmq.h>

#include <cstring>
#include <fstream>

#include "bench/contender.hpp"

namespace penstock::bench {
namespace {

[[noreturn]] void fail_zmq(const char* what) {
  fail(std::string("ZeroMQ, ") + what + ": " + zmq_strerror(zmq_errno()));
}

void need(int outcome, const char* what) {
  if (outcome < 0) fail_zmq(what);
}

struct Context {
  Context() : raw(zmq_ctx_new()) {
    need(zmq_ctx_set(raw, ZMQ_MAX_SOCKETS, zmq_ctx_get(raw, ZMQ_SOCKET_LIMIT)), "socket limit");
  }
  ~Context() { zmq_ctx_term(raw); }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  void* raw;
};

struct Socket {
  Socket(const Context& context, int kind) : raw(zmq_socket(context.raw, kind)) {
    if (raw == nullptr) fail_zmq("socket");
    set(ZMQ_LINGER, 1000);
    set(ZMQ_SNDHWM, 100'000);  // in its favour: the default of 1,000 makes a stream of small messages wait more often
    set(ZMQ_RCVHWM, 100'000);
  }
  ~Socket() { zmq_close(raw); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  void set(int option, int value) const { need(zmq_setsockopt(raw, option, &value, sizeof value), "option"); }
  void set(int option, const std::string& value) const {
    need(zmq_setsockopt(raw, option, value.data(), value.size()), "option");
  }
  void* raw;
};

struct CurveKeys {
  char open[41];
  char secret[41];
};

void make_curve_keys(const std::string& directory) {
  for (const char* end : {"server", "client"}) {
    CurveKeys keys{};
    need(zmq_curve_keypair(keys.open, keys.secret), "keys (was libzmq built with CURVE?)");
    std::ofstream(directory + "/" + end + ".curve") << keys.open << ' ' << keys.secret << '\n';
  }
}

CurveKeys read_curve_keys(const std::string& directory, const char* end) {
  CurveKeys keys{};
  std::ifstream file(directory + "/" + end + ".curve");
  file.width(sizeof keys.open);
  file >> keys.open;
  file.width(sizeof keys.secret);
  file >> keys.secret;
  if (!file || std::strlen(keys.open) != 40 || std::strlen(keys.secret) != 40) fail("ZeroMQ: cannot read the keys");
  return keys;
}

// One message: a delimiter-free frame, behind the peer's name where there is one (ROUTER).
class ZmqConnection final : public Connection {
 public:
  /// `first`: a message that was taken to learn the name.
  ZmqConnection(std::shared_ptr<Socket> socket, std::string peer, std::vector<std::byte> first)
      : socket_(std::move(socket)), peer_(std::move(peer)), first_(std::move(first)) {}

  void send(bytes_view message) override {
    if (!peer_.empty()) need(zmq_send(socket_->raw, peer_.data(), peer_.size(), ZMQ_SNDMORE), "send");
    need(zmq_send(socket_->raw, message.data(), message.size(), 0), "send");
  }

  void receive(bytes_span message) override {
    if (!first_.empty()) {
      if (first_.size() != message.size()) fail("ZeroMQ: a message of the wrong size");
      std::memcpy(message.data(), first_.data(), message.size());
      first_.clear();
      return;
    }
    if (!peer_.empty()) {
      char name[256];
      need(zmq_recv(socket_->raw, name, sizeof name, 0), "receive");
    }
    const int got = zmq_recv(socket_->raw, message.data(), message.size(), 0);
    need(got, "receive");
    if (static_cast<std::size_t>(got) != message.size()) fail("ZeroMQ: a message of the wrong size");
  }

 private:
  std::shared_ptr<Socket> socket_;
  std::string peer_;
  std::vector<std::byte> first_;
};

std::string address_in(const std::string& directory) {
  return "ipc://" + directory + "/zmq.sock";
}

// Streams and round trips use a pair; set-ups and idle connections, where many come, a router.
class ZmqServer final : public Server {
 public:
  ZmqServer(const std::string& directory, bool many)
      : many_(many), socket_(std::make_shared<Socket>(context_, many ? ZMQ_ROUTER : ZMQ_PAIR)) {
    socket_->set(ZMQ_CURVE_SERVER, 1);
    socket_->set(ZMQ_CURVE_SECRETKEY, read_curve_keys(directory, "server").secret);
    // The client's key is checked here against the one that is allowed; libzmq asks over this in-process socket (ZAP).
    socket_->set(ZMQ_ZAP_DOMAIN, "bench");
    start_authenticator(read_curve_keys(directory, "client").open);
    need(zmq_bind(socket_->raw, address_in(directory).c_str()), "bind");
  }
  ~ZmqServer() override { socket_.reset(); }

  std::unique_ptr<Connection> accept() override {
    if (!many_) return std::make_unique<ZmqConnection>(socket_, "", std::vector<std::byte>());
    std::string peer(256, '\0');
    const int name = zmq_recv(socket_->raw, peer.data(), peer.size(), 0);
    need(name, "receive");
    peer.resize(static_cast<std::size_t>(name));
    std::vector<std::byte> first(64);
    const int size = zmq_recv(socket_->raw, first.data(), first.size(), 0);
    need(size, "receive");
    first.resize(static_cast<std::size_t>(size));
    return std::make_unique<ZmqConnection>(socket_, std::move(peer), std::move(first));
  }

 private:
  static void answer_requests(void* handler, const std::uint8_t* allowed);
  void start_authenticator(const char* client_key);

  Context context_;
  bool many_;
  std::shared_ptr<Socket> socket_;
};

// ZAP (rfc.zeromq.org/27): version, request id, domain, address, identity, mechanism, key.
void ZmqServer::answer_requests(void* handler, const std::uint8_t* allowed) {
  for (;;) {
    std::string parts[7];
    for (auto& part : parts) {
      part.resize(256);
      const int size = zmq_recv(handler, part.data(), part.size(), 0);
      if (size < 0) return;  // the context ends
      part.resize(static_cast<std::size_t>(size));
    }
    const bool good = parts[5] == "CURVE" && parts[6].size() == 32 && std::memcmp(parts[6].data(), allowed, 32) == 0;
    const std::string answer[] = {"1.0", parts[1], good ? "200" : "400", good ? "OK" : "refused", "", ""};
    for (std::size_t i = 0; i < std::size(answer); ++i) {
      zmq_send(handler, answer[i].data(), answer[i].size(), i + 1 < std::size(answer) ? ZMQ_SNDMORE : 0);
    }
  }
}

void ZmqServer::start_authenticator(const char* client_key) {
  struct Task {
    void* handler;
    std::uint8_t allowed[32];
  };
  auto* task = new Task;
  zmq_z85_decode(task->allowed, client_key);
  task->handler = zmq_socket(context_.raw, ZMQ_REP);
  need(zmq_bind(task->handler, "inproc://zeromq.zap.01"), "bind the authenticator");
  zmq_threadstart(
      [](void* raw) {
        const std::unique_ptr<Task> own(static_cast<Task*>(raw));
        answer_requests(own->handler, own->allowed);
        zmq_close(own->handler);
      },
      task);
}

class ZmqClient final : public Client {
 public:
  ZmqClient(const std::string& directory, bool many)
      : many_(many),
        address_(address_in(directory)),
        own_(read_curve_keys(directory, "client")),
        server_(read_curve_keys(directory, "server").open) {}

  std::unique_ptr<Connection> connect() override {
    auto socket = std::make_shared<Socket>(context_, many_ ? ZMQ_DEALER : ZMQ_PAIR);
    socket->set(ZMQ_CURVE_SERVERKEY, server_);
    socket->set(ZMQ_CURVE_PUBLICKEY, own_.open);
    socket->set(ZMQ_CURVE_SECRETKEY, own_.secret);
    need(zmq_connect(socket->raw, address_.c_str()), "connect");
    return std::make_unique<ZmqConnection>(std::move(socket), "", std::vector<std::byte>());
  }

 private:
  Context context_;
  bool many_;
  std::string address_;
  CurveKeys own_;
  std::string server_;
};

}  // namespace

void add_zmq(std::vector<Contender>& list) {
  for (const bool many : {false, true}) {
    Contender made;
    made.name = "zmq-curve";
    made.what = "ZeroMQ with CURVE over ipc";
    made.events = {!many, !many, many, many, false, many};
    made.slowness = many ? 4 : 2;
    made.prepare = make_curve_keys;
    made.serve = [many](const std::string& directory) { return std::make_unique<ZmqServer>(directory, many); };
    made.client = [many](const std::string& directory) { return std::make_unique<ZmqClient>(directory, many); };
    list.push_back(std::move(made));
  }
}

}  // namespace penstock::bench
