// Lies that only a Unix socket can carry.
#include <sys/socket.h>

#include <cstring>

#include "tests/channel/lies.hpp"

namespace penstock::test {
namespace {

/// Past every check of our own: `count` descriptors with the first byte.
bool write_raw(int socket, bytes_view bytes, std::size_t count) {
  const std::vector<int> raw(count, 0);
  std::vector<char> control(CMSG_SPACE(count * sizeof(int)));
  iovec part{const_cast<std::byte*>(bytes.data()), bytes.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  auto* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(count * sizeof(int));
  std::memcpy(CMSG_DATA(header), raw.data(), count * sizeof(int));
  return ::sendmsg(socket, &message, MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
}

TEST_F(Lies, Atk12MoreThanAnyMessageCanCarry) {
  ASSERT_TRUE(write_raw(hostile->carrier->native(), hostile->seal(FrameType::message, bytes({1}), 0, 4), 64));
  expect_refused(Error::handles_limit);
}

}  // namespace
}  // namespace penstock::test
