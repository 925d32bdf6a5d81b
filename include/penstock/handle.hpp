// An operating-system handle that is closed exactly once: a file descriptor on Linux, a HANDLE on Windows.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <utility>

#include "penstock/native.hpp"

namespace penstock {

/// Owns one handle. Move-only; not thread-safe.
class Handle {
 public:
  Handle() = default;
  explicit Handle(native_handle raw) noexcept : raw_(raw) {}
  Handle(Handle&& other) noexcept : raw_(std::exchange(other.raw_, no_handle)) {}
  Handle& operator=(Handle&& other) noexcept {
    if (this != &other) {
      reset();
      raw_ = std::exchange(other.raw_, no_handle);
    }
    return *this;
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() { reset(); }

  [[nodiscard]] native_handle get() const noexcept { return raw_; }
  [[nodiscard]] bool valid() const noexcept { return raw_ != no_handle; }
  [[nodiscard]] explicit operator bool() const noexcept { return valid(); }
  /// Gives the handle up: the caller closes it.
  [[nodiscard]] native_handle release() noexcept { return std::exchange(raw_, no_handle); }
  /// Closes it now, if there is one.
  void reset() noexcept {
    if (valid()) close(release());
  }

 private:
  static void close(native_handle raw) noexcept;
  native_handle raw_ = no_handle;
};

/// The most handles that one message can carry, whatever the limits say.
inline constexpr std::size_t max_handles_per_message = 16;

/// A fixed-capacity list of owned handles, so that receiving some never allocates.
/// Whatever is still in it when it goes is closed: an unclaimed handle leaks nothing (ATK-12).
class HandleList {
 public:
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  /// `index` < size().
  [[nodiscard]] Handle& operator[](std::size_t index) noexcept { return std::span(begin(), size_)[index]; }
  [[nodiscard]] const Handle& operator[](std::size_t index) const noexcept {
    return std::span(room_.handles).first(size_)[index];
  }
  [[nodiscard]] Handle* begin() noexcept { return room_.handles; }
  [[nodiscard]] Handle* end() noexcept { return begin() + size_; }
  /// Takes ownership. False, and `handle` is closed, when the list is full.
  bool push(Handle handle) noexcept {
    if (size_ == max_handles_per_message) return false;
    std::construct_at(end(), std::move(handle));
    ++size_;
    return true;
  }
  /// Closes all of them.
  void clear() noexcept { std::destroy_n(begin(), std::exchange(size_, 0)); }

  HandleList() noexcept {}
  HandleList(HandleList&& other) noexcept { take(other); }
  HandleList& operator=(HandleList&& other) noexcept {
    if (this == &other) return *this;
    clear();
    take(other);
    return *this;
  }
  HandleList(const HandleList&) = delete;
  HandleList& operator=(const HandleList&) = delete;
  ~HandleList() { clear(); }

 private:
  void take(HandleList& other) noexcept {
    std::uninitialized_move_n(other.begin(), other.size_, begin());
    size_ = other.size_;
    other.clear();
  }

  // Only the first size_ exist: nearly every message has none, and then making, moving and destroying the list is free.
  union Room {
    Room() noexcept {}
    ~Room() {}
    Handle handles[max_handles_per_message];
  };
  Room room_;
  std::size_t size_ = 0;
};

}  // namespace penstock
