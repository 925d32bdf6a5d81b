// AES-256-GCM by libsodium and by the second provider, by size: where the one becomes faster than the other. The
// crossover in crypto/aead_openssl.cpp comes from here (docs/PERFORMANCE.md, "The second provider").
#include <chrono>
#include <vector>

#include "bench/micro/allocations.hpp"
#include "crypto/aead.hpp"

namespace penstock::bench {
namespace {

using crypto::AeadKey;
using crypto::Cipher;

constexpr std::uint32_t by_libsodium = crypto::large::never;
constexpr std::uint32_t by_second = 0;

// A record of this key by itself, as protocol/sealer.cpp and protocol/opener.cpp make and open it: a header of 32
// bytes.
struct Record {
  Record(std::uint32_t large_from, std::size_t size) : plain(size), sealed(size) {
    if (large_from == by_second && crypto::large::provider() == nullptr) return;
    auto made = AeadKey::make(Cipher::aes256_gcm, byte_array<crypto::key_size>{}, large_from);
    if (made) key = std::move(*made);
  }
  AeadKey key;
  byte_array<32> header{};
  byte_array<crypto::tag_size> tag{};
  std::vector<std::byte> plain, sealed;

  bool seal() { return key.seal(1, header, plain, sealed.data(), tag).has_value(); }
  bool open() { return key.open(1, header, sealed, tag, plain.data()).has_value(); }
};

using Step = bool (Record::*)();

void warm(benchmark::State& state, Step step, std::uint32_t large_from) {
  Record record(large_from, static_cast<std::size_t>(state.range(0)));
  if (!record.seal()) return state.SkipWithError("there is no such provider here");
  const auto before = allocations();
  for (auto _ : state) {
    if (!(record.*step)()) return state.SkipWithError("not done");
    benchmark::DoNotOptimize(record.sealed.data());
  }
  expect_none_since(state, before);
  state.SetBytesProcessed(state.iterations() * state.range(0));
}

// After other work, as in a program that has some: code, context and keys come from the outer cache or from memory.
void cold(benchmark::State& state, Step step, std::uint32_t large_from) {
  using Clock = std::chrono::steady_clock;
  std::vector<std::byte> others_work(3 << 20);
  Record record(large_from, static_cast<std::size_t>(state.range(0)));
  if (!record.seal()) return state.SkipWithError("there is no such provider here");
  for (auto _ : state) {
    for (std::size_t at = 0; at < others_work.size(); at += 64) others_work[at] ^= std::byte{1};
    benchmark::DoNotOptimize(others_work.data());
    const auto start = Clock::now();
    if (!(record.*step)()) return state.SkipWithError("not done");
    state.SetIterationTime(std::chrono::duration<double>(Clock::now() - start).count());
  }
}

void sizes(benchmark::internal::Benchmark* bench) {
  for (const int size : {256, 512, 1024, 2048, 3072, 4096, 8192, 16384, 65536}) bench->Arg(size);
}

BENCHMARK_CAPTURE(warm, seal_libsodium, &Record::seal, by_libsodium)->Apply(sizes);
BENCHMARK_CAPTURE(warm, seal_second, &Record::seal, by_second)->Apply(sizes);
BENCHMARK_CAPTURE(warm, open_libsodium, &Record::open, by_libsodium)->Apply(sizes);
BENCHMARK_CAPTURE(warm, open_second, &Record::open, by_second)->Apply(sizes);
BENCHMARK_CAPTURE(cold, seal_libsodium, &Record::seal, by_libsodium)->Apply(sizes)->UseManualTime();
BENCHMARK_CAPTURE(cold, seal_second, &Record::seal, by_second)->Apply(sizes)->UseManualTime();
BENCHMARK_CAPTURE(cold, open_libsodium, &Record::open, by_libsodium)->Apply(sizes)->UseManualTime();
BENCHMARK_CAPTURE(cold, open_second, &Record::open, by_second)->Apply(sizes)->UseManualTime();

}  // namespace
}  // namespace penstock::bench
