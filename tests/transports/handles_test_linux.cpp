// Descriptors that travel, and those that must not pile up (ATK-12).
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "tests/transports/testing_linux.hpp"
#include "transports/socket_io.hpp"

namespace penstock::transport {
namespace {

using namespace testing;

struct Sockets {
  Handle a, b;
  Sockets() {
    std::array<int, 2> raw{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, raw.data()), 0);
    a = Handle(raw[0]);
    b = Handle(raw[1]);
  }
};

/// As a hostile peer sends: any number of copies of one descriptor with one byte.
bool flood(native_handle socket, std::size_t count) {
  const Handle null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const std::vector<int> raw(count, null.get());
  std::vector<char> control(CMSG_SPACE(count * sizeof(int)));
  char byte = 'f';
  iovec part{&byte, 1};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  cmsghdr* const header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(count * sizeof(int));
  std::memcpy(CMSG_DATA(header), raw.data(), count * sizeof(int));
  return ::sendmsg(socket, &message, MSG_NOSIGNAL) == 1;
}

TEST(Handles, ArriveOpenCloseOnExecAndTheSameFile) {
  const Sockets sockets;
  const Handle null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const std::vector<native_handle> sent(max_handles_per_message, null.get());
  ASSERT_TRUE(send_bytes(sockets.a.get(), as_bytes("x"), sent, Wait::yes).has_value());
  HandleList handles;
  std::byte buffer[4];
  const auto received = receive_bytes(sockets.b.get(), buffer, handles, Wait::yes);
  ASSERT_TRUE(received.has_value());
  ASSERT_EQ(handles.size(), max_handles_per_message);
  struct stat expected{};
  ::fstat(null.get(), &expected);
  for (auto& handle : handles) {
    struct stat status{};
    ASSERT_EQ(::fstat(handle.get(), &status), 0);
    EXPECT_EQ(status.st_rdev, expected.st_rdev);
    EXPECT_NE(::fcntl(handle.get(), F_GETFD) & FD_CLOEXEC, 0);
  }
}

TEST(Handles, TooManyOrClosedOnesAreNotSent) {
  const Sockets sockets;
  const std::vector<native_handle> many(max_handles_per_message + 1, 0);
  EXPECT_EQ(send_bytes(sockets.a.get(), as_bytes("x"), many, Wait::yes).error(), Error::invalid_argument);
  const native_handle closed[] = {9999};
  EXPECT_EQ(send_bytes(sockets.a.get(), as_bytes("x"), closed, Wait::yes).error(), Error::invalid_argument);
  HandleList handles;
  std::byte buffer[4];
  EXPECT_EQ(receive_bytes(sockets.b.get(), buffer, handles, Wait::no).error(), Error::would_block);
}

class Atk12Flood : public ::testing::TestWithParam<std::size_t> {};

TEST_P(Atk12Flood, IsRefusedAndLeavesNothingOpen) {
  for (const bool checks : {true, false}) {
    const Sockets sockets;
    ASSERT_TRUE(ask_for_senders(sockets.b.get(), checks).has_value());
    const auto before = open_descriptors();
    ASSERT_TRUE(flood(sockets.a.get(), GetParam()));
    HandleList handles;
    std::byte buffer[4];
    EXPECT_EQ(receive_bytes(sockets.b.get(), buffer, handles, Wait::yes).error(), Error::handles_limit);
    EXPECT_TRUE(handles.empty());
    EXPECT_EQ(open_descriptors(), before);
  }
}

INSTANTIATE_TEST_SUITE_P(Counts, Atk12Flood, ::testing::Values(17, 18, 19, 20, 64, 252, 253));

TEST(Atk12, WhatDoesNotFitBesideEarlierOnesIsClosed) {
  const Sockets sockets;
  HandleList handles;
  std::byte buffer[4];
  const auto before = open_descriptors();
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(flood(sockets.a.get(), 7));
    ASSERT_TRUE(receive_bytes(sockets.b.get(), buffer, handles, Wait::yes).has_value());
  }
  ASSERT_TRUE(flood(sockets.a.get(), 3));
  EXPECT_EQ(receive_bytes(sockets.b.get(), buffer, handles, Wait::yes).error(), Error::handles_limit);
  EXPECT_EQ(handles.size(), 14u);
  EXPECT_EQ(open_descriptors(), before + 14);
  handles.clear();
  EXPECT_EQ(open_descriptors(), before);
}

/// Leaves `spare` descriptors to this process; what is already open stays.
void leave_descriptors(std::size_t spare) {
  std::vector<int> held;
  const rlimit limit{256, 256};
  ::setrlimit(RLIMIT_NOFILE, &limit);
  for (;;) {
    const int raw = ::fcntl(0, F_DUPFD_CLOEXEC, 0);
    if (raw < 0) break;
    held.push_back(raw);
  }
  for (std::size_t i = 0; i < spare && !held.empty(); ++i) {
    ::close(held.back());
    held.pop_back();
  }
}

TEST(Atk12, AReceiverOutOfDescriptorsRefusesAndGoesOn) {
  Process receiver([] {
    const Sockets sockets;
    if (!flood(sockets.a.get(), 8) || ::send(sockets.a.get(), "n", 1, 0) != 1) return 1;
    leave_descriptors(3);
    HandleList handles;
    std::byte buffer[1];
    const auto cut = receive_bytes(sockets.b.get(), buffer, handles, Wait::yes);
    if (cut || cut.error() != Error::handles_limit || !handles.empty()) return 2;
    const auto next = receive_bytes(sockets.b.get(), buffer, handles, Wait::yes);
    return next && buffer[0] == std::byte{'n'} ? 0 : 3;
  });
  EXPECT_EQ(receiver.wait(), 0);
}

TEST(Atk12, WithoutADescriptorForTheSendersNameNothingIsReceived) {
  Process receiver([] {
    const Sockets sockets;
    if (!ask_for_senders(sockets.b.get(), true) || ::send(sockets.a.get(), "n", 1, 0) != 1) return 1;
    leave_descriptors(0);
    HandleList handles;
    std::byte buffer[1];
    const auto refused = receive_bytes(sockets.b.get(), buffer, handles, Wait::yes);
    return !refused && refused.error() == Error::resource_exhausted ? 0 : 2;
  });
  EXPECT_EQ(receiver.wait(), 0);
}

// A helper at its limit of descriptors turns nobody away: who waits is let in once another has gone.
TEST(Atk12, AListenerOutOfDescriptorsGoesOnAfterOneCloses) {
  const ScratchDirectory scratch;
  const auto endpoint = endpoint_in(scratch.path());
  const Gate ready;
  const Gate served;
  Process helper([&] {
    WaitingListener listener(endpoint);
    leave_descriptors(5 + 3);  // what reading one identity needs, and room for three
    ready.tell();
    std::vector<std::unique_ptr<Carrier>> held;
    for (;;) {
      auto carrier = listener.accept();
      if (carrier) {
        held.push_back(std::move(*carrier));
        continue;
      }
      if (carrier.error() != Error::resource_exhausted) return 1;
      break;
    }
    if (held.empty()) return 2;
    for (int i = 0; i < 50; ++i) {
      if (listener.accept().error() != Error::resource_exhausted) return 3;
    }
    for (int admitted = static_cast<int>(held.size()); admitted < 12; ++admitted) {
      held.erase(held.begin());
      auto carrier = listener.accept();
      if (!carrier || !(*carrier)->peer().executable) return 4;
      held.push_back(std::move(*carrier));
    }
    held.clear();
    // The last client may still be asking who we are.
    return static_cast<int>(served.wait());
  });
  ASSERT_EQ(ready.wait(), 0);
  std::vector<std::unique_ptr<Process>> clients;
  for (int i = 0; i < 12; ++i) clients.push_back(std::make_unique<Process>([&] { return connect_and_stay(endpoint); }));
  for (auto& client : clients) EXPECT_EQ(client->wait(), 0);
  served.tell();
  EXPECT_EQ(helper.wait(), 0);
}

}  // namespace
}  // namespace penstock::transport
