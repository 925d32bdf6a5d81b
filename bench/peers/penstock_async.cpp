// Penstock's Asio face: coroutines on one io_context in each process. Frames that gather while a write is under way
// leave together, so this is the face for streams of small messages.
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>

#include "bench/contender.hpp"
#include "bench/peers/penstock_options.hpp"

namespace penstock::bench {
namespace {

using asio::use_awaitable;

asio::mutable_buffer buffer(bytes_span bytes) {
  return {bytes.data(), bytes.size()};
}
asio::const_buffer buffer(bytes_view bytes) {
  return {bytes.data(), bytes.size()};
}

class AsyncConnection final : public Connection {
 public:
  AsyncConnection(asio::io_context& context, Channel channel) : context_(context), channel_(std::move(channel)) {}

  void send(bytes_view message) override { run(send_one(message)); }
  void receive(bytes_span message) override { run(receive_one(message)); }
  void ping(bytes_span message, std::uint64_t rounds, const Stopwatch& watch) override {
    run(do_ping(message, rounds, watch));
  }
  void echo(bytes_span message, std::uint64_t rounds) override { run(do_echo(message, rounds)); }
  void send_stream(bytes_span message, std::uint64_t messages) override { run(do_send(message, messages)); }
  Tally receive_stream(bytes_span message, std::uint64_t messages) override {
    Tally tally;
    run(do_receive(message, messages, tally));
    return tally;
  }

  // As in a real server: a receive is outstanding on every connection.
  void idle() override {
    idle_buffer_.resize(64);
    channel_.async_receive(buffer(bytes_span(idle_buffer_)), [](boost::system::error_code, const Incoming&) {});
    context_.restart();
    context_.poll();
  }
  void stay(std::chrono::milliseconds time) override {
    context_.restart();
    context_.run_for(time);
  }

 private:
  template <class Task>
  void run(Task task) {
    std::exception_ptr failed;
    bool done = false;
    asio::co_spawn(context_, std::move(task), [&](std::exception_ptr error) {
      failed = error;
      done = true;
    });
    context_.restart();
    while (!done && context_.run_one() != 0) {
    }
    if (failed) std::rethrow_exception(failed);
    // What was sent last is still to be written in a turn of its own.
    context_.poll();
  }

  asio::awaitable<void> send_one(bytes_view message) { co_await channel_.async_send(buffer(message), use_awaitable); }

  asio::awaitable<void> receive_one(bytes_span message) {
    const auto incoming = co_await channel_.async_receive(buffer(message), use_awaitable);
    if (incoming.size != message.size()) fail("Penstock: a message of the wrong size");
  }

  asio::awaitable<void> do_ping(bytes_span message, std::uint64_t rounds, const Stopwatch& watch) {
    for (std::uint64_t i = 0; i < rounds; ++i) {
      watch.begin();
      co_await channel_.async_send(buffer(bytes_view(message)), use_awaitable);
      co_await channel_.async_receive(buffer(message), use_awaitable);
      watch.end();
    }
  }

  asio::awaitable<void> do_echo(bytes_span message, std::uint64_t rounds) {
    for (std::uint64_t i = 0; i < rounds; ++i) {
      co_await channel_.async_receive(buffer(message), use_awaitable);
      co_await channel_.async_send(buffer(bytes_view(message)), use_awaitable);
    }
  }

  // try_send until the channel says that enough is waiting, then wait for room: the way docs/EMBEDDING.md shows.
  asio::awaitable<void> do_send(bytes_span message, std::uint64_t messages) {
    for (std::uint64_t i = 0; i < messages; ++i) {
      put_number(message, i);
      const auto sent = channel_.try_send(buffer(bytes_view(message)));
      if (sent) continue;
      const bool wait = sent.error() == Error::would_block || sent.error() == Error::message_too_large;
      if (!wait) fail_with(sent.error(), "try_send");
      co_await channel_.async_send(buffer(bytes_view(message)), use_awaitable);
    }
  }

  asio::awaitable<void> do_receive(bytes_span message, std::uint64_t messages, Tally& tally) {
    while (tally.messages < messages) {
      auto incoming = channel_.try_receive(buffer(message));
      if (!incoming && incoming.error() != Error::would_block) fail_with(incoming.error(), "try_receive");
      const auto size =
          incoming ? incoming->size : (co_await channel_.async_receive(buffer(message), use_awaitable)).size;
      count(tally, message.first(size), message.size());
    }
  }

  asio::io_context& context_;
  Channel channel_;
  std::vector<std::byte> idle_buffer_;
};

class AsyncServer final : public Server {
 public:
  AsyncServer(const std::string& directory, const PenstockSetting& setting)
      : listener_(
            must(Listener::open(context_.get_executor(), endpoint_in(directory), listen_options(directory, setting)),
                 "listen")) {}

  std::unique_ptr<Connection> accept() override {
    Channel accepted;
    boost::system::error_code failed;
    bool done = false;
    listener_.async_accept([&](boost::system::error_code ec, Channel channel) {
      failed = ec;
      accepted = std::move(channel);
      done = true;
    });
    context_.restart();
    while (!done && context_.run_one() != 0) {
    }
    if (failed) fail("Penstock, accept: " + failed.message());
    return std::make_unique<AsyncConnection>(context_, std::move(accepted));
  }

 private:
  asio::io_context context_{1};
  Listener listener_;
};

class AsyncClient final : public Client {
 public:
  AsyncClient(const std::string& directory, const PenstockSetting& setting)
      : endpoint_(endpoint_in(directory)), options_(connect_options(directory, setting)) {}

  std::unique_ptr<Connection> connect() override {
    Channel connected;
    bool done = false;
    async_connect(context_.get_executor(), endpoint_, options_, [&](boost::system::error_code, Channel channel) {
      connected = std::move(channel);
      done = true;
    });
    context_.restart();
    while (!done && context_.run_one() != 0) {
    }
    if (!connected.is_open()) fail_with(connected.close_reason(), "connect");
    return std::make_unique<AsyncConnection>(context_, std::move(connected));
  }

 private:
  asio::io_context context_{1};
  Endpoint endpoint_;
  ConnectOptions options_;
};

void add(std::vector<Contender>& list, const char* name, const char* what, Events events, PenstockSetting setting) {
  Contender made;
  made.name = name;
  made.what = what;
  made.events = events;
  made.serve = [setting](const std::string& directory) { return std::make_unique<AsyncServer>(directory, setting); };
  made.client = [setting](const std::string& directory) { return std::make_unique<AsyncClient>(directory, setting); };
  list.push_back(std::move(made));
}

}  // namespace

void add_penstock_async(std::vector<Contender>& list) {
  add(list, "penstock-asio", "Penstock, AES-256-GCM, coroutines", {true, true, false, true, false, true}, {});
  add(list, "penstock-asio-chacha", "Penstock, ChaCha20-Poly1305, coroutines", {false, true, false, false},
      {Trust::os_identity, Suite::chachapoly_blake2b, WaitProfile::blocking});
  add(list, "penstock-shm-asio", "Penstock, AES-256-GCM, shared memory, coroutines", {true, true, false, true, false, true, true},
      {Trust::os_identity, Suite::aesgcm_sha256, WaitProfile::blocking, DataPlane::shared_memory});
}

}  // namespace penstock::bench
