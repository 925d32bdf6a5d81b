// Where keys live, and what they are used with. Sources: madvise(2) MADV_WIPEONFORK, getrlimit(2) RLIMIT_MEMLOCK.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <vector>

#include "crypto/aead.hpp"
#include "tool/finding.hpp"
#include "transports/proc_linux.hpp"

namespace penstock::tool {
namespace {

constexpr std::size_t page = 4096;
constexpr rlim_t comfortable_channels = 1000;

// A page is written, a child is forked, and the child says whether it sees the byte.
bool fork_wipes() {
  void* memory = ::mmap(nullptr, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return false;
  bool wiped = false;
  if (::madvise(memory, page, MADV_WIPEONFORK) == 0) {
    auto* byte = static_cast<volatile char*>(memory);
    *byte = 1;
    const pid_t child = ::fork();
    if (child == 0) ::_exit(*byte);
    int status = 1;
    wiped = child > 0 && ::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }
  ::munmap(memory, page);
  return wiped;
}

std::uint64_t locked_kilobytes() {
  const auto status = transport::read_proc_file(AT_FDCWD, "/proc/self/status");
  const auto field = status ? transport::status_field(*status, "VmLck") : std::nullopt;
  return field ? std::stoull(*field) : 0;
}

/// What one channel locks, measured: keys are made until secret memory has grown twice. A channel has one key for each
/// direction.
std::uint64_t locked_bytes_per_channel(crypto::Cipher cipher) {
  constexpr std::size_t enough = 4096;
  std::vector<crypto::AeadKey> keys;
  std::uint64_t last = locked_kilobytes();
  std::size_t keys_at_growth = 0;
  int growths = 0;
  while (keys.size() < enough) {
    auto key = crypto::AeadKey::make(cipher, byte_array<crypto::key_size>{});
    if (!key) return 0;
    keys.push_back(std::move(*key));
    const auto now = locked_kilobytes();
    if (now <= last) continue;
    if (growths++ > 0) return (now - last) * 1024 * 2 / (keys.size() - keys_at_growth);
    keys_at_growth = keys.size();
    last = now;
  }
  return 0;
}

Finding memory_lock(crypto::Cipher cipher) {
  Finding finding{"memory-lock", "keys in memory that is never swapped out", State::proven, {}, {}, {}};
  rlimit limit{};
  static_cast<void>(::getrlimit(RLIMIT_MEMLOCK, &limit));
  const auto each = locked_bytes_per_channel(cipher);
  const bool unlimited = limit.rlim_cur == RLIM_INFINITY || ::geteuid() == 0;
  if (each == 0 && !crypto::SecretSlot::allocate(64)) {
    finding.state = State::lacking;
    finding.found = fmt::format("the limit is {} KiB, and memory cannot be locked", limit.rlim_cur / 1024);
    finding.meaning = "No key can be made: every listener and every connection refuses (memory_unlocked).";
    finding.remedy =
        "Raise the limit: LimitMEMLOCK=8M in the service's unit, or `ulimit -l` and /etc/security/limits.conf.";
    return finding;
  }
  if (unlimited) {
    finding.found = fmt::format("no limit for this user; a channel locks {} bytes", each);
    return finding;
  }
  const auto channels = each == 0 ? 0 : limit.rlim_cur / each;
  finding.found = fmt::format("the limit of {} KiB is enough for about {} channels", limit.rlim_cur / 1024, channels);
  if (channels >= comfortable_channels) return finding;
  finding.state = State::lacking;
  finding.meaning = "A listener with more channels at once refuses further peers.";
  finding.remedy = "Raise it where more are needed: LimitMEMLOCK= in the service's unit, or /etc/security/limits.conf.";
  return finding;
}

}  // namespace

void examine_memory(std::vector<Finding>& findings) {
  Finding wipe{"wipe-on-fork",
               "memory that a fork does not inherit (MADV_WIPEONFORK)",
               State::proven,
               "a forked child saw zeros",
               {},
               {}};
  if (!fork_wipes()) {
    wipe.state = State::lacking;
    wipe.found = "a forked child kept the bytes, or the kernel refused";
    wipe.meaning = "No key can be made: a fork would use its nonces a second time (ATK-20).";
    wipe.remedy = "Use Linux 4.14 or newer, and no sandbox that refuses madvise(2).";
  }
  findings.push_back(std::move(wipe));

  const bool ready = crypto::initialise().has_value();
  const bool aes = ready && crypto::available(crypto::Cipher::aes256_gcm);
  findings.push_back(memory_lock(aes ? crypto::Cipher::aes256_gcm : crypto::Cipher::chacha20_poly1305));
  Finding speed{"aes", "AES in the processor", State::proven, "the suite 25519_AESGCM_SHA256 is used", {}, {}};
  if (const char* second = crypto::large::provider(); aes && second != nullptr) {
    speed.found += fmt::format("; records of {} bytes and more by {}", crypto::large::from(), second);
  }
  if (!aes) {
    speed.state = State::note;
    speed.found = "none that libsodium can use";
    speed.meaning = "The suite 25519_ChaChaPoly_BLAKE2b is used instead: as strong, and slower for large messages.";
  }
  findings.push_back(std::move(speed));
}

}  // namespace penstock::tool
