#include "crypto/hash.hpp"

#include <sodium.h>

#include <algorithm>

#include "crypto/wiped.hpp"

namespace penstock::crypto {
namespace {

unsigned char* raw(std::byte* bytes) noexcept {
  return reinterpret_cast<unsigned char*>(bytes);
}
const unsigned char* raw(const std::byte* bytes) noexcept {
  return reinterpret_cast<const unsigned char*>(bytes);
}

// libsodium has the same three calls under many names; one type per hash lets the code below be written once.
struct Sha256 {
  crypto_hash_sha256_state state;
  void begin() noexcept { crypto_hash_sha256_init(&state); }
  void add(bytes_view part) noexcept { crypto_hash_sha256_update(&state, raw(part.data()), part.size()); }
  void end(std::byte* out) noexcept { crypto_hash_sha256_final(&state, raw(out)); }
};

struct Sha512 {
  crypto_hash_sha512_state state;
  void begin() noexcept { crypto_hash_sha512_init(&state); }
  void add(bytes_view part) noexcept { crypto_hash_sha512_update(&state, raw(part.data()), part.size()); }
  void end(std::byte* out) noexcept { crypto_hash_sha512_final(&state, raw(out)); }
};

struct Blake2b {
  crypto_generichash_state state;
  void begin() noexcept { crypto_generichash_init(&state, nullptr, 0, 64); }
  void add(bytes_view part) noexcept { crypto_generichash_update(&state, raw(part.data()), part.size()); }
  void end(std::byte* out) noexcept { crypto_generichash_final(&state, raw(out), 64); }
};

struct HmacSha256 {
  crypto_auth_hmacsha256_state state;
  void begin(bytes_view key) noexcept { crypto_auth_hmacsha256_init(&state, raw(key.data()), key.size()); }
  void add(bytes_view part) noexcept { crypto_auth_hmacsha256_update(&state, raw(part.data()), part.size()); }
  void end(std::byte* out) noexcept { crypto_auth_hmacsha256_final(&state, raw(out)); }
};

struct HmacSha512 {
  crypto_auth_hmacsha512_state state;
  void begin(bytes_view key) noexcept { crypto_auth_hmacsha512_init(&state, raw(key.data()), key.size()); }
  void add(bytes_view part) noexcept { crypto_auth_hmacsha512_update(&state, raw(part.data()), part.size()); }
  void end(std::byte* out) noexcept { crypto_auth_hmacsha512_final(&state, raw(out)); }
};

// Noise section 4.3 wants HMAC for every hash, also for BLAKE2b, which has a keyed mode of its own that Noise does not
// use. libsodium offers no HMAC-BLAKE2b, so here is RFC 2104's composition over its hash:
// H((K ^ opad) || H((K ^ ipad) || message)), K padded with zeros to the block size.
struct HmacBlake2b {
  Blake2b inner, outer;
  void begin(bytes_view key) noexcept {
    inner.begin();
    inner.add(padded(key, std::byte{0x36}).bytes());
    outer.begin();
    outer.add(padded(key, std::byte{0x5c}).bytes());
  }
  void add(bytes_view part) noexcept { inner.add(part); }
  void end(std::byte* out) noexcept {
    Wiped<64> digest;
    inner.end(digest.data());
    outer.add(digest.bytes());
    outer.end(out);
  }

 private:
  struct Block : Wiped<block_size(HashKind::blake2b)> {
    Block(bytes_view key, std::byte pad) noexcept {
      std::ranges::copy(key, data());
      for (auto& byte : bytes()) byte ^= pad;
    }
  };
  static Block padded(bytes_view key, std::byte pad) noexcept { return Block(key, pad); }
};

template <class Hash>
void run(std::initializer_list<bytes_view> parts, std::byte* out) noexcept {
  WipedObject<Hash> hash;
  hash.value.begin();
  for (const auto part : parts) hash.value.add(part);
  hash.value.end(out);
}

template <class Hmac>
void run_keyed(bytes_view key, std::initializer_list<bytes_view> parts, std::byte* out) noexcept {
  WipedObject<Hmac> hmac;
  hmac.value.begin(key);
  for (const auto part : parts) hmac.value.add(part);
  hmac.value.end(out);
}

}  // namespace

void hash(HashKind kind, std::initializer_list<bytes_view> parts, std::byte* out) noexcept {
  switch (kind) {
    case HashKind::sha256:
      return run<Sha256>(parts, out);
    case HashKind::sha512:
      return run<Sha512>(parts, out);
    case HashKind::blake2b:
      return run<Blake2b>(parts, out);
  }
}

void hmac(HashKind kind, bytes_view key, std::initializer_list<bytes_view> parts, std::byte* out) noexcept {
  // libsodium declares the key non-null even where its length is 0.
  static constexpr std::byte nothing{};
  if (key.empty()) key = bytes_view(&nothing, 0);
  switch (kind) {
    case HashKind::sha256:
      return run_keyed<HmacSha256>(key, parts, out);
    case HashKind::sha512:
      return run_keyed<HmacSha512>(key, parts, out);
    case HashKind::blake2b:
      return run_keyed<HmacBlake2b>(key, parts, out);
  }
}

void hkdf(HashKind kind, bytes_view chaining_key, bytes_view input,
          std::initializer_list<bytes_span> outputs) noexcept {
  const std::size_t size = hash_size(kind);
  Wiped<max_hash_size> temporary, output;
  hmac(kind, chaining_key, {input}, temporary.data());
  // output1 = HMAC(temp, 0x01); outputN = HMAC(temp, outputN-1 || N).
  bytes_view previous;
  std::byte number{1};
  for (const auto out : outputs) {
    hmac(kind, temporary.first(size), {previous, bytes_view(&number, 1)}, output.data());
    std::copy_n(output.data(), std::min(out.size(), size), out.data());
    previous = output.first(size);
    number = std::byte(std::to_integer<unsigned>(number) + 1);
  }
}

}  // namespace penstock::crypto
