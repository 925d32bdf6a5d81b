// Records: seal and open by size and suite, and the replay window.
#include <vector>

#include "bench/micro/allocations.hpp"
#include "protocol/record.hpp"

namespace penstock::bench {
namespace {

using crypto::AeadKey;
using crypto::Cipher;
using protocol::Opener;
using protocol::Outgoing;
using protocol::Sealer;

// Never rekeys by count or bytes while it is timed, apart from the hard limits of one key.
const RekeyPolicy rarely{protocol::max_epoch_records, protocol::max_epoch_bytes};

AeadKey make_key(Cipher cipher) {
  byte_array<crypto::key_size> bytes{};
  auto key = AeadKey::make(cipher, bytes);
  return key ? std::move(*key) : AeadKey();
}

Outgoing record_of(const std::vector<std::byte>& body) {
  Outgoing record;
  record.type = protocol::FrameType::message;
  record.body = body;
  return record;
}

void seal(benchmark::State& state, Cipher cipher) {
  const std::vector<std::byte> body(static_cast<std::size_t>(state.range(0)));
  std::vector<std::byte> frame(protocol::record_overhead + body.size());
  Sealer sealer(make_key(cipher), rarely);
  const auto before = allocations();
  for (auto _ : state) {
    if (!sealer.seal(record_of(body), frame, protocol::monotonic_time())) return state.SkipWithError("not sealed");
    benchmark::DoNotOptimize(frame.data());
  }
  expect_none_since(state, before);
  state.SetBytesProcessed(state.iterations() * state.range(0));
}

// A record opens only once, so each is sealed first; the sealing is not timed where it would weigh, but subtracting it
// needs no clock of its own: compare with seal/.
void seal_and_open(benchmark::State& state, Cipher cipher) {
  const std::vector<std::byte> body(static_cast<std::size_t>(state.range(0)));
  std::vector<std::byte> frame(protocol::record_overhead + body.size()), out(body.size());
  Sealer sealer(make_key(cipher), rarely);
  Opener opener(make_key(cipher), true, Limits{});
  const auto before = allocations();
  for (auto _ : state) {
    const auto now = protocol::monotonic_time();
    if (!sealer.seal(record_of(body), frame, now)) return state.SkipWithError("not sealed");
    if (!opener.open(frame, out.data(), now)) return state.SkipWithError("not opened");
    benchmark::DoNotOptimize(out.data());
  }
  expect_none_since(state, before);
  state.SetBytesProcessed(state.iterations() * state.range(0));
}

void sizes(benchmark::internal::Benchmark* bench) {
  for (const int size : {64, 1024, 16384, 65536}) bench->Arg(size);
}

BENCHMARK_CAPTURE(seal, aes256gcm, Cipher::aes256_gcm)->Apply(sizes);
BENCHMARK_CAPTURE(seal, chacha20poly1305, Cipher::chacha20_poly1305)->Apply(sizes);
BENCHMARK_CAPTURE(seal_and_open, aes256gcm, Cipher::aes256_gcm)->Apply(sizes);
BENCHMARK_CAPTURE(seal_and_open, chacha20poly1305, Cipher::chacha20_poly1305)->Apply(sizes);

void replay_window_in_order(benchmark::State& state) {
  protocol::ReplayWindow window;
  std::uint64_t sequence = 0;
  for (auto _ : state) {
    if (!window.fresh(sequence) || window.loses(sequence)) return state.SkipWithError("a new number was called old, or lost another");
    window.mark(sequence++);
  }
}
BENCHMARK(replay_window_in_order);

// One number is missing, and the next is so far ahead that every other must be looked at: the dearest question there is. A peer that means
// to ask it again has to send a whole window of records first.
void replay_window_dearest_question(benchmark::State& state) {
  constexpr auto size = protocol::replay_window_size;
  protocol::ReplayWindow window;
  for (std::uint64_t i = 0; i < 2 * size; ++i) {
    if (i != 2 * size - 2) window.mark(i);
  }
  for (auto _ : state) {
    if (window.loses(3 * size - 3)) return state.SkipWithError("a number that may still come was called lost");
  }
}
BENCHMARK(replay_window_dearest_question);

void clock_read(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(protocol::monotonic_time());
}
BENCHMARK(clock_read);

}  // namespace
}  // namespace penstock::bench
