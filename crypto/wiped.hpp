// Short-lived secret bytes on the stack: zeroed on every way out of the scope.
#pragma once

#include "crypto/secret.hpp"

namespace penstock::crypto {

/// N bytes that are wiped when they go out of scope, also on an early return. For intermediate results that live for a
/// few lines; what lives longer is a Secret. Neither copied nor moved, so no copy can be forgotten.
template <std::size_t N>
class Wiped {
 public:
  Wiped() noexcept = default;
  Wiped(const Wiped&) = delete;
  Wiped& operator=(const Wiped&) = delete;
  ~Wiped() { wipe(bytes_); }

  [[nodiscard]] std::byte* data() noexcept { return bytes_.data(); }
  [[nodiscard]] std::span<std::byte, N> bytes() noexcept { return bytes_; }
  [[nodiscard]] bytes_span first(std::size_t size) noexcept { return bytes_span(bytes_).first(size); }

 private:
  byte_array<N> bytes_{};
};

/// The same for one object of a C library, such as a hash state.
template <class T>
struct WipedObject {
  T value;
  WipedObject() noexcept = default;
  WipedObject(const WipedObject&) = delete;
  WipedObject& operator=(const WipedObject&) = delete;
  ~WipedObject() { wipe(std::as_writable_bytes(std::span<T, 1>(&value, 1))); }
};

}  // namespace penstock::crypto
