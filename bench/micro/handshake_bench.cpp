// What a set-up is made of: key pairs, Diffie-Hellman, a change of key, and whole Noise handshakes of both ends.
#include "bench/micro/allocations.hpp"
#include "crypto/noise.hpp"

namespace penstock::bench {
namespace {

using crypto::KeyPair;
using crypto::NoiseConfig;
using crypto::NoiseHandshake;

void key_pair(benchmark::State& state) {
  for (auto _ : state) {
    auto pair = KeyPair::generate();
    if (!pair) return state.SkipWithError("no key pair");
    benchmark::DoNotOptimize(pair->public_key);
  }
}
BENCHMARK(key_pair);

void diffie_hellman(benchmark::State& state) {
  const auto ours = KeyPair::generate(), theirs = KeyPair::generate();
  if (!ours || !theirs) return state.SkipWithError("no key pair");
  for (auto _ : state) {
    auto shared = crypto::diffie_hellman(*ours, theirs->public_key);
    if (!shared) return state.SkipWithError("no shared secret");
  }
}
BENCHMARK(diffie_hellman);

void rekey(benchmark::State& state, crypto::Cipher cipher) {
  byte_array<crypto::key_size> bytes{};
  auto key = crypto::AeadKey::make(cipher, bytes);
  for (auto _ : state) {
    if (!key) return state.SkipWithError("no key");
    key = key->rekeyed();
  }
}
BENCHMARK_CAPTURE(rekey, aes256gcm, crypto::Cipher::aes256_gcm);
BENCHMARK_CAPTURE(rekey, chacha20poly1305, crypto::Cipher::chacha20_poly1305);

// Both ends in one thread: the processor time of a whole set-up's cryptography, without sockets and identities.
void handshake(benchmark::State& state, const char* pattern) {
  const auto initiator_keys = KeyPair::generate(), responder_keys = KeyPair::generate();
  if (!initiator_keys || !responder_keys) return state.SkipWithError("no key pair");
  const bool keyed = pattern[0] == 'X';
  for (auto _ : state) {
    NoiseConfig config;
    config.pattern = pattern;
    config.static_key = keyed ? &*initiator_keys : nullptr;
    auto initiator = NoiseHandshake::make(config);
    config.initiator = false;
    config.static_key = keyed ? &*responder_keys : nullptr;
    auto responder = NoiseHandshake::make(config);
    if (!initiator || !responder) return state.SkipWithError("no handshake");
    byte_array<256> message, payload;
    while (!initiator->finished()) {
      auto& writer = initiator->writes_next() ? *initiator : *responder;
      auto& reader = initiator->writes_next() ? *responder : *initiator;
      const auto size = writer.write({}, message);
      if (!size || !reader.read(std::span(message).first(*size), payload)) return state.SkipWithError("no agreement");
    }
    if (!initiator->split() || !responder->split()) return state.SkipWithError("no keys");
  }
}
BENCHMARK_CAPTURE(handshake, NN, "NN");
BENCHMARK_CAPTURE(handshake, XX, "XX");

}  // namespace
}  // namespace penstock::bench
