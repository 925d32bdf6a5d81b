// Is the other end of a conversation the process that its window names? Anybody can write any window into a DDE message. So each end
// puts a handle into the claimed process, and into no other, behind which a secret stands; who knows both secrets has read them there.
//
// Each end:
//   1. sends a fresh nonce;
//   2. makes a section of 4,096 bytes of the paging file: magic, the other end's nonce, 32 random bytes; duplicates a handle of it
//      that can only be read through INTO the claimed process, and sends the handle's value;
//   3. reads the section that it was told a handle of.
// The secret of the conversation is HMAC-SHA-256, keyed with the client's secret and then the server's, over a label and both nonces.
//
// The value of a handle is a dangerous thing to be told: a liar would name one of ours. It is mapped for reading, looked at, and unmapped,
// which changes nothing whatever it is. Only when it holds the magic of the other role and the nonce that this end drew for this very
// conversation is it taken to have been put there for us, and closed. What is left: whoever has put a section of its own choice into this process by other
// means (a buffer of exactly 4,096 bytes over another Penstock channel) may have us close that handle.
//
// Sources: CreateFileMapping, DuplicateHandle, VirtualQuery, GetMappedFileName.
#pragma once

#include <array>
#include <cstdint>

#include "crypto/secret.hpp"
#include "penstock/handle.hpp"
#include "transports/dde/conversation.hpp"

namespace penstock::transport::dde {

inline constexpr std::size_t challenge_section = 4096;

/// One conversation's. Not thread-safe.
class Challenge {
 public:
  /// memory_unlocked, resource_exhausted.
  [[nodiscard]] static result<Challenge> make(Role own);

  [[nodiscard]] const std::array<std::byte, nonce_size>& nonce() const noexcept { return nonce_; }

  /// Step 2. `peer`: the claimed process, with PROCESS_DUP_HANDLE; the value of the handle in it. permission_denied, resource_exhausted.
  [[nodiscard]] result<std::uint64_t> put(const std::array<std::byte, nonce_size>& peer_nonce, const Handle& peer);
  /// Step 3. peer_unidentified: it is not what was promised, and nothing was closed.
  [[nodiscard]] result<void> take(std::uint64_t value);
  /// Closes what put() put there. Only where nobody was told the value: afterwards the other end may have closed it, and the value may
  /// be another handle's.
  void take_back(const Handle& peer) noexcept;

  /// The conversation's secret, after put() and take(). memory_unlocked, resource_exhausted.
  [[nodiscard]] result<crypto::Secret<32>> derive() const;

 private:
  explicit Challenge(Role own) : own_(own) {}
  Role own_;
  std::array<std::byte, nonce_size> nonce_{}, peer_nonce_{};
  crypto::Secret<32> ours_, theirs_;
  std::uint64_t put_ = 0;
};

}  // namespace penstock::transport::dde
