// penstock_carrier_ratio [ROUNDS]: round trips of 64 B and messages of 64 KiB one way, over the pipe and over DDE in turn, in one process, and
// what DDE's figures are as a multiple of the pipe's. No test: it judges nothing. Where there is no DDE it says so.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "penstock/penstock.hpp"
#include "tests/support/endpoints.hpp"

namespace penstock::test {
namespace {

using Clock = std::chrono::steady_clock;

struct Figures {
  double round_trip_us = 0, megabytes_per_second = 0;
};

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

[[noreturn]] void fail(const char* what, const Failure& failure) {
  std::fprintf(stderr, "penstock_carrier_ratio: %s: %s\n", what, std::string(failure.sentence()).c_str());
  std::exit(1);
}

Policy policy_for(DataPlane plane) {
  Rule rule;
  rule.name = "this user";
  rule.trust = plane == DataPlane::dde ? Trust::challenge : Trust::os_identity;
  rule.operations = {"*"};
  return *Policy::of({std::move(rule)});
}

Figures measure(DataPlane plane, unsigned rounds) {
  const TempDirectory directory;
  ListenOptions listen;
  listen.policy = policy_for(plane);
  listen.allow_pipe = plane == DataPlane::pipe;
  listen.allow_dde = plane == DataPlane::dde;
  listen.allow_own_process = true;
  auto listener = blocking::Listener::open(endpoint_in(directory), std::move(listen));
  if (!listener) fail("listen", listener.error());
  const unsigned large = std::max(rounds / 10, 1u);
  std::thread server([&] {
    auto channel = listener->accept(std::chrono::seconds(30));
    std::vector<std::byte> buffer(std::size_t{64} << 10);
    for (unsigned i = 0; channel && i < rounds; ++i) {
      const auto got = channel->receive(std::span(buffer).first(64));
      if (!got || !channel->send(std::span(buffer).first(64))) return;
    }
    for (unsigned i = 0; channel && i < large; ++i) {
      if (!channel->receive(buffer)) return;
    }
    if (channel) (void)channel->send(std::span(buffer).first(1));
    if (channel) (void)channel->receive(buffer, std::chrono::seconds(10));  // until the other end has read it, and closed
  });
  ConnectOptions connect;
  connect.policy = policy_for(plane);
  connect.data_plane = plane;
  connect.trust = plane == DataPlane::dde ? Trust::challenge : Trust::os_identity;
  connect.allow_own_process = true;
  auto channel = blocking::connect(endpoint_in(directory), connect);
  if (!channel) fail("connect", channel.error());
  std::vector<std::byte> message(std::size_t{64} << 10);
  std::vector<double> trips;
  for (unsigned i = 0; i < rounds; ++i) {
    const auto start = Clock::now();
    auto sent = channel->send(std::span(message).first(64));
    const auto got = sent ? channel->receive(std::span(message).first(64)) : sent.error();
    if (!got) fail("round trip", got.error());
    trips.push_back(seconds_since(start));
  }
  std::ranges::sort(trips);
  const auto start = Clock::now();
  for (unsigned i = 0; i < large; ++i) {
    if (auto sent = channel->send(message); !sent) fail("send", sent.error());
  }
  if (const auto got = channel->receive(message); !got) fail("confirm", got.error());
  Figures figures{trips[trips.size() / 2] * 1e6, static_cast<double>(large) * 65536e-6 / seconds_since(start)};
  channel->close();
  server.join();
  return figures;
}

}  // namespace
}  // namespace penstock::test

int main(int argc, char** argv) {
  using namespace penstock;
  const unsigned rounds = argc > 1 ? static_cast<unsigned>(std::strtoul(argv[1], nullptr, 10)) : 1000;
  for (int turn = 1; turn <= 3; ++turn) {
    const auto pipe = test::measure(DataPlane::pipe, rounds);
    const auto dde = test::measure(DataPlane::dde, rounds);
    std::printf("turn %d: 64 B round trip %.0f us, %.0f us over DDE: %.2f x; 64 KiB one way %.1f MB/s, %.1f MB/s over DDE: %.3f x\n", turn,
                pipe.round_trip_us, dde.round_trip_us, dde.round_trip_us / pipe.round_trip_us, pipe.megabytes_per_second,
                dde.megabytes_per_second, dde.megabytes_per_second / pipe.megabytes_per_second);
  }
  return 0;
}
