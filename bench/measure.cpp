#include "bench/measure.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <optional>

namespace penstock::bench {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Enough for buffers, budgets and branch predictors to settle; not measured.
std::uint64_t warm_up(std::uint64_t count) {
  return count / 10 + 1;
}

double percentile(std::vector<float>& sorted, double part) {
  const auto at = static_cast<std::size_t>(part * static_cast<double>(sorted.size() - 1));
  return static_cast<double>(sorted[at]);
}

// --- round trips ----------------------------------------------------------------------------------------------------

Report serve_round_trips(const Contender& contender, const Plan& plan, const Parent& parent) {
  const auto server = contender.serve(plan.directory);
  parent.ready();
  const auto connection = server->accept();
  std::vector<std::byte> message(plan.size);
  connection->echo(message, warm_up(plan.count));
  Report report;
  const double cpu = processor_seconds();
  connection->echo(message, plan.count);
  report.cpu = processor_seconds() - cpu;
  // The client's last word: its last answer has arrived, so closing cannot take it away.
  connection->receive(std::span(message).first(1));
  return report;
}

Report drive_round_trips(const Contender& contender, const Plan& plan) {
  const auto client = contender.client(plan.directory);
  const auto connection = client->connect();
  std::vector<std::byte> message(plan.size);
  std::vector<float> times;
  times.reserve(plan.count);
  Clock::time_point begun;
  const Stopwatch watch{[&] { begun = Clock::now(); },
                        [&] { times.push_back(static_cast<float>(seconds_since(begun))); }};
  connection->ping(message, warm_up(plan.count), {[] {}, [] {}});

  Report report;
  const double cpu = processor_seconds();
  const auto start = Clock::now();
  connection->ping(message, plan.count, watch);
  report.seconds = seconds_since(start);
  report.cpu = processor_seconds() - cpu;
  connection->send(std::span(message).first(1));
  if (times.size() != plan.count) fail("only " + std::to_string(times.size()) + " round trips were made");
  std::sort(times.begin(), times.end());
  report.p50 = percentile(times, 0.50);
  report.p99 = percentile(times, 0.99);
  report.operations = static_cast<double>(plan.count);
  report.bytes = 2 * static_cast<double>(plan.count) * static_cast<double>(plan.size);
  return report;
}

// --- one way --------------------------------------------------------------------------------------------------------

// The receiver's confirmation: what it has counted, as one message back.
void confirm(Connection& connection, const Tally& tally) {
  byte_array<sizeof(Tally)> answer;
  std::memcpy(answer.data(), &tally, sizeof tally);
  connection.send(answer);
}

void expect_confirmation(Connection& connection, const Tally& sent) {
  byte_array<sizeof(Tally)> answer;
  connection.receive(answer);
  Tally counted;
  std::memcpy(&counted, answer.data(), sizeof counted);
  if (counted == sent) return;
  fail("the receiver counted " + std::to_string(counted.messages) + " messages and " + std::to_string(counted.bytes) +
       " bytes of " + std::to_string(sent.messages) + " and " + std::to_string(sent.bytes));
}

Report serve_one_way(const Contender& contender, const Plan& plan, const Parent& parent) {
  const auto server = contender.serve(plan.directory);
  parent.ready();
  const auto connection = server->accept();
  std::vector<std::byte> message(plan.size);
  confirm(*connection, connection->receive_stream(message, warm_up(plan.count)));
  Report report;
  const double cpu = processor_seconds();
  const auto tally = connection->receive_stream(message, plan.count);
  report.cpu = processor_seconds() - cpu;
  confirm(*connection, tally);
  connection->receive(std::span(message).first(1));
  return report;
}

Report drive_one_way(const Contender& contender, const Plan& plan) {
  const auto client = contender.client(plan.directory);
  const auto connection = client->connect();
  std::vector<std::byte> message(plan.size);
  const auto warm = warm_up(plan.count);
  connection->send_stream(message, warm);
  expect_confirmation(*connection, {warm, warm * plan.size});

  Report report;
  const Tally all{plan.count, plan.count * plan.size};
  const double cpu = processor_seconds();
  const auto start = Clock::now();
  connection->send_stream(message, plan.count);
  expect_confirmation(*connection, all);
  report.seconds = seconds_since(start);
  report.cpu = processor_seconds() - cpu;
  connection->send(std::span(message).first(1));
  report.operations = static_cast<double>(all.messages);
  report.bytes = static_cast<double>(all.bytes);
  return report;
}

// --- large messages and buffers ---------------------------------------------------------------------------------------

Report serve_hand_overs(const Contender& contender, const Plan& plan, const Parent& parent) {
  const auto server = contender.serve(plan.directory);
  parent.ready();
  const auto connection = server->accept();
  std::vector<std::byte> message(plan.size);
  for (std::uint64_t i = warm_up(plan.count) + plan.count; i > 0; --i) {
    const auto [first, last] = connection->take_over(message);
    connection->send(byte_array<2>{first, last});
  }
  connection->receive(std::span(message).first(1));
  Report report;
  report.complete = true;
  return report;
}

Report drive_hand_overs(const Contender& contender, const Plan& plan) {
  const auto client = contender.client(plan.directory);
  const auto connection = client->connect();
  std::vector<std::byte> message(plan.size, std::byte{5});
  message.back() = std::byte{6};
  std::vector<float> times;
  const auto warm = warm_up(plan.count);
  Report report;
  const auto begun = Clock::now();
  for (std::uint64_t i = 0; i < warm + plan.count; ++i) {
    const auto start = Clock::now();
    connection->hand_over(message);
    byte_array<2> answer{};
    connection->receive(answer);
    if (i >= warm) times.push_back(static_cast<float>(seconds_since(start)));
    if (answer[0] != std::byte{5} || answer[1] != std::byte{6}) fail("what was handed over was not what was read back");
  }
  report.seconds = seconds_since(begun);
  connection->send(std::span(message).first(1));
  std::sort(times.begin(), times.end());
  report.p50 = percentile(times, 0.50);
  report.p99 = percentile(times, 0.99);
  report.operations = static_cast<double>(plan.count);
  return report;
}

// --- set-ups --------------------------------------------------------------------------------------------------------

void greet(Connection& connection) {
  byte_array<1> byte{};
  connection.send(byte);
  connection.receive(byte);
}

void answer_greeting(Connection& connection) {
  byte_array<1> byte{};
  connection.receive(byte);
  connection.send(byte);
}

Report serve_set_ups(const Contender& contender, const Plan& plan, const Parent& parent) {
  const auto server = contender.serve(plan.directory);
  parent.ready();
  Report report;
  double cpu = 0;
  const auto warm = warm_up(plan.count);
  for (std::uint64_t i = 0; i < warm + plan.count; ++i) {
    if (i == warm) cpu = processor_seconds();
    const auto connection = server->accept();
    answer_greeting(*connection);
  }
  report.cpu = processor_seconds() - cpu;
  return report;
}

Report drive_set_ups(const Contender& contender, const Plan& plan) {
  const auto client = contender.client(plan.directory);
  for (std::uint64_t i = 0; i < warm_up(plan.count); ++i) greet(*client->connect());
  Report report;
  const double cpu = processor_seconds();
  const auto start = Clock::now();
  for (std::uint64_t i = 0; i < plan.count; ++i) greet(*client->connect());
  report.seconds = seconds_since(start);
  report.cpu = processor_seconds() - cpu;
  report.operations = static_cast<double>(plan.count);
  return report;
}

// --- many channels ----------------------------------------------------------------------------------------------------

constexpr std::size_t many_size = 64;
constexpr std::uint64_t messages_in_a_round = 1000;

// So many of a round's messages go over each of `channels`.
std::uint64_t share_of(std::size_t channels) {
  return std::max<std::uint64_t>(messages_in_a_round / channels, 1);
}

Report serve_many_channels(const Contender& contender, const Plan& plan, const Parent& parent) {
  raise_descriptor_limit(static_cast<unsigned>(plan.size) * 8 + 100);
  const auto server = contender.serve(plan.directory);
  parent.ready();
  std::vector<std::unique_ptr<Connection>> connections;
  double before = 0;
  // As with idle memory, what the first connection allocates is not counted.
  for (std::size_t i = 0; i <= plan.size; ++i) {
    connections.push_back(server->accept());
    answer_greeting(*connections.back());
    if (i == 0) before = resident_bytes() + shared_bytes();
  }
  std::vector<std::byte> message(many_size);
  byte_array<1> done{};
  for (std::uint64_t round = 0; round < warm_up(plan.count) + plan.count; ++round) {
    for (std::size_t i = 1; i <= plan.size; ++i) {
      for (std::uint64_t one = 0; one < share_of(plan.size); ++one) connections[i]->receive(message);
    }
    connections.front()->send(done);
  }
  Report report;
  report.memory = (resident_bytes() + shared_bytes() - before) / static_cast<double>(plan.size);
  connections.front()->receive(done);
  return report;
}

Report drive_many_channels(const Contender& contender, const Plan& plan) {
  raise_descriptor_limit(static_cast<unsigned>(plan.size) * 8 + 100);
  const auto client = contender.client(plan.directory);
  std::vector<std::unique_ptr<Connection>> connections;
  for (std::size_t i = 0; i <= plan.size; ++i) {
    connections.push_back(client->connect());
    greet(*connections.back());
  }
  const std::vector<std::byte> message(many_size);
  byte_array<1> done{};
  Report report;
  auto start = Clock::now();
  for (std::uint64_t round = 0; round < warm_up(plan.count) + plan.count; ++round) {
    if (round == warm_up(plan.count)) start = Clock::now();
    for (std::size_t i = 1; i <= plan.size; ++i) {
      for (std::uint64_t one = 0; one < share_of(plan.size); ++one) connections[i]->send(message);
    }
    connections.front()->receive(done);
  }
  report.seconds = seconds_since(start);
  report.operations = static_cast<double>(plan.count * plan.size * share_of(plan.size));
  connections.front()->send(done);
  return report;
}

// --- idle processor time ----------------------------------------------------------------------------------------------

template <class Next>
Report stay_idle(const Plan& plan, const Next& next) {
  raise_descriptor_limit(static_cast<unsigned>(plan.size) * 8 + 100);
  std::vector<std::unique_ptr<Connection>> connections;
  for (std::size_t i = 0; i < plan.size; ++i) connections.push_back(next());
  for (const auto& connection : connections) connection->idle();
  // Until both ends are done with the beginning; and afterwards until neither's end can be news to the other.
  constexpr std::chrono::seconds margin{2};
  connections.front()->stay(margin);
  Report report;
  const double cpu = processor_seconds();
  const auto start = Clock::now();
  connections.front()->stay(std::chrono::seconds(plan.count));
  report.idle_share = (processor_seconds() - cpu) / seconds_since(start);
  connections.front()->stay(margin);
  return report;
}

Report serve_staying_idle(const Contender& contender, const Plan& plan, const Parent& parent) {
  const auto server = contender.serve(plan.directory);
  parent.ready();
  return stay_idle(plan, [&] {
    auto connection = server->accept();
    answer_greeting(*connection);
    return connection;
  });
}

Report drive_staying_idle(const Contender& contender, const Plan& plan) {
  const auto client = contender.client(plan.directory);
  return stay_idle(plan, [&] {
    auto connection = client->connect();
    greet(*connection);
    return connection;
  });
}

// --- idle memory ----------------------------------------------------------------------------------------------------

Report serve_idle_memory(const Contender& contender, const Plan& plan, const Parent& parent) {
  raise_descriptor_limit(static_cast<unsigned>(plan.count) * 4 + 100);
  const auto server = contender.serve(plan.directory);
  parent.ready();
  std::vector<std::unique_ptr<Connection>> connections;
  connections.reserve(plan.count + 1);
  double before = 0;
  // The first connection is not counted: what a library allocates once, it allocates now.
  for (std::uint64_t i = 0; i <= plan.count; ++i) {
    connections.push_back(server->accept());
    answer_greeting(*connections.back());
    connections.back()->idle();
    if (i == 0) before = resident_bytes();
  }
  Report report;
  report.memory = (resident_bytes() - before) / static_cast<double>(plan.count);
  report.operations = static_cast<double>(plan.count);
  byte_array<1> done{};
  connections.front()->send(done);
  return report;
}

// The first connection waits for the server's last word; the others hold still until then.
Report drive_idle_memory(const Contender& contender, const Plan& plan) {
  raise_descriptor_limit(static_cast<unsigned>(plan.count) * 8 + 100);
  const auto client = contender.client(plan.directory);
  std::vector<std::unique_ptr<Connection>> connections;
  for (std::uint64_t i = 0; i <= plan.count; ++i) {
    connections.push_back(client->connect());
    greet(*connections.back());
  }
  byte_array<1> done{};
  connections.front()->receive(done);
  return {};
}

}  // namespace

const Ends round_trips{serve_round_trips, drive_round_trips};
const Ends one_way{serve_one_way, drive_one_way};
const Ends hand_overs{serve_hand_overs, drive_hand_overs};
const Ends set_ups{serve_set_ups, drive_set_ups};
const Ends many_channels{serve_many_channels, drive_many_channels};
const Ends staying_idle{serve_staying_idle, drive_staying_idle};
const Ends idle_memory{serve_idle_memory, drive_idle_memory};

}  // namespace penstock::bench
