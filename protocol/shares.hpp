// What each user holds of a listener. Outlives the listener in the channels, which may close on other threads.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>

#include "penstock/error.hpp"
#include "penstock/limits.hpp"
#include "penstock/native.hpp"

namespace penstock::protocol {

/// The limits that this process can keep: its descriptors (RLIMIT_NOFILE) bound the channels too. `descriptors`: how many it
/// may have.
[[nodiscard]] ListenerLimits within_descriptors(ListenerLimits limits, std::uint64_t descriptors) noexcept;
/// How many descriptors this process may have open at once.
[[nodiscard]] std::uint64_t descriptor_limit() noexcept;

/// Thread-safe. A user's entry goes with its last connection, so that their number is bounded by the limits.
class Shares {
 public:
  explicit Shares(const ListenerLimits& limits) : limits_(limits) {}

  /// Counts a new handshake of `user`: limit_half_open or limit_identity when it may have no more (ATK-24).
  [[nodiscard]] Error begin(const user_id& user);
  /// A handshake of `user` has ended: as a channel, or as nothing.
  void end_handshake(const user_id& user, bool admitted);
  void end_channel(const user_id& user);
  [[nodiscard]] std::size_t half_open() const;
  [[nodiscard]] std::size_t channels() const;

 private:
  struct Share {
    std::size_t half_open = 0;
    std::size_t channels = 0;
  };
  void forget_if_empty(const user_id& user);

  mutable std::mutex mutex_;
  ListenerLimits limits_;
  std::map<user_id, Share> users_;
  std::size_t half_open_ = 0;
  std::size_t channels_ = 0;
};

}  // namespace penstock::protocol
