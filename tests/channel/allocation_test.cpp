// In the steady state no message costs an allocation: not on send, not on receive into the caller's buffer, on either face.
// Its own executable: it stands in for the allocator (allocation_count.hpp).
#include <boost/asio/io_context.hpp>

#include <functional>

#include "tests/channel/allocation_count.hpp"
#include "tests/channel/pair.hpp"

namespace penstock::test {
namespace {

constexpr int warm_up = 64;
// What a message costs shows in each of them, and what grows now and then several times. Under Wine a round takes some milliseconds.
constexpr int rounds = 500;

TEST(Allocations, TheCounterCounts) {
  const auto before = allocation_count();
  allocate_in_every_way();
  EXPECT_EQ(allocation_count(), before + 2);
}

// The reader is another thread: a pipe need not hold the largest message while nobody reads. Each message is answered, so that both
// are past their warm-up when the counting begins.
TEST(Allocations, BlockingSendAndReceiveMakeNone) {
  BlockingPair pair;
  for (const std::size_t size : {std::size_t{64}, std::size_t{4096}, std::size_t{65536}}) {
    std::thread reading([&] {
      std::vector<std::byte> in(size);
      for (int i = 0; i < warm_up + rounds; ++i) {
        ASSERT_TRUE(pair.server.receive(in));
        ASSERT_TRUE(pair.server.send({}));
      }
    });
    std::vector<std::byte> buffer(size);
    std::uint64_t before = 0;
    std::uint64_t after = 0;
    for (int i = 0; i < warm_up + rounds; ++i) {
      if (i == warm_up) before = allocation_count();
      EXPECT_TRUE(pair.client.send(buffer));
      EXPECT_TRUE(pair.client.receive(buffer));
      after = allocation_count();
    }
    reading.join();
    EXPECT_EQ(after - before, 0u) << size;
  }
}

TEST(Allocations, AsioSendAndReceiveMakeNone) {
  asio::io_context context(1);
  TempDirectory directory;
  auto listener = Listener::open(context.get_executor(), endpoint_in(directory), listen_options());
  ASSERT_TRUE(listener);
  Channel server;
  Channel client;
  listener->async_accept([&](boost::system::error_code, Channel channel) { server = std::move(channel); });
  async_connect(context.get_executor(), endpoint_in(directory), connect_options(),
                [&](boost::system::error_code, Channel channel) { client = std::move(channel); });
  while (!(client.is_open() && server.is_open()) && context.run_one() != 0) {
  }
  std::array<std::byte, 64> out{};
  std::array<std::byte, 64> in{};
  int received = 0;
  std::uint64_t before = 0;
  std::uint64_t after = 0;
  // One message under way: each side's next operation begins in the other's completion.
  std::function<void()> round = [&] {
    server.async_receive(asio::buffer(in), [&](boost::system::error_code ec, Incoming) {
      ASSERT_FALSE(ec);
      ++received;
      if (received == warm_up) before = allocation_count();
      if (received == warm_up + rounds) {
        after = allocation_count();
        return context.stop();
      }
      round();
    });
    client.async_send(asio::buffer(out), [](boost::system::error_code ec) { ASSERT_FALSE(ec); });
  };
  round();
  context.run();
  ASSERT_EQ(received, warm_up + rounds);
  EXPECT_EQ(after - before, 0u);
}

TEST(Allocations, QueuedMessagesMakeNone) {
  BlockingPair pair;
  std::vector<std::byte> buffer(64);
  std::uint64_t before = 0;
  for (int i = 0; i < warm_up + rounds; ++i) {
    if (i == warm_up) before = allocation_count();
    for (int burst = 0; burst < 10; ++burst) ASSERT_TRUE(pair.client.queue(buffer));
    ASSERT_TRUE(pair.client.flush());
    for (int burst = 0; burst < 10; ++burst) ASSERT_TRUE(pair.server.receive(buffer));
  }
  EXPECT_EQ(allocation_count() - before, 0u);
}

}  // namespace
}  // namespace penstock::test
