#include "transports/sealed_buffer.hpp"

namespace penstock {

void SealedBuffer::reset() noexcept {
  if (view_ != nullptr) transport::unmap_memory(std::exchange(view_, nullptr), size_);
  size_ = 0;
  memory_.reset();
}

result<bytes_view> SealedBuffer::view() {
  if (!valid()) return Error::invalid_argument;
  if (view_ == nullptr) {
    const auto mapped = transport::map_memory(memory_, size_, false);
    if (!mapped) return mapped.error();
    view_ = *mapped;
  }
  return bytes_view(view_, static_cast<std::size_t>(size_));
}

result<BufferMaker> BufferMaker::make(std::uint64_t size) {
  if (size == 0 || size > transport::largest_buffer) return Error::invalid_argument;
  auto memory = transport::make_memory(size);
  if (!memory) return memory.error();
  const auto mapped = transport::map_memory(*memory, size, true);
  if (!mapped) return mapped.error();
  BufferMaker made;
  made.buffer_.memory_ = std::move(*memory);
  made.buffer_.size_ = size;
  made.buffer_.view_ = *mapped;
  return made;
}

result<SealedBuffer> BufferMaker::seal() {
  auto buffer = std::move(buffer_);
  if (!buffer) return Error::invalid_argument;
  transport::unmap_memory(std::exchange(buffer.view_, nullptr), buffer.size_);
  auto sealed = transport::seal_memory(std::move(buffer.memory_));
  if (!sealed) return sealed.error();
  buffer.memory_ = std::move(*sealed);
  return buffer;
}

}  // namespace penstock
