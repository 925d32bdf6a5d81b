// Every vector of github.com/flynn/noise (Debian: golang-github-flynn-noise-dev) whose primitives libsodium has.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <string>

#include "crypto/hash.hpp"
#include "crypto/noise.hpp"
#include "crypto/noise_patterns.hpp"
#include "tests/crypto/hex.hpp"

namespace penstock::crypto {
namespace {

using Vector = std::map<std::string, std::string>;

std::vector<Vector> read_vectors(const char* path) {
  std::ifstream file(path);
  std::vector<Vector> vectors;
  for (std::string line; std::getline(file, line);) {
    const auto equals = line.find('=');
    if (line.starts_with('#') || equals == std::string::npos) continue;
    if (line.starts_with("handshake=")) vectors.emplace_back();
    if (!vectors.empty()) vectors.back()[line.substr(0, equals)] = line.substr(equals + 1);
  }
  return vectors;
}

// "Noise_XXpsk3_25519_AESGCM_SHA256"
struct Name {
  std::string pattern, dh, cipher, hash;
  explicit Name(const std::string& text) {
    std::array<std::string*, 5> parts{nullptr, &pattern, &dh, &cipher, &hash};
    std::size_t start = 0;
    for (auto* part : parts) {
      const auto end = std::min(text.find('_', start), text.size());
      if (part != nullptr) *part = text.substr(start, end - start);
      start = end + 1;
    }
  }
};

const std::map<std::string, Cipher> ciphers = {{"AESGCM", Cipher::aes256_gcm},
                                               {"ChaChaPoly", Cipher::chacha20_poly1305}};
const std::map<std::string, HashKind> hashes = {
    {"SHA256", HashKind::sha256}, {"SHA512", HashKind::sha512}, {"BLAKE2b", HashKind::blake2b}};

std::optional<KeyPair> key_pair(const Vector& vector, const std::string& field) {
  const auto found = vector.find(field);
  if (found == vector.end()) return std::nullopt;
  auto made = KeyPair::from_private(test::unhex_array<32>(found->second));
  if (!made) return std::nullopt;
  return std::move(*made);
}

struct VectorEnds {
  result<NoiseHandshake> initiator, responder;
};

VectorEnds make_ends(const Vector& vector, const Name& name, const HandshakePattern& pattern) {
  const auto prologue = vector.contains("prologue") ? test::unhex(vector.at("prologue")) : test::Bytes();
  const auto psk = pattern.psks != 0 ? test::unhex(vector.at("preshared_key")) : test::Bytes();
  const auto make = [&](bool initiator) {
    const std::string own = initiator ? "init" : "resp", other = initiator ? "resp" : "init";
    const auto own_static = key_pair(vector, own + "_static"), other_static = key_pair(vector, other + "_static");
    const auto ephemeral = key_pair(vector, "gen_" + own + "_ephemeral");
    NoiseConfig config{.pattern = name.pattern,
                       .cipher = ciphers.at(name.cipher),
                       .hash = hashes.at(name.hash),
                       .initiator = initiator,
                       .prologue = prologue,
                       .psks = psk,
                       .ephemeral = ephemeral ? &*ephemeral : nullptr};
    if (pattern.needs_static(initiator)) config.static_key = own_static ? &*own_static : nullptr;
    if (pattern.needs_remote_static(initiator)) config.remote_static = other_static.value().public_key;
    return NoiseHandshake::make(config);
  };
  return {make(true), make(false)};
}

// One vector: both ends run, every message of either is compared. Answers what differed, or "".
std::string run(const Vector& vector, const Name& name) {
  const auto pattern = parse_pattern(name.pattern);
  if (!pattern) return std::string(pattern.error().sentence());
  auto [initiator, responder] = make_ends(vector, name, *pattern);
  if (!initiator) return std::string(initiator.error().sentence());
  if (!responder) return std::string(responder.error().sentence());

  std::optional<NoiseResult> first, second;
  std::size_t number = 0;
  for (;; ++number) {
    const auto field = "msg_" + std::to_string(number);
    if (!vector.contains(field + "_payload")) break;
    const auto payload = test::unhex(vector.at(field + "_payload"));
    const auto& expected = vector.at(field + "_ciphertext");

    if (number < pattern->size) {
      auto& writer = number % 2 == 0 ? *initiator : *responder;
      auto& reader = number % 2 == 0 ? *responder : *initiator;
      byte_array<1024> message, opened;
      const auto overhead = writer.overhead();
      const auto size = writer.write(payload, message);
      if (!size) return field + ": write failed";
      const auto sent = bytes_view(message).first(*size);
      if (test::hex(sent) != expected) return field + ": " + test::hex(sent) + " is not " + expected;
      if (*size != payload.size() + overhead || reader.overhead() != overhead) return field + ": overhead";
      const auto got = reader.read(sent, opened);
      if (!got || test::hex(bytes_view(opened).first(*got)) != test::hex(payload)) return field + ": read failed";
      continue;
    }

    if (!first) {
      auto one = initiator->split(), other = responder->split();
      if (!one || !other) return "split failed";
      if (one->hash != other->hash || one->hash_size != hash_size(hashes.at(name.hash)))
        return "handshake hashes differ";
      first = std::move(*one);
      second = std::move(*other);
    }
    const auto index = number - pattern->size;
    const auto& sealing = index % 2 == 0 ? first->initiator_to_responder : first->responder_to_initiator;
    const auto& opening = index % 2 == 0 ? second->initiator_to_responder : second->responder_to_initiator;
    test::Bytes sealed(payload.size() + tag_size), opened(payload.size());
    const auto tag = bytes_span(sealed).last<tag_size>();
    if (!sealing.seal(index / 2, {}, payload, sealed.data(), tag)) return field + ": seal failed";
    if (test::hex(sealed) != expected) return field + ": " + test::hex(sealed) + " is not " + expected;
    const auto body = bytes_view(sealed).first(payload.size());
    if (!opening.open(index / 2, {}, body, tag, opened.data()) || opened != payload) return field + ": open failed";
  }
  return first ? "" : "no message after the handshake";
}

TEST(NoiseVectors, AllThatLibsodiumHasThePrimitivesFor) {
  const auto vectors = read_vectors(PENSTOCK_NOISE_VECTORS);
  ASSERT_FALSE(vectors.empty()) << "no vectors in " << PENSTOCK_NOISE_VECTORS
                                << ": install golang-github-flynn-noise-dev, or set PENSTOCK_NOISE_VECTORS";
  std::size_t run_count = 0, blake2s_count = 0;
  for (const auto& vector : vectors) {
    const Name name(vector.at("handshake"));
    ASSERT_EQ(name.dh, "25519");
    if (name.hash == "BLAKE2s") {
      ++blake2s_count;  // libsodium has none, and Penstock writes no primitive
      continue;
    }
    EXPECT_EQ(run(vector, name), "") << vector.at("handshake");
    ++run_count;
  }
  EXPECT_EQ(run_count, 1440u);
  EXPECT_EQ(blake2s_count, 480u);
}

}  // namespace
}  // namespace penstock::crypto
