// Where keys live, and what they are used with. Source: VirtualLock, GetProcessWorkingSetSizeEx.
#include <windows.h>

#include <fmt/format.h>

#include "crypto/aead.hpp"
#include "crypto/secret.hpp"
#include "tool/finding.hpp"

namespace penstock::tool {
namespace {

/// A comfortable listener's number of channels, each with a key for either direction.
constexpr std::size_t many_keys = 2000;

// Tried with as many keys as a listener of a thousand channels has: the working set must let itself be grown.
Finding memory_lock(crypto::Cipher cipher) {
  Finding finding{"memory-lock", "keys in memory that is never swapped out", State::proven, {}, {}, {}};
  std::vector<crypto::AeadKey> keys;
  Failure why;
  while (keys.size() < many_keys && why == Error::none) {
    auto key = crypto::AeadKey::make(cipher, byte_array<crypto::key_size>{});
    if (key) keys.push_back(std::move(*key));
    if (!key) why = key.error();
  }
  if (why == Error::none) {
    finding.found = fmt::format("{} keys were locked", many_keys);
    return finding;
  }
  finding.state = State::lacking;
  finding.found = fmt::format("{} keys were locked, and no more: {}", keys.size(), why.sentence());
  finding.meaning = keys.empty() ? "No key can be made: every listener and every connection refuses (memory_unlocked)."
                                 : "A listener with more channels at once refuses further peers.";
  finding.remedy = "Give the account the right \"Increase a process working set\", or lift the limit of the job it runs in.";
  return finding;
}

}  // namespace

void examine_memory(std::vector<Finding>& findings) {
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
