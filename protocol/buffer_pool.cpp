#include "protocol/buffer_pool.hpp"

#include <array>
#include <mutex>
#include <vector>

#include "crypto/secret.hpp"
#include "protocol/thread_state.hpp"

namespace penstock::protocol {
namespace {

using Memory = std::unique_ptr<std::byte[]>;

// Enough for the channels that are busy at once; what is beyond goes back to the allocator.
constexpr std::size_t shared_buffers = 64;

struct SharedPool {
  std::mutex mutex;
  std::vector<Memory> free;
};

SharedPool& shared_pool() {
  static auto* pool = new SharedPool;  // never destroyed: threads may outlive main's statics
  return *pool;
}

Memory take() {
  for (auto& memory : thread_state().buffers) {
    if (memory) return std::move(memory);
  }
  auto& pool = shared_pool();
  {
    const std::lock_guard lock(pool.mutex);
    if (!pool.free.empty()) {
      auto memory = std::move(pool.free.back());
      pool.free.pop_back();
      return memory;
    }
  }
  return Memory(new std::byte[pooled_buffer_size]);
}

void give(Memory memory) {
  for (auto& slot : thread_state().buffers) {
    if (slot) continue;
    slot = std::move(memory);
    return;
  }
  auto& pool = shared_pool();
  const std::lock_guard lock(pool.mutex);
  if (pool.free.size() < shared_buffers) pool.free.push_back(std::move(memory));
}

}  // namespace

PooledBuffer::PooledBuffer(PooledBuffer&& other) noexcept
    : data_(std::move(other.data_)), plaintext_(std::exchange(other.plaintext_, 0)) {}

PooledBuffer& PooledBuffer::operator=(PooledBuffer&& other) noexcept {
  if (this == &other) return *this;
  release();
  data_ = std::move(other.data_);
  plaintext_ = std::exchange(other.plaintext_, 0);
  return *this;
}

void PooledBuffer::acquire() {
  if (!data_) data_ = take();
}

void PooledBuffer::release() noexcept {
  if (!data_) return;
  crypto::wipe({data_.get(), plaintext_});
  plaintext_ = 0;
  give(std::move(data_));
}

}  // namespace penstock::protocol
