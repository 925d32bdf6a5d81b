// What travels on a channel, as the application sees it.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "penstock/bytes.hpp"
#include "penstock/handle.hpp"
#include "penstock/sealed_buffer.hpp"

namespace penstock {

/// The longest name of an operation, in bytes. Names are 1 to 64 of [A-Za-z0-9._/-].
inline constexpr std::size_t max_operation_name = 64;

enum class MessageKind : std::uint8_t {
  message,  ///< one-way
  request,  ///< the peer called: answer it with reply()
  buffer,   ///< one-way: Incoming::buffer, and the note that came with it as the body
};

/// Names a request for reply(). Valid once, on the channel it came from.
struct RequestId {
  std::uint64_t value = 0;
};

/// What a receive delivered, besides the body in the caller's buffer. Move-only: it owns the handles that came along.
class Incoming {
 public:
  MessageKind kind = MessageKind::message;
  std::size_t size = 0;  ///< bytes of the body at the front of the buffer given to receive
  RequestId request;     ///< MessageKind::request only
  HandleList handles;    ///< authenticated count; what stays here is closed with it
  SealedBuffer buffer;   ///< MessageKind::buffer only
  /// MessageKind::request: what the peer asks for; policy has already allowed it. Else "message" or "buffer".
  [[nodiscard]] std::string_view operation() const noexcept { return {name_.data(), name_size_}; }
  void set_operation(std::string_view name) noexcept;

 private:
  std::array<char, max_operation_name> name_{};
  std::uint8_t name_size_ = 0;
};

/// The answer to a call. `status` is the application's own: 0 says it went well, anything else is between the two programs.
struct Reply {
  std::size_t size = 0;  ///< bytes of the body at the front of the buffer given to call
  std::uint32_t status = 0;
  HandleList handles;
};

/// The longest note that goes with a sealed buffer, in bytes: it is one record.
inline constexpr std::size_t max_buffer_note = 65536 - 16;

/// Options of one call.
struct CallOptions {
  std::chrono::milliseconds deadline{30'000};  ///< from now; the reply is never delivered after it (ATK-27)
  std::span<const native_handle> handles = {}; ///< borrowed; sent with the request
};

}  // namespace penstock
