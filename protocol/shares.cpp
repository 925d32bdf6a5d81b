#include "protocol/shares.hpp"

#include <algorithm>

namespace penstock::protocol {

// Half of the descriptors for channels; the other half for handshakes, passed handles and whatever else the program does.
ListenerLimits within_descriptors(ListenerLimits limits, std::uint64_t descriptors) noexcept {
  constexpr std::uint64_t for_each_channel = 2;  // the socket, and the handle on the peer's process
  const std::size_t room = std::max<std::size_t>(descriptors / 2 / for_each_channel, 1);
  if (limits.channels <= room) return limits;
  const auto share = static_cast<long double>(room) / static_cast<long double>(limits.channels);
  const auto reduced = static_cast<std::size_t>(share * static_cast<long double>(limits.channels_per_identity));
  limits.channels_per_identity = std::clamp<std::size_t>(reduced, 1, room);
  limits.channels = room;
  return limits;
}

Error Shares::begin(const user_id& user) {
  const std::lock_guard lock(mutex_);
  const auto found = users_.find(user);
  const Share share = found == users_.end() ? Share() : found->second;
  if (half_open_ >= limits_.half_open) return Error::limit_half_open;
  if (share.half_open >= limits_.half_open_per_identity) return Error::limit_half_open;
  if (share.channels + share.half_open >= limits_.channels_per_identity) return Error::limit_identity;
  if (channels_ + half_open_ >= limits_.channels) return Error::limit_identity;
  ++users_[user].half_open;
  ++half_open_;
  return Error::none;
}

void Shares::end_handshake(const user_id& user, bool admitted) {
  const std::lock_guard lock(mutex_);
  auto& share = users_[user];
  --share.half_open;
  --half_open_;
  if (admitted) {
    ++share.channels;
    ++channels_;
  }
  forget_if_empty(user);
}

void Shares::end_channel(const user_id& user) {
  const std::lock_guard lock(mutex_);
  --users_[user].channels;
  --channels_;
  forget_if_empty(user);
}

std::size_t Shares::half_open() const {
  const std::lock_guard lock(mutex_);
  return half_open_;
}

std::size_t Shares::channels() const {
  const std::lock_guard lock(mutex_);
  return channels_;
}

void Shares::forget_if_empty(const user_id& user) {
  const auto found = users_.find(user);
  if (found != users_.end() && found->second.half_open == 0 && found->second.channels == 0) users_.erase(found);
}

}  // namespace penstock::protocol
