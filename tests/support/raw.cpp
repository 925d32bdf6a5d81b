#include "tests/support/raw.hpp"

#include <cstdint>
#include <cstring>
#include <span>

namespace penstock::test {

std::vector<std::byte> RawEnd::read_frame() const {
  std::vector<std::byte> frame(32);
  if (!read(frame)) return {};
  std::uint32_t length = 0;
  std::memcpy(&length, frame.data() + 12, 4);
  if (length > (1u << 20)) return {};
  frame.resize(32 + length);
  if (!read(std::span(frame).subspan(32))) return {};
  return frame;
}

bool RawEnd::ends_without_a_word() const {
  std::byte byte{};
  return !read({&byte, 1});
}

}  // namespace penstock::test
