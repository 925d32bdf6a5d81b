// One incoming message that is put together from its chunks, straight where it is wanted when that is known.
#pragma once

#include <algorithm>

#include "penstock/message.hpp"
#include "protocol/message_body.hpp"
#include "protocol/message_header.hpp"

namespace penstock::protocol {

struct PendingCall;
struct ReceiveTarget;

/// A message that waits for a receive.
struct QueuedMessage {
  Incoming incoming;
  MessageBody body;
};

/// Where a message's body goes.
enum class Destination : std::uint8_t { none, target, call, owned, discarded };

struct Assembly {
  bool active = false;
  FrameType type{};
  Destination destination = Destination::none;
  std::uint64_t total = 0;
  std::uint64_t filled = 0;
  std::byte* memory = nullptr;    ///< destination target or call: the caller's buffer
  PendingCall* call = nullptr;    ///< destination call
  Failure call_failure;           ///< what the call ends with when its body was discarded
  QueuedMessage message;          ///< what is known of it; the body when destination is owned
  std::uint32_t status = 0;       ///< reply

  /// Where the next chunk may be written, or null when it is discarded.
  [[nodiscard]] std::byte* next() noexcept {
    if (destination == Destination::discarded) return nullptr;
    return (destination == Destination::owned ? message.body.data() : memory) + filled;
  }
  /// Owned memory grows with what arrives, not with what was announced: a short record may announce the longest message (ATK-24).
  /// Call before next().
  void make_room(std::size_t bytes) {
    if (destination == Destination::owned) message.body.grow(filled + bytes, total);
  }
  /// The caller's buffer goes away: keeps what has arrived.
  void move_to_owned() {
    message.body.assign({memory, filled});
    memory = nullptr;
    destination = Destination::owned;
  }
  void finish() noexcept { *this = Assembly(); }
};

}  // namespace penstock::protocol
