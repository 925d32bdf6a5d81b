#include "protocol/shares.hpp"

namespace penstock::protocol {

Error Shares::begin(std::uint32_t user) {
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

void Shares::end_handshake(std::uint32_t user, bool admitted) {
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

void Shares::end_channel(std::uint32_t user) {
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

void Shares::forget_if_empty(std::uint32_t user) {
  const auto found = users_.find(user);
  if (found != users_.end() && found->second.half_open == 0 && found->second.channels == 0) users_.erase(found);
}

}  // namespace penstock::protocol
