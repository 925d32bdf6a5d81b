// What the blocking face waits for: a peer that reads late, or never, and descriptors that nobody takes.
#include "tests/channel/pair.hpp"

namespace penstock::test {
namespace {

// Both ends have more waiting than the pipe holds, and both want to receive: each goes on writing while it waits to read.
TEST(BlockingChannel, TwoReceiversWithFullOutboxesDoNotWaitForEachOther) {
  BlockingPair pair;
  constexpr unsigned messages = 900;
  const auto talk = [](blocking::Channel& channel) {
    for (unsigned i = 0; i < messages; ++i) ASSERT_TRUE(channel.queue(pattern(900, i)));
    std::vector<std::byte> in(900);
    for (unsigned i = 0; i < messages; ++i) {
      const auto got = channel.receive(in, std::chrono::seconds(20));
      ASSERT_TRUE(got) << got.error().sentence();
      ASSERT_EQ(in, pattern(900, i));
    }
    ASSERT_TRUE(channel.flush());
  };
  std::thread other([&] { talk(pair.server); });
  talk(pair.client);
  other.join();
}

// Descriptors of messages that nobody has taken are bounded by themselves: 64 messages could bring 512.
TEST(Atk12Limits, HandlesThatNobodyTookStopTheReading) {
  for (const std::size_t bound : {2u, 32u}) {
    auto connect = connect_options();
    connect.channel.limits.inbound_handles = bound;
    BlockingPair pair(listen_options(), std::move(connect));
    std::thread other([&] {
      std::vector<std::byte> in(16);
      const auto request = pair.server.receive(in, std::chrono::seconds(20));
      ASSERT_TRUE(request);
      const auto file = file_with("x");
      const std::array<native_handle, 1> handle{file.get()};
      for (int i = 0; i < 3; ++i) ASSERT_TRUE(pair.server.send({}, handle));
      (void)pair.server.reply(request->request, 0, {});
    });
    std::vector<std::byte> reply(16);
    const auto got = pair.client.call("op", {}, reply);
    other.join();
    EXPECT_EQ(got.has_value(), bound == 32);
    EXPECT_EQ(got ? Error::none : got.error().code(), bound == 32 ? Error::none : Error::queue_full);
  }
}

// The peer answers when it has read everything; what did not fit at once has to leave while the answer is waited for.
TEST(BlockingChannel, AReceiveGoesOnWritingWhatIsQueued) {
  BlockingPair pair;
  constexpr unsigned messages = 900;
  std::thread other([&] {
    std::vector<std::byte> in(900);
    for (unsigned i = 0; i < messages; ++i) ASSERT_TRUE(pair.server.receive(in, std::chrono::seconds(20)));
    ASSERT_TRUE(pair.server.send(pattern(900, 1)));
  });
  for (unsigned i = 0; i < messages; ++i) ASSERT_TRUE(pair.client.queue(pattern(900, i)));
  std::vector<std::byte> in(900);
  const auto got = pair.client.receive(in, std::chrono::seconds(20));
  EXPECT_TRUE(got) << got.error().sentence();
  pair.client.close();
  other.join();
}

}  // namespace
}  // namespace penstock::test
