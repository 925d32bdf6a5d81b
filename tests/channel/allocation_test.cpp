// In the steady state no message costs an allocation: not on send, not on receive into the caller's buffer, on either face.
// Its own executable: it stands in for malloc itself, so that nothing that allocates another way escapes the count.
#include <boost/asio/io_context.hpp>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <functional>

#include "tests/channel/pair.hpp"

namespace {
std::atomic<std::uint64_t> allocations{0};
}

// glibc's own entry points, which its manual (Replacing malloc) leaves callable under these names. NOLINTBEGIN
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* memory, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);

void* malloc(std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  return __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  return __libc_calloc(count, size);
}
void* realloc(void* memory, std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  return __libc_realloc(memory, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  return __libc_memalign(alignment, size);
}
int posix_memalign(void** memory, std::size_t alignment, std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  *memory = __libc_memalign(alignment, size);
  return *memory != nullptr ? 0 : ENOMEM;
}
}
// NOLINTEND

namespace penstock::test {
namespace {

constexpr int warm_up = 64;
constexpr int rounds = 2000;

TEST(Allocations, TheCounterCounts) {
  const auto before = allocations.load();
  auto* volatile number = new int(7);
  delete number;
  auto* volatile aligned = std::aligned_alloc(64, 64);
  std::free(aligned);
  EXPECT_EQ(allocations.load(), before + 2);
}

TEST(Allocations, BlockingSendAndReceiveMakeNone) {
  BlockingPair pair;
  for (const std::size_t size : {std::size_t{64}, std::size_t{4096}, std::size_t{65536}}) {
    std::vector<std::byte> buffer(size);
    std::uint64_t before = 0;
    for (int i = 0; i < warm_up + rounds; ++i) {
      if (i == warm_up) before = allocations.load();
      ASSERT_TRUE(pair.client.send(buffer));
      ASSERT_TRUE(pair.server.receive(buffer));
    }
    EXPECT_EQ(allocations.load() - before, 0u) << size;
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
      if (received == warm_up) before = allocations.load();
      if (received == warm_up + rounds) {
        after = allocations.load();
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
    if (i == warm_up) before = allocations.load();
    for (int burst = 0; burst < 10; ++burst) ASSERT_TRUE(pair.client.queue(buffer));
    ASSERT_TRUE(pair.client.flush());
    for (int burst = 0; burst < 10; ++burst) ASSERT_TRUE(pair.server.receive(buffer));
  }
  EXPECT_EQ(allocations.load() - before, 0u);
}

}  // namespace
}  // namespace penstock::test
