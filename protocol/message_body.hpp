// The bytes of a message that nobody has given memory for yet. Wiped when they go.
#pragma once

#include <memory>
#include <vector>

#include "penstock/bytes.hpp"

namespace penstock::protocol {

/// What a thread keeps of the last one's memory, at most. New memory of this size costs more than what is put into it: each of its
/// pages is a fault.
inline constexpr std::size_t spare_body = std::size_t{4} << 20;

class MessageBody {
 public:
  MessageBody() = default;
  MessageBody(MessageBody&&) noexcept = default;
  MessageBody& operator=(MessageBody&& other) noexcept;
  MessageBody(const MessageBody&) = delete;
  MessageBody& operator=(const MessageBody&) = delete;
  ~MessageBody() { clear(); }

  [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }
  [[nodiscard]] std::size_t capacity() const noexcept { return bytes_.capacity(); }
  [[nodiscard]] std::byte* data() noexcept { return bytes_.data(); }
  [[nodiscard]] bytes_view view() const noexcept { return bytes_; }
  /// Makes it `size` bytes long, what is in it kept. Where it has to move it takes up to twice that, but never more than `most`.
  void grow(std::size_t size, std::size_t most);
  void assign(bytes_view bytes);
  /// Wipes it; its memory is the thread's next body's.
  void clear() noexcept;

 private:
  std::vector<std::byte> bytes_;
};

}  // namespace penstock::protocol
