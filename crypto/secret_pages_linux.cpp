// Secret pages on Linux. Sources: mlock(2), madvise(2), pthread_atfork(3), libsodium "Secure memory".
#include <fmt/format.h>
#include <pthread.h>
#include <sodium.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "crypto/secret_pages.hpp"

namespace penstock::crypto {
namespace {

Failure unlocked(int reason) {
  return Failure(
      Error::memory_unlocked,
      fmt::format("{} bytes of memory for secrets cannot be locked against swapping ({}): raise RLIMIT_MEMLOCK, "
                  "with `ulimit -l` in a shell, or LimitMEMLOCK= in the systemd unit.",
                  secret_chunk_size, std::generic_category().message(reason)));
}

Failure unadvised(const char* advice, int reason) {
  return Failure(
      Error::unsupported,
      fmt::format("madvise({}) on memory for secrets failed ({}): Penstock needs Linux 4.14 or newer, and does "
                  "not keep keys in memory that it cannot protect.",
                  advice, std::generic_category().message(reason)));
}

// Whatever fails, the chunk goes back: no key is ever put into memory with only some of the protections.
Failure give_back(void* chunk, Failure failure) {
  sodium_free(chunk);
  return failure;
}

}  // namespace

result<std::byte*> map_secret_chunk() {
  void* const chunk = sodium_malloc(secret_chunk_size);
  if (chunk == nullptr) {
    return Failure(Error::resource_exhausted,
                   "No memory is left for secrets: free some, or raise the limit (ulimit -v).");
  }
  // sodium_malloc locks too, but it tells nobody when it could not.
  if (sodium_mlock(chunk, secret_chunk_size) != 0) return give_back(chunk, unlocked(errno));
  if (::madvise(chunk, secret_chunk_size, MADV_DONTDUMP) != 0) {
    return give_back(chunk, unadvised("MADV_DONTDUMP", errno));
  }
  // A fork must not go on with the same nonces under the same keys (ATK-20): the child finds zeros.
  if (::madvise(chunk, secret_chunk_size, MADV_WIPEONFORK) != 0) {
    return give_back(chunk, unadvised("MADV_WIPEONFORK", errno));
  }
  std::memset(chunk, 0, secret_chunk_size);
  return static_cast<std::byte*>(chunk);
}

void hold_over_fork(void (*lock)(), void (*unlock)()) {
  ::pthread_atfork(lock, unlock, unlock);
}

}  // namespace penstock::crypto
