// One way for two processes to talk, as the benchmark sees it. Every contender does the same work through its own API.
#pragma once

#include <cstdint>
#include <functional>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "penstock/bytes.hpp"

namespace penstock::bench {

/// Ends this end of the measurement with a sentence; the run then ends too. A benchmark that goes on after an error
/// would report the speed of failing.
[[noreturn]] void fail(const std::string& sentence);

/// What a receiver has counted, and tells the sender at the end of a stream.
struct Tally {
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
  friend bool operator==(const Tally&, const Tally&) = default;
};

/// A message carries its number, where it has room for one, so that the receiver notices a lost or doubled one.
void put_number(bytes_span message, std::uint64_t number) noexcept;
/// Fails when the message is not number `tally.messages` or not of size `size`; else counts it.
void count(Tally& tally, bytes_view message, std::size_t size);

/// Told before and after each round trip; what happens between the two is what is measured.
struct Stopwatch {
  std::function<void()> begin, end;
};

/// One end of an open connection. Each call fails with a sentence rather than returning an error.
class Connection {
 public:
  virtual ~Connection() = default;
  /// Sends one message, by the contender's own call for one message.
  virtual void send(bytes_view message) = 0;
  /// Receives one message of exactly this size.
  virtual void receive(bytes_span message) = 0;

  // What a contender with an event loop does inside it instead.

  /// `rounds` times: send, then wait for the answer of the same size.
  virtual void ping(bytes_span message, std::uint64_t rounds, const Stopwatch& watch);
  /// The other end of ping().
  virtual void echo(bytes_span message, std::uint64_t rounds);
  /// Sends `messages` messages, one after the other, each numbered.
  virtual void send_stream(bytes_span message, std::uint64_t messages);
  /// Receives them, and counts them.
  virtual Tally receive_stream(bytes_span message, std::uint64_t messages);
  /// One large message, or the sender's way of not sending it at all.
  virtual void hand_over(bytes_view message) { send(message); }
  /// The other end: what stands first and last in it.
  virtual std::pair<std::byte, std::byte> take_over(bytes_span message) {
    receive(message);
    return {message.front(), message.back()};
  }
  /// From now on this end only waits for whatever comes next, as a server's idle connection does.
  virtual void idle() {}
  /// Waits for so long, as idle() left it; one thread serves all connections of this end meanwhile.
  virtual void stay(std::chrono::milliseconds time) { std::this_thread::sleep_for(time); }
};

/// The listening end.
class Server {
 public:
  virtual ~Server() = default;
  /// The next connection, whose peer is proven as far as this contender proves anything.
  virtual std::unique_ptr<Connection> accept() = 0;
};

/// The connecting end. What may be prepared once for many connections is prepared when it is made.
class Client {
 public:
  virtual ~Client() = default;
  virtual std::unique_ptr<Connection> connect() = 0;
};

/// Which measurements a contender takes part in.
struct Events {
  bool round_trip = false;
  bool one_way = false;
  bool set_up = false;
  bool memory = false;
  bool hand_over = false;
  bool many = false;
  bool stays = false;
};

struct Contender {
  std::string name;
  std::string what;  ///< one line for the legend
  Events events;
  /// Divides how often things are repeated: 1 for what takes microseconds.
  unsigned slowness = 1;
  std::size_t largest = std::size_t{1} << 30;  ///< bytes of a message that it takes
  /// Makes keys and certificates in `directory`, in a process of its own.
  std::function<void(const std::string& directory)> prepare;
  std::function<std::unique_ptr<Server>(const std::string& directory)> serve;
  std::function<std::unique_ptr<Client>(const std::string& directory)> client;
};

/// Everything that was built in, in the order of the tables.
std::vector<Contender> all_contenders();

// One file each.
void add_raw(std::vector<Contender>& list);
void add_raw_memory(std::vector<Contender>& list);
void add_message_queue(std::vector<Contender>& list);
void add_penstock_blocking(std::vector<Contender>& list);
void add_penstock_async(std::vector<Contender>& list);
void add_tls(std::vector<Contender>& list);
void add_zmq(std::vector<Contender>& list);
void add_grpc(std::vector<Contender>& list);  ///< adds nothing where gRPC was not found or is switched off

}  // namespace penstock::bench
