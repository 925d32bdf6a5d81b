// Secret memory: locked, guarded, kept out of core dumps, wiped in a forked child, zeroed when it goes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>

#include "penstock/bytes.hpp"
#include "penstock/result.hpp"

namespace penstock::crypto {

/// Initialises libsodium. Thread-safe, idempotent; every factory of this layer calls it.
[[nodiscard]] result<void> initialise();

/// A slot of the process-wide arena of secret memory. Slots come in a few fixed sizes from guarded chunks
/// (sodium_malloc: guard pages, canary), so that a thousand channels do not cost a thousand guard pages each.
/// The chunk is mlock'ed (a failure is memory_unlocked, not a warning), MADV_DONTDUMP and MADV_WIPEONFORK. Windows: VirtualLock,
/// and excluded from error reports where the system can (secret_pages_windows.cpp).
class SecretSlot {
 public:
  SecretSlot() = default;
  /// Zeroed slot of at least `size` bytes (1 to 1024), 64-byte aligned. Thread-safe. memory_unlocked, unsupported (a
  /// kernel without MADV_WIPEONFORK), resource_exhausted, invalid_argument (the size).
  [[nodiscard]] static result<SecretSlot> allocate(std::size_t size);
  SecretSlot(SecretSlot&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  SecretSlot& operator=(SecretSlot&& other) noexcept;
  SecretSlot(const SecretSlot&) = delete;
  SecretSlot& operator=(const SecretSlot&) = delete;
  ~SecretSlot() { reset(); }

  /// Zeroes the bytes and gives the slot back. In a forked child it does nothing: the memory is not ours.
  void reset() noexcept;
  [[nodiscard]] bytes_span bytes() const noexcept { return {data_, size_}; }
  [[nodiscard]] bool valid() const noexcept { return data_ != nullptr; }
  /// False in a forked child, where the kernel has wiped the page (ATK-20): a word that is never zero in the
  /// process that allocated it. One load; asked before every use of a key.
  [[nodiscard]] bool alive() const noexcept;

 private:
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

/// Overwrites bytes with random ones from the operating system. After initialise() it cannot fail.
void fill_random(bytes_span bytes) noexcept;

/// N secret bytes. Move-only. Never printed, compared only in constant time.
template <std::size_t N>
class Secret {
 public:
  Secret() = default;
  /// Zeroed. memory_unlocked, resource_exhausted.
  [[nodiscard]] static result<Secret> make() {
    auto slot = SecretSlot::allocate(N);
    if (!slot) return slot.error();
    return Secret(std::move(*slot));
  }
  /// Random, from the operating system (randombytes_buf).
  [[nodiscard]] static result<Secret> random() {
    auto made = make();
    if (made) fill_random(made->bytes());
    return made;
  }
  /// A copy of `bytes`; the caller wipes its own.
  [[nodiscard]] static result<Secret> copy_of(std::span<const std::byte, N> bytes) {
    auto made = make();
    if (made) std::ranges::copy(bytes, made->bytes().begin());
    return made;
  }

  [[nodiscard]] std::span<std::byte, N> bytes() const noexcept {
    return std::span<std::byte, N>(slot_.bytes().data(), N);
  }
  [[nodiscard]] bool valid() const noexcept { return slot_.valid(); }
  [[nodiscard]] bool alive() const noexcept { return slot_.valid() && slot_.alive(); }
  void reset() noexcept { slot_.reset(); }

 private:
  explicit Secret(SecretSlot slot) : slot_(std::move(slot)) {}
  SecretSlot slot_;
};

/// Overwrites bytes with zeros in a way no optimiser removes (sodium_memzero).
void wipe(bytes_span bytes) noexcept;
/// Constant time for equal lengths; false at once for different ones.
[[nodiscard]] bool equal_secret(bytes_view a, bytes_view b) noexcept;

}  // namespace penstock::crypto
