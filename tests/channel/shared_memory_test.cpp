// What is particular to records in shared memory: it is agreed or refused, never fallen back from; its life and death; its bounds.
#include "tests/channel/async_pair.hpp"
#include "tests/support/child.hpp"
#include "transports/ring.hpp"

namespace penstock::test {
namespace {

ListenOptions shared_listen() {
  auto options = listen_options();
  options.allow_shared_memory = true;
  return options;
}

ConnectOptions shared_connect() {
  auto options = connect_options();
  options.data_plane = DataPlane::shared_memory;
  return options;
}

TEST(SharedMemory, IsWhatBothEndsSay) {
  BlockingPair pair(shared_listen(), shared_connect());
  EXPECT_EQ(pair.client.info().carrier, "shared_memory");
  EXPECT_EQ(pair.server.info().carrier, "shared_memory");
}

/// Connects to a listener with these options, and then once more as `honest`, for the listener's accept to have something: why the first
/// failed at the client's end, and what the listener recorded.
struct Refused {
  Refused(ListenOptions listen, const ConnectOptions& connect, const ConnectOptions& honest) {
    const TempDirectory directory;
    listen.audit = audit;
    auto listener = blocking::Listener::open(endpoint_in(directory), std::move(listen));
    EXPECT_TRUE(listener) << listener.error().sentence();
    std::thread connecting([&] {
      const auto channel = blocking::connect(endpoint_in(directory), connect);
      if (!channel) error = channel.error().code();
      EXPECT_TRUE(blocking::connect(endpoint_in(directory), honest));
    });
    EXPECT_TRUE(listener->accept(std::chrono::seconds(60)));
    connecting.join();
  }
  std::shared_ptr<RecordingAudit> audit = std::make_shared<RecordingAudit>();
  Error error = Error::none;
};

ConnectOptions pipe_connect() {
  auto options = connect_options();
  options.data_plane = DataPlane::pipe;
  return options;
}

TEST(SharedMemory, Atk25IsRefusedWhereItIsNotAllowedAndNothingElseIsTried) {
  auto listen = listen_options();
  listen.allow_shared_memory = false;
  const Refused refused(std::move(listen), shared_connect(), pipe_connect());
  EXPECT_EQ(refused.error, Error::truncated);
  EXPECT_EQ(refused.audit->count(AuditKind::peer_refused, Error::carrier_refused), 1u);
  EXPECT_EQ(refused.audit->count(AuditKind::peer_admitted, Error::none), 1u);  // the honest one
}

TEST(SharedMemory, Atk25ThePipeIsRefusedWhereOnlyMemoryIsAllowed) {
  auto listen = shared_listen();
  listen.allow_pipe = false;
  const Refused refused(std::move(listen), pipe_connect(), shared_connect());
  EXPECT_EQ(refused.error, Error::truncated);
  EXPECT_EQ(refused.audit->count(AuditKind::peer_refused, Error::carrier_refused), 1u);
}

TEST(SharedMemory, OptionsThatCannotBeAreSaidBeforeAnythingStarts) {
  const TempDirectory directory;
  auto neither = listen_options();
  neither.allow_pipe = neither.allow_shared_memory = false;
  EXPECT_EQ(blocking::Listener::open(endpoint_in(directory), std::move(neither)).error(), Error::invalid_argument);
  for (const std::size_t size : {std::size_t{0}, std::size_t{4095}, std::size_t{5000}, 2 * transport::largest_ring}) {
    auto odd = shared_listen();
    odd.channel.limits.ring_bytes = size;
    EXPECT_EQ(blocking::Listener::open(endpoint_in(directory), std::move(odd)).error(), Error::invalid_argument) << size;
    auto odd_connect = shared_connect();
    odd_connect.channel.limits.ring_bytes = size;
    EXPECT_EQ(blocking::connect(endpoint_in(directory), odd_connect).error(), Error::invalid_argument) << size;
  }
}

// Records larger than the ring pass through it in pieces, in both directions at once.
TEST(SharedMemory, TheSmallestRingCarriesTheLargestMessages) {
  auto listen = shared_listen();
  auto connect = shared_connect();
  listen.channel.limits.ring_bytes = connect.channel.limits.ring_bytes = transport::smallest_ring;
  BlockingPair pair(std::move(listen), connect);
  const auto large = pattern(3'000'000);
  const auto echo = [&large](blocking::Channel& channel, bool first) {
    std::vector<std::byte> buffer(large.size());
    if (first && !channel.send(large)) return false;
    const auto got = channel.receive(buffer, std::chrono::seconds(60));
    if (!got || !std::ranges::equal(buffer, large)) return false;
    return first || channel.send(buffer).has_value();
  };
  bool served = false;
  std::thread serving([&] { served = echo(pair.server, false); });
  EXPECT_TRUE(echo(pair.client, true));
  serving.join();
  EXPECT_TRUE(served);
}

// More messages with handles than may be under way at once: the sender waits for the reader, whichever face it has.
TEST(SharedMemory, HandlesBeyondTheBoundWaitForTheReader) {
  BlockingPair pair(shared_listen(), shared_connect());
  constexpr int messages = 100;
  std::thread sending([&] {
    for (int i = 0; i < messages; ++i) {
      const auto file = file_with(std::to_string(i));
      const native_handle one[] = {file.get()};
      EXPECT_TRUE(pair.client.send(pattern(10), one));
    }
  });
  std::vector<std::byte> buffer(10);
  for (int i = 0; i < messages; ++i) {
    auto got = pair.server.receive(buffer, std::chrono::seconds(60));
    ASSERT_TRUE(got) << got.error().sentence();
    ASSERT_EQ(got->handles.size(), 1u);
    EXPECT_EQ(text_of(got->handles[0].get()), std::to_string(i));
  }
  sending.join();
}

TEST(SharedMemory, ABusyPollNoticesTheEnd) {
  BlockingPair pair(shared_listen(), shared_connect());
  std::vector<std::byte> buffer(16);
  // So often that it has listened in between, and heard nothing.
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(pair.server.try_receive(buffer).error(), Error::would_block);
  ASSERT_TRUE(pair.client.send(pattern(16)));
  auto got = pair.server.try_receive(buffer);
  ASSERT_TRUE(got) << got.error().sentence();
  EXPECT_EQ(got->size, 16u);
  pair.client.close();
  for (got = pair.server.try_receive(buffer); got.error() == Error::would_block;) got = pair.server.try_receive(buffer);
  EXPECT_EQ(got.error(), Error::closed_by_peer);
}

const Role die_after_a_word("shm-die", [](const Line& line, const Words& words) {
  auto channel = blocking::connect(endpoint_in(words[0]), shared_connect());
  if (!channel || !channel->send(pattern(100))) return 1;
  line.tell();
  static_cast<void>(line.hear());
  return 2;
});

// kill -9: what was sent before can still be received, and then the end is known at once, asleep or not.
TEST(SharedMemory, ADeadPeersLastWordIsReadAndThenItsEnd) {
  const TempDirectory directory;
  auto listener = blocking::Listener::open(endpoint_in(directory), shared_listen());
  ASSERT_TRUE(listener);
  const Child client(die_after_a_word, {directory.path()});
  auto channel = listener->accept(std::chrono::seconds(60));
  ASSERT_TRUE(channel) << channel.error().sentence();
  static_cast<void>(client.line().hear());
  client.kill();
  std::vector<std::byte> buffer(100);
  const auto got = channel->receive(buffer);
  ASSERT_TRUE(got) << got.error().sentence();
  EXPECT_TRUE(std::ranges::equal(buffer, pattern(100)));
  EXPECT_EQ(channel->receive(buffer).error(), Error::truncated);
  EXPECT_EQ(channel->close_reason().code(), Error::truncated);
}

// A writer that waits for room is told as well.
TEST(SharedMemory, AWriterThatWaitsForRoomLearnsOfTheReadersDeath) {
  const TempDirectory directory;
  auto listener = blocking::Listener::open(endpoint_in(directory), shared_listen());
  ASSERT_TRUE(listener);
  Child client(die_after_a_word, {directory.path()});
  auto channel = listener->accept(std::chrono::seconds(60));
  ASSERT_TRUE(channel);
  static_cast<void>(client.line().hear());
  std::thread killing([&] { client.kill(); });
  const auto sent = channel->send(pattern(4'000'000));
  killing.join();
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error(), Error::truncated);
}

TEST(SharedMemory, TheAsioFaceWaitsForDataAndForRoomAtOnce) {
  auto listen = shared_listen();
  auto connect = shared_connect();
  listen.channel.limits.ring_bytes = connect.channel.limits.ring_bytes = transport::smallest_ring;
  AsyncPair pair(std::move(listen), connect);
  const auto large = pattern(500'000);
  std::vector<std::byte> at_server(large.size()), at_client(large.size());
  int done = 0;
  const auto sent = [&](boost::system::error_code ec) {
    EXPECT_FALSE(ec) << ec.message();
    ++done;
  };
  const auto received = [&](boost::system::error_code ec, const Incoming& incoming) {
    EXPECT_FALSE(ec) << ec.message();
    EXPECT_EQ(incoming.size, large.size());
    ++done;
  };
  // Both ends fill their rings before either reads.
  pair.client.async_send(asio::buffer(large), sent);
  pair.server.async_send(asio::buffer(large), sent);
  pair.client.async_receive(asio::buffer(at_client), received);
  pair.server.async_receive(asio::buffer(at_server), received);
  pair.run_until([&] { return done == 4; });
  EXPECT_EQ(at_client, large);
  EXPECT_EQ(at_server, large);
}

}  // namespace
}  // namespace penstock::test
