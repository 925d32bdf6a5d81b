// AES-256-GCM of large records by OpenSSL 3. Sources: EVP_EncryptInit(3), OSSL_LIB_CTX(3), ERR_set_mark(3).
//
// An EVP context keeps the expanded key on OpenSSL's heap, which is neither locked nor wiped in a forked child. So a
// context has a key only while one record is made: each thread has one context, which is given the key before a record
// and a key of zeros after it. That costs about 400 ns a record, which is why small ones are not worth it
// (docs/PERFORMANCE.md).
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <mutex>
#include <utility>

#include "crypto/aead_provider.hpp"
#include "crypto/secret.hpp"
#include "crypto/secret_pages.hpp"

namespace penstock::crypto::large {
namespace {

// Measured: docs/PERFORMANCE.md, "The second provider".
constexpr std::uint32_t crossover = 4096;

// What update_copied() copies at once: fits the nearest cache (32 KiB), and is large beside the cost of a call.
constexpr std::size_t piece = 16384;

constexpr std::array<unsigned char, 32> zeros{};

unsigned char* raw(std::byte* bytes) noexcept {
  return reinterpret_cast<unsigned char*>(bytes);
}
const unsigned char* raw(const std::byte* bytes) noexcept {
  return reinterpret_cast<const unsigned char*>(bytes);
}

// OpenSSL's queue of errors is the application's too: what we add is taken off again, and no more than that.
class ErrorsOfOurOwn {
 public:
  ErrorsOfOurOwn() noexcept { ERR_set_mark(); }
  ~ErrorsOfOurOwn() { ERR_pop_to_mark(); }
  ErrorsOfOurOwn(const ErrorsOfOurOwn&) = delete;
  ErrorsOfOurOwn& operator=(const ErrorsOfOurOwn&) = delete;
};

// Everything that is done once, for the process or for a thread, takes locks of OpenSSL's. A fork waits until it is
// done: the child could not release them.
std::mutex first_uses;
[[maybe_unused]] const bool held_over_fork =
    (hold_over_fork([] { first_uses.lock(); }, [] { first_uses.unlock(); }), true);

// A library context of our own: no configuration file and no environment variable chooses who encrypts, and the
// application's settings and ours do not meet. Neither is ever freed, so threads that outlive main() still find them.
OSSL_LIB_CTX* library = nullptr;
EVP_CIPHER* cipher = nullptr;
std::atomic<bool> unusable = false;

// With first_uses locked.
const EVP_CIPHER* fetched() noexcept {
  if (cipher != nullptr || unusable) return cipher;
  const ErrorsOfOurOwn errors;
  library = OSSL_LIB_CTX_new();
  if (library != nullptr) cipher = EVP_CIPHER_fetch(library, "AES-256-GCM", nullptr);
  unusable = cipher == nullptr;  // not tried again: it would cost milliseconds, for each record
  return cipher;
}

// These two need no destructor, so they may be read as long as the thread runs, by destructors of other objects too.
thread_local constinit EVP_CIPHER_CTX* context = nullptr;
thread_local constinit bool thread_ends = false;

void release_context() noexcept {
  EVP_CIPHER_CTX_free(std::exchange(context, nullptr));  // zeroes what it frees
}

struct AtThreadEnd {
  ~AtThreadEnd() {
    release_context();
    thread_ends = true;
  }
};

void make_context() noexcept {
  const std::lock_guard lock(first_uses);
  const auto* const aes = fetched();
  if (aes == nullptr) return;
  const ErrorsOfOurOwn errors;
  context = EVP_CIPHER_CTX_new();
  if (context == nullptr) return;
  if (EVP_EncryptInit_ex2(context, aes, zeros.data(), nullptr, nullptr) != 1) return release_context();
  thread_local const AtThreadEnd at_thread_end;
}

// This thread's context, for one record: it has a key exactly as long as this lives.
class Keyed {
 public:
  Keyed(const Record& record, bool sealing) noexcept {
    ready_ = EVP_CipherInit_ex2(context, nullptr, raw(record.key.data()), record.nonce.data(), sealing ? 1 : 0,
                                nullptr) == 1;
  }
  ~Keyed() {
    // A new key overwrites the whole of what was made from the old one, and allocates nothing, unlike
    // EVP_CIPHER_CTX_reset().
    if (EVP_EncryptInit_ex2(context, nullptr, zeros.data(), nullptr, nullptr) != 1) release_context();
  }
  Keyed(const Keyed&) = delete;
  Keyed& operator=(const Keyed&) = delete;

  [[nodiscard]] bool ready() const noexcept { return ready_; }

  // A null `out` means associated data.
  [[nodiscard]] static bool update(bytes_view from, std::byte* out) noexcept {
    if (from.empty()) return true;
    int written = 0;
    const int size = static_cast<int>(from.size());
    return EVP_CipherUpdate(context, out == nullptr ? nullptr : raw(out), &written, raw(from.data()), size) == 1 &&
           written == size;
  }

  // Memory that another process can write, piece by piece: each is copied while the one before is still in the nearest cache.
  [[nodiscard]] static bool update_copied(bytes_view from, std::byte* out) noexcept {
    while (!from.empty()) {
      const std::size_t size = std::min(from.size(), piece);
      std::memcpy(out, from.data(), size);  // the only look at it (ATK-13)
      if (!update({out, size}, out)) return false;
      from = from.subspan(size);
      out += size;
    }
    return true;
  }

  [[nodiscard]] static bool finish() noexcept {
    std::array<unsigned char, 16> rest;  // GCM leaves none
    int written = 0;
    return EVP_CipherFinal_ex(context, rest.data(), &written) == 1 && written == 0;
  }

 private:
  bool ready_ = false;
};

// EVP counts in int.
bool fits(bytes_view bytes) noexcept {
  return bytes.size() <= static_cast<std::size_t>(std::numeric_limits<int>::max());
}

bool usable(const Record& record, bytes_view text) noexcept {
  if (!fits(record.associated) || !fits(text) || unusable.load(std::memory_order_relaxed) || thread_ends) return false;
  if (context == nullptr) make_context();
  return context != nullptr;
}

Outcome zeroed(Outcome outcome, std::byte* out, std::size_t size) noexcept {
  if (size != 0) wipe({out, size});
  return outcome;
}

}  // namespace

std::uint32_t from() noexcept {
  return crossover;
}

const char* provider() noexcept {
  const std::lock_guard lock(first_uses);
  return fetched() != nullptr ? OpenSSL_version(OPENSSL_VERSION) : nullptr;
}

Outcome seal(const Record& record, bytes_view plaintext, std::byte* out, std::span<std::byte, 16> tag) noexcept {
  if (!usable(record, plaintext)) return Outcome::not_begun;
  const ErrorsOfOurOwn errors;
  const Keyed keyed(record, true);
  if (!keyed.ready()) return Outcome::not_begun;
  const bool good = Keyed::update(record.associated, nullptr) && Keyed::update(plaintext, out) && Keyed::finish() &&
                    EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, 16, tag.data()) == 1;
  return good ? Outcome::done : zeroed(Outcome::failed, out, plaintext.size());
}

Outcome open(const Record& record, bytes_view ciphertext, std::span<const std::byte, 16> tag, std::byte* out,
             Memory memory) noexcept {
  if (!usable(record, ciphertext)) return Outcome::not_begun;
  const ErrorsOfOurOwn errors;
  const Keyed keyed(record, false);
  if (!keyed.ready()) return Outcome::not_begun;
  byte_array<16> expected;  // EVP takes no constant one
  std::ranges::copy(tag, expected.begin());
  const auto decrypt = memory == Memory::shared ? Keyed::update_copied : Keyed::update;
  const bool decrypted = EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, 16, expected.data()) == 1 &&
                         Keyed::update(record.associated, nullptr) && decrypt(ciphertext, out);
  if (!decrypted) return zeroed(Outcome::failed, out, ciphertext.size());
  // Here the plaintext stands in `out`, and nobody has said yet that it is the peer's.
  return Keyed::finish() ? Outcome::done : zeroed(Outcome::forged, out, ciphertext.size());
}

}  // namespace penstock::crypto::large
