// A listener with one peer that was admitted honestly, holds valid keys, and lies.
#pragma once

#include "protocol/message_header.hpp"
#include "protocol/wire.hpp"
#include "tests/channel/pair.hpp"
#include "tests/support/hostile_peer.hpp"

namespace penstock::test {

using protocol::FrameType;

inline std::vector<std::byte> bytes(std::initializer_list<int> values) {
  std::vector<std::byte> out;
  for (const int value : values) out.push_back(static_cast<std::byte>(value));
  return out;
}

inline std::vector<std::byte> with_id(std::uint64_t id, std::initializer_list<int> rest = {}) {
  std::vector<std::byte> out(8);
  protocol::put(out.data(), id);
  for (const int value : rest) out.push_back(static_cast<std::byte>(value));
  return out;
}

/// A listener with one honest-looking hostile peer.
class Lies : public ::testing::Test {
 protected:
  void SetUp() override {
    auto options = listen_options();
    options.audit = audit;
    options.channel.limits.max_message = 100'000;
    options.channel.limits.max_handles = 4;
    auto opened = blocking::Listener::open(endpoint_in(directory), std::move(options));
    ASSERT_TRUE(opened) << opened.error().sentence();
    std::thread accepting([&] {
      auto accepted = opened->accept(std::chrono::seconds(20));
      if (accepted) server = std::move(*accepted);
    });
    hostile = HostilePeer::connect(endpoint_in(directory), own_policy(), data_plane());
    accepting.join();
    ASSERT_TRUE(hostile);
    ASSERT_TRUE(server.is_open());
  }

  /// The server receives until it closes; nothing is delivered; the reason is `why`, at both ends of the record.
  void expect_refused(Error why) {
    std::vector<std::byte> buffer(200'000, std::byte{0x5A});
    const auto got = server.receive(buffer, std::chrono::seconds(20));
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code(), why) << error_name(got.error().code());
    EXPECT_EQ(server.close_reason().code(), why);
    EXPECT_EQ(audit->count(AuditKind::channel_closed, why), 1u);
    EXPECT_TRUE(hostile->sees_the_end());
    EXPECT_EQ(server.send({}).error().code(), why);
  }

  TempDirectory directory;
  std::shared_ptr<RecordingAudit> audit = std::make_shared<RecordingAudit>();
  blocking::Channel server;
  std::optional<HostilePeer> hostile;
};

}  // namespace penstock::test
