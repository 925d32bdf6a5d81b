// What the Asio face does with borrowed memory and with messages that are half on their way.
#include <algorithm>

#include "protocol/assembly.hpp"
#include "tests/channel/async_pair.hpp"
#include "tests/support/hostile_peer.hpp"

namespace penstock::test {
namespace {

constexpr std::size_t more_than_fits = 4u << 20;  // beyond the outbound bound and the socket's buffer

// The request is on its way when the call gives up. From then on its memory is the caller's again, and what stands there later
// is not the peer's to read.
TEST(AsyncBorrowed, ACallThatGivesUpHalfSentLeavesNothingBorrowed) {
  AsyncPair pair;
  std::vector<std::byte> request(more_than_fits, std::byte{'A'});
  std::vector<std::byte> reply(16);
  std::optional<Error> ended;
  CallOptions options;
  options.deadline = std::chrono::milliseconds(20);
  pair.client.async_call("op", asio::buffer(request), asio::buffer(reply), options,
                         [&](boost::system::error_code ec, const Reply&) {
                           ended = static_cast<Error>(ec.value());
                           std::fill(request.begin(), request.end(), std::byte{'S'});
                         });
  pair.run_until([&] { return ended.has_value(); });
  EXPECT_EQ(*ended, Error::deadline_exceeded);

  std::vector<std::byte> in(more_than_fits);
  std::size_t arrived = 0;
  pair.server.async_receive(asio::buffer(in), [&](boost::system::error_code ec, const Incoming& incoming) {
    EXPECT_FALSE(ec) << ec.message();
    arrived = incoming.size;
  });
  pair.run_until([&] { return arrived != 0; });
  EXPECT_EQ(arrived, more_than_fits);
  EXPECT_EQ(std::count(in.begin(), in.end(), std::byte{'S'}), 0);
  EXPECT_TRUE(pair.client.is_open());
}

// The refusal's answer may not stand between two records of the message that is under way (PS-MSG-02).
TEST(AsyncBorrowed, ARefusalWaitsForTheEndOfTheMessageUnderWay) {
  auto listen = listen_options();
  listen.policy = own_policy({"message"});
  AsyncPair pair(std::move(listen));
  const std::vector<std::byte> message(more_than_fits, std::byte{'B'});
  std::array<std::byte, 16> unused{};
  bool sent = false;
  pair.server.async_send(asio::buffer(message), [&](boost::system::error_code ec) {
    EXPECT_FALSE(ec) << ec.message();
    sent = true;
  });
  pair.server.async_receive(asio::buffer(unused), [](boost::system::error_code, const Incoming&) {});
  std::vector<std::byte> in(more_than_fits);
  std::array<std::byte, 16> reply{};
  std::optional<Error> called;
  std::size_t received = 0;
  pair.client.async_call("forbidden", asio::const_buffer(), asio::buffer(reply), {},
                         [&](boost::system::error_code ec, const Reply&) { called = static_cast<Error>(ec.value()); });
  pair.context.restart();
  pair.context.poll();  // the request is with the server before the client reads
  pair.client.async_receive(asio::buffer(in), [&](boost::system::error_code ec, const Incoming& incoming) {
    EXPECT_FALSE(ec) << ec.message();
    received = incoming.size;
  });
  pair.run_until([&] { return sent && called && received != 0; });
  EXPECT_EQ(received, more_than_fits);
  EXPECT_EQ(*called, Error::operation_refused);
  EXPECT_TRUE(pair.client.is_open() && pair.server.is_open());
}

// A full queue of messages stops the reading; taking them by try_receive goes on with it for the call that waits.
TEST(AsyncBorrowed, TakingMessagesResumesTheReadingForACall) {
  auto connect = connect_options();
  connect.channel.limits.inbound_messages = 4;
  AsyncPair pair(listen_options(), std::move(connect));
  std::array<std::byte, 16> in{};
  std::array<std::byte, 16> taken{};
  std::array<std::byte, 16> reply{};
  std::optional<RequestId> request;
  std::optional<Error> called;
  int sent = 0;
  pair.server.async_receive(asio::buffer(in), [&](boost::system::error_code ec, const Incoming& incoming) {
    EXPECT_FALSE(ec) << ec.message();
    request = incoming.request;
  });
  pair.client.async_call("op", asio::buffer(in), asio::buffer(reply), {},
                         [&](boost::system::error_code ec, const Reply&) { called = static_cast<Error>(ec.value()); });
  pair.run_until([&] { return request.has_value(); });
  for (int i = 0; i < 4; ++i) {
    pair.server.async_send(asio::buffer(in), [&](boost::system::error_code) { ++sent; });
  }
  pair.run_until([&] { return sent == 4; });
  // Until the client has read all four and reads no more.
  do pair.context.restart();
  while (pair.context.poll() != 0);
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(pair.client.try_receive(asio::buffer(taken)));
  pair.server.async_reply(*request, 0, asio::buffer(in), {}, [](boost::system::error_code) {});
  pair.run_until([&] { return called.has_value(); });
  EXPECT_TRUE(called == Error::none);
}

// ATK-27: an answer to what has not been asked to its end can only be made up; only a refusal comes early.
TEST(Atk27Early, AnAnswerBeforeTheRequestIsSaidEndsTheChannel) {
  const TempDirectory directory;
  asio::io_context context;
  auto listener = Listener::open(context.get_executor(), endpoint_in(directory), listen_options());
  ASSERT_TRUE(listener) << listener.error().sentence();
  Channel server;
  listener->async_accept([&](boost::system::error_code, Channel channel) { server = std::move(channel); });
  std::optional<HostilePeer> hostile;
  std::thread connecting([&] { hostile = HostilePeer::connect(endpoint_in(directory), own_policy()); });
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!server.is_open() && context.run_one_until(limit) != 0) {
  }
  connecting.join();
  ASSERT_TRUE(hostile && server.is_open());

  const std::vector<std::byte> request(more_than_fits);
  std::array<std::byte, 16> reply{};
  std::optional<Error> ended;
  server.async_call("op", asio::buffer(request), asio::buffer(reply), {},
                    [&](boost::system::error_code ec, const Reply&) { ended = static_cast<Error>(ec.value()); });
  std::array<std::byte, protocol::max_message_header> answer;
  protocol::MessageHeader header;
  header.type = protocol::FrameType::reply;
  header.id = 1;
  const auto size = protocol::encode(header, answer);
  ASSERT_TRUE(hostile->write(hostile->seal(protocol::FrameType::reply, std::span(answer).first(size))));
  context.restart();
  while (!ended && context.run_one_until(limit) != 0) {
  }
  ASSERT_TRUE(ended);
  EXPECT_EQ(*ended, Error::call_unknown);
  EXPECT_FALSE(server.is_open());
}

TEST(AsyncBorrowed, TheNameOfAnOperationIsKeptWhileItsRequestWaits) {
  AsyncPair pair;
  const std::vector<std::byte> first(more_than_fits);
  std::array<std::byte, 16> reply{};
  pair.client.async_send(asio::buffer(first), [](boost::system::error_code) {});
  {
    std::string name(64, 'n');
    pair.client.async_call(name, asio::const_buffer(), asio::buffer(reply), {}, [](boost::system::error_code, const Reply&) {});
    std::fill(name.begin(), name.end(), 'X');
  }
  std::vector<std::byte> in(more_than_fits);
  std::string operation;
  const std::function<void()> next = [&] {
    pair.server.async_receive(asio::buffer(in), [&](boost::system::error_code ec, const Incoming& incoming) {
      EXPECT_FALSE(ec) << ec.message();
      if (incoming.kind == MessageKind::message) return next();
      operation = incoming.operation();
    });
  };
  next();
  pair.run_until([&] { return !operation.empty(); });
  EXPECT_EQ(operation, std::string(64, 'n'));
}

// One short record may announce the longest message: memory grows with what arrives (ATK-24).
TEST(Atk24Memory, AnAnnouncedLengthCommitsNoMemory) {
  protocol::Assembly assembly;
  assembly.active = true;
  assembly.total = std::uint64_t{1} << 30;
  assembly.destination = protocol::Destination::owned;
  assembly.make_room(100);
  EXPECT_EQ(assembly.message.body.size(), 100u);
  assembly.filled = 100;
  assembly.make_room(max_record_payload);
  EXPECT_EQ(assembly.message.body.size(), 100 + max_record_payload);
  assembly.filled += max_record_payload;
  assembly.make_room(1);
  EXPECT_EQ(assembly.message.body.size(), 101 + max_record_payload);
  EXPECT_LE(assembly.message.body.capacity(), std::max(2 * (100 + max_record_payload), protocol::spare_body));
}

TEST(Atk24Memory, AThreadKeepsNoMoreThanItsSpare) {
  protocol::MessageBody large, small;
  large.grow(protocol::spare_body + 1, protocol::spare_body + 1);
  large.clear();
  small.grow(100, 100);
  EXPECT_LE(small.capacity(), protocol::spare_body);
  std::ranges::fill(std::span(small.data(), small.size()), std::byte{7});
  small.clear();
  // What the next one gets has nothing of the last one in it.
  small.grow(100, 100);
  EXPECT_TRUE(std::ranges::all_of(small.view(), [](std::byte one) { return one == std::byte{}; }));
}

}  // namespace
}  // namespace penstock::test
