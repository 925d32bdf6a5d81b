#include "bench/contender.hpp"

#include <cstring>
#include <stdexcept>

namespace penstock::bench {

void fail(const std::string& sentence) {
  throw std::runtime_error(sentence);
}

void put_number(bytes_span message, std::uint64_t number) noexcept {
  if (message.size() >= sizeof number) std::memcpy(message.data(), &number, sizeof number);
}

void count(Tally& tally, bytes_view message, std::size_t size) {
  if (message.size() != size) {
    fail("message " + std::to_string(tally.messages) + " has " + std::to_string(message.size()) + " bytes instead of " +
         std::to_string(size));
  }
  std::uint64_t number = tally.messages;
  if (message.size() >= sizeof number) std::memcpy(&number, message.data(), sizeof number);
  if (number != tally.messages) {
    fail("message " + std::to_string(number) + " came where " + std::to_string(tally.messages) + " should have");
  }
  ++tally.messages;
  tally.bytes += message.size();
}

void Connection::ping(bytes_span message, std::uint64_t rounds, const Stopwatch& watch) {
  for (std::uint64_t i = 0; i < rounds; ++i) {
    watch.begin();
    send(message);
    receive(message);
    watch.end();
  }
}

void Connection::echo(bytes_span message, std::uint64_t rounds) {
  for (std::uint64_t i = 0; i < rounds; ++i) {
    receive(message);
    send(message);
  }
}

void Connection::send_stream(bytes_span message, std::uint64_t messages) {
  for (std::uint64_t i = 0; i < messages; ++i) {
    put_number(message, i);
    send(message);
  }
}

Tally Connection::receive_stream(bytes_span message, std::uint64_t messages) {
  Tally tally;
  for (std::uint64_t i = 0; i < messages; ++i) {
    receive(message);
    count(tally, message, message.size());
  }
  return tally;
}

std::vector<Contender> all_contenders() {
  std::vector<Contender> list;
  add_raw(list);
  add_raw_memory(list);
  add_message_queue(list);
  add_penstock_blocking(list);
  add_penstock_async(list);
  add_tls(list);
  add_zmq(list);
  add_grpc(list);
  return list;
}

}  // namespace penstock::bench
