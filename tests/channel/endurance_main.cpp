// penstock_endurance [ROUNDS]: connect, call, close, again and again, by a second process. Neither end may have more handles, threads or
// memory afterwards than after the first hundred rounds. Exit code 0 when neither has.
#include <cstdio>
#include <cstdlib>

#include "tests/channel/pair.hpp"
#include "tests/support/child.hpp"
#include "tests/support/process_facts.hpp"

namespace penstock::test {
namespace {

constexpr unsigned long warm_up = 100;
// Allocators keep what they had at the busiest moment. A leak of 100 bytes for each round would show in 10,000.
constexpr std::size_t slack = std::size_t{1} << 20;

struct Facts {
  std::size_t handles = open_handles();
  std::size_t threads = thread_count();
  std::size_t memory = memory_in_use();
};

bool grew(const char* who, const Facts& before, const Facts& after, unsigned long rounds) {
  std::printf("%-8s %lu rounds: handles %zu -> %zu, threads %zu -> %zu, memory %zu -> %zu KiB\n", who, rounds, before.handles, after.handles,
              before.threads, after.threads, before.memory / 1024, after.memory / 1024);
  return after.handles > before.handles || after.threads > before.threads || after.memory > before.memory + slack;
}

int call_once(const Endpoint& endpoint) {
  auto channel = blocking::connect(endpoint, connect_options());
  if (!channel) return std::fprintf(stderr, "connect: %s\n", channel.error().sentence().data()), 1;
  std::array<std::byte, 64> reply;
  const auto got = channel->call("op", pattern(64), reply);
  if (!got) return std::fprintf(stderr, "call: %s\n", got.error().sentence().data()), 2;
  channel->close();
  return 0;
}

const Role caller("caller", [](const Line& line, const Words& words) {
  const auto endpoint = endpoint_in(words[0]);
  const auto rounds = std::stoul(words[1]);
  std::optional<Facts> before;
  for (unsigned long i = 0; i < warm_up + rounds; ++i) {
    if (i == warm_up) before.emplace();
    if (const int failed = call_once(endpoint); failed != 0) return failed;
  }
  const bool more = grew("caller", *before, Facts(), rounds);
  line.tell();
  return more ? 42 : 0;
});

int run(unsigned long rounds) {
  const TempDirectory directory;
  auto listener = blocking::Listener::open(endpoint_in(directory), listen_options());
  if (!listener) return std::fprintf(stderr, "%s\n", listener.error().sentence().data()), 1;
  Child calling(caller, {directory.path(), std::to_string(rounds)});
  std::optional<Facts> before;
  for (unsigned long i = 0; i < warm_up + rounds; ++i) {
    if (i == warm_up) before.emplace();
    auto channel = listener->accept(std::chrono::seconds(60));
    if (!channel) return std::fprintf(stderr, "accept %lu: %s\n", i, channel.error().sentence().data()), 1;
    std::array<std::byte, 64> request;
    const auto got = channel->receive(request);
    if (!got || !channel->reply(got->request, 0, request)) return 1;
    if (channel->receive(request).error() != Error::closed_by_peer) return 1;
  }
  const bool more = grew("listener", *before, Facts(), rounds);
  return calling.wait() != 0 || more ? 1 : 0;
}

}  // namespace
}  // namespace penstock::test

int main(int argc, char** argv) {
  penstock::test::run_role_if_told(argc, argv);
  return penstock::test::run(argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 1000);
}
