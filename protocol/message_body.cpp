#include "protocol/message_body.hpp"

#include <algorithm>

#include "crypto/secret.hpp"
#include "protocol/thread_state.hpp"

namespace penstock::protocol {

MessageBody& MessageBody::operator=(MessageBody&& other) noexcept {
  if (this == &other) return *this;
  clear();
  bytes_ = std::move(other.bytes_);
  return *this;
}

void MessageBody::grow(std::size_t size, std::size_t most) {
  if (bytes_.capacity() < size) {
    std::vector<std::byte> larger = std::move(thread_state().spare_body);
    if (larger.capacity() < size) larger.reserve(std::min(most, std::max(2 * bytes_.size(), size)));
    larger.assign(bytes_.begin(), bytes_.end());
    crypto::wipe(bytes_);
    bytes_ = std::move(larger);
  }
  bytes_.resize(size);
}

void MessageBody::assign(bytes_view bytes) {
  clear();
  grow(bytes.size(), bytes.size());
  std::ranges::copy(bytes, bytes_.begin());
}

void MessageBody::clear() noexcept {
  if (bytes_.capacity() == 0) return;
  crypto::wipe(bytes_);
  bytes_.clear();
  auto& spare = thread_state().spare_body;
  if (bytes_.capacity() <= spare_body && bytes_.capacity() > spare.capacity()) std::swap(spare, bytes_);
  bytes_ = std::vector<std::byte>();
}

}  // namespace penstock::protocol
