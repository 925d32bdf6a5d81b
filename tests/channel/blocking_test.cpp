// The blocking face, end to end over a real pipe.
#include <boost/asio/io_context.hpp>

#include "tests/channel/pair.hpp"
#include "tests/support/child.hpp"

namespace penstock::test {
namespace {

// A peer that never reads holds nobody beyond the deadline.
TEST(BlockingChannel, AReceiveKeepsToItsDeadlineWhileItsOutboxIsFull) {
  BlockingPair pair;
  for (unsigned i = 0; i < 900; ++i) ASSERT_TRUE(pair.client.queue(pattern(900, i)));
  std::vector<std::byte> in(900);
  const auto got = pair.client.receive(in, std::chrono::milliseconds(5));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error(), Error::deadline_exceeded);
  EXPECT_TRUE(pair.client.is_open());
}
TEST(BlockingChannel, BothEndsKnowEachOtherAndShareATranscript) {
  BlockingPair pair;
  EXPECT_EQ(pair.client.peer().pid, own_pid());
  EXPECT_EQ(pair.server.peer().uid, own_user());
  EXPECT_EQ(pair.client.peer().strength, Strength::pinned);
  EXPECT_TRUE(pair.client.info().initiator);
  EXPECT_FALSE(pair.server.info().initiator);
  EXPECT_EQ(pair.server.info().admission.rule(), "this user");
  ASSERT_EQ(pair.client.info().transcript_size, pair.server.info().transcript_size);
  ASSERT_NE(pair.client.info().transcript_size, 0u);
  EXPECT_EQ(pair.client.info().transcript, pair.server.info().transcript);
}

TEST(BlockingChannel, MessagesOfEverySizeArriveWholeAndInOrder) {
  BlockingPair pair;
  const std::size_t sizes[] = {0,     1,     64,    4095,  4096,   65535,  65536,       65537,
                               70000, 65528, 65529, 65530, 131072, 131073, 1024 * 1024, 3 * 1024 * 1024 + 7};
  std::thread sender([&] {
    for (const auto size : sizes) ASSERT_TRUE(pair.client.send(pattern(size, static_cast<unsigned>(size))));
  });
  std::vector<std::byte> buffer(4 * 1024 * 1024);
  for (const auto size : sizes) {
    const auto got = pair.server.receive(buffer);
    ASSERT_TRUE(got) << got.error().sentence();
    ASSERT_EQ(got->size, size);
    ASSERT_EQ(got->operation(), "message");
    const auto want = pattern(size, static_cast<unsigned>(size));
    ASSERT_TRUE(std::equal(want.begin(), want.end(), buffer.begin())) << size;
  }
  sender.join();
}

TEST(BlockingChannel, QueuedMessagesLeaveTogetherAndInOrder) {
  BlockingPair pair;
  for (unsigned i = 0; i < 1000; ++i) ASSERT_TRUE(pair.client.queue(pattern(64, i)));
  std::thread flusher([&] { ASSERT_TRUE(pair.client.flush()); });
  std::vector<std::byte> buffer(64);
  for (unsigned i = 0; i < 1000; ++i) {
    const auto got = pair.server.receive(buffer);
    ASSERT_TRUE(got) << got.error().sentence();
    ASSERT_EQ(buffer, pattern(64, i));
  }
  flusher.join();
}

TEST(BlockingChannel, CallIsAnsweredWithStatusAndBody) {
  BlockingPair pair;
  std::thread serving([&] {
    std::vector<std::byte> buffer(1 << 20);
    for (int i = 0; i < 3; ++i) {
      auto request = pair.server.receive(buffer);
      ASSERT_TRUE(request) << request.error().sentence();
      EXPECT_EQ(request->kind, MessageKind::request);
      EXPECT_EQ(request->operation(), "double");
      std::vector<std::byte> body(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(request->size));
      body.insert(body.end(), body.begin(), body.end());
      ASSERT_TRUE(pair.server.reply(request->request, 7, body));
    }
  });
  std::vector<std::byte> answer(1 << 20);
  for (const std::size_t size : {std::size_t{0}, std::size_t{100}, std::size_t{300000}}) {
    const auto asked = pattern(size);
    const auto reply = pair.client.call("double", asked, answer);
    ASSERT_TRUE(reply) << reply.error().sentence();
    EXPECT_EQ(reply->status, 7u);
    ASSERT_EQ(reply->size, 2 * size);
    EXPECT_TRUE(std::equal(asked.begin(), asked.end(), answer.begin() + static_cast<std::ptrdiff_t>(size)));
  }
  serving.join();
}

TEST(BlockingChannel, MessagesThatArriveDuringACallWaitForReceive) {
  BlockingPair pair;
  std::thread serving([&] {
    std::vector<std::byte> buffer(64);
    auto request = pair.server.receive(buffer);
    ASSERT_TRUE(request);
    ASSERT_TRUE(pair.server.send(pattern(10, 5)));
    ASSERT_TRUE(pair.server.send(pattern(200000, 6)));
    ASSERT_TRUE(pair.server.reply(request->request, 0, {}));
  });
  ASSERT_TRUE(pair.client.call("x", {}, {}));
  serving.join();
  std::vector<std::byte> buffer(200000);
  auto first = pair.client.receive(buffer);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->size, 10u);
  auto second = pair.client.receive(buffer);
  ASSERT_TRUE(second);
  EXPECT_EQ(buffer, pattern(200000, 6));
}

TEST(BlockingChannel, TooSmallABufferKeepsTheMessage) {
  BlockingPair pair;
  ASSERT_TRUE(pair.client.send(pattern(1000)));
  std::vector<std::byte> small(10);
  const auto refused = pair.server.receive(small);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), Error::buffer_too_small);
  std::vector<std::byte> large(1000);
  ASSERT_TRUE(pair.server.receive(large));
  EXPECT_EQ(large, pattern(1000));
}

TEST(BlockingChannel, TimeoutLeavesTheChannelAsItWas) {
  BlockingPair pair;
  std::vector<std::byte> buffer(64);
  const auto nothing = pair.server.receive(buffer, std::chrono::milliseconds(1));
  ASSERT_FALSE(nothing);
  EXPECT_EQ(nothing.error(), Error::deadline_exceeded);
  ASSERT_TRUE(pair.client.send(pattern(64)));
  EXPECT_TRUE(pair.server.receive(buffer, std::chrono::seconds(20)));
}

TEST(BlockingChannel, WhatThePeerWouldRefuseIsNotSent) {
  auto listen = listen_options();
  listen.channel.limits.max_message = 1000;
  listen.channel.limits.max_handles = 1;
  BlockingPair pair(std::move(listen));
  EXPECT_EQ(pair.client.send(pattern(1001)).error(), Error::message_too_large);
  const auto file = file_with("x");
  const native_handle two[] = {file.get(), file.get()};
  EXPECT_EQ(pair.client.send(pattern(1), two).error(), Error::handles_limit);
  EXPECT_EQ(pair.client.call("not a name", {}, {}).error(), Error::invalid_argument);
  ASSERT_TRUE(pair.client.send(pattern(1000)));
  std::vector<std::byte> buffer(1000);
  EXPECT_TRUE(pair.server.receive(buffer));
}

TEST(BlockingChannel, HandlesTravelWithTheirMessage) {
  BlockingPair pair;
  const auto file = file_with("hello");
  const native_handle two[] = {file.get(), file.get()};
  ASSERT_TRUE(pair.client.send(pattern(3)));
  ASSERT_TRUE(pair.client.send(pattern(4), two));
  ASSERT_TRUE(pair.client.send(pattern(5)));
  std::vector<std::byte> buffer(16);
  auto first = pair.server.receive(buffer);
  ASSERT_TRUE(first) << first.error().sentence();
  EXPECT_TRUE(first->handles.empty());
  auto second = pair.server.receive(buffer);
  ASSERT_TRUE(second) << second.error().sentence();
  ASSERT_EQ(second->handles.size(), 2u);
  EXPECT_EQ(text_of(second->handles[1].get()), "hello");
  EXPECT_FALSE(is_inherited(second->handles[0].get()));
  auto third = pair.server.receive(buffer);
  ASSERT_TRUE(third);
  EXPECT_TRUE(third->handles.empty());
}

TEST(BlockingChannel, AnOperationThatTheRuleDoesNotListIsRefusedAndRecorded) {
  auto audit = std::make_shared<RecordingAudit>();
  auto listen = listen_options();
  listen.policy = own_policy({"allowed"});
  listen.audit = audit;
  BlockingPair pair(std::move(listen));
  std::thread serving([&] {
    std::vector<std::byte> buffer(64);
    auto request = pair.server.receive(buffer);
    ASSERT_TRUE(request) << request.error().sentence();
    EXPECT_EQ(request->operation(), "allowed");
    ASSERT_TRUE(pair.server.reply(request->request, 0, {}));
  });
  const auto refused = pair.client.call("forbidden", {}, {});
  // The refusal is sealed by the server's receive, which then goes on to the next request.
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), Error::operation_refused);
  EXPECT_TRUE(pair.client.call("allowed", {}, {}));
  serving.join();
  EXPECT_EQ(audit->count(AuditKind::operation_refused, Error::operation_refused), 1u);
}

// In one record, and in several: each has its own way to the reader.
TEST(BlockingChannel, AMessageThatTheRuleDoesNotListIsRefusedAndRecorded) {
  for (const std::size_t size : {std::size_t{32}, std::size_t{300'000}}) {
    SCOPED_TRACE(size);
    auto audit = std::make_shared<RecordingAudit>();
    auto listen = listen_options();
    listen.policy = own_policy({"greet"});
    listen.audit = audit;
    BlockingPair pair(std::move(listen));
    // Whether all of it leaves depends on when the reader refuses it.
    std::thread sending([&] { static_cast<void>(pair.client.send(pattern(size))); });
    std::vector<std::byte> buffer(512 * 1024);
    const auto got = pair.server.receive(buffer);
    EXPECT_TRUE(!got && got.error() == Error::operation_refused);
    EXPECT_EQ(buffer, std::vector<std::byte>(buffer.size()));  // nothing of it reaches the reader
    EXPECT_EQ(audit->count(AuditKind::operation_refused, Error::operation_refused), 1u);
    pair.server.close();
    sending.join();
  }
}

TEST(BlockingChannel, OptionsThatProveNothingAreRefusedBeforeAnythingIsOpened) {
  TempDirectory directory;
  auto nobody = connect_options();
  nobody.policy = Policy();
  EXPECT_EQ(blocking::connect(endpoint_in(directory), nobody).error(), Error::invalid_argument);
  auto launched = connect_options();
  launched.trust = Trust::launch_secret;
  EXPECT_EQ(blocking::connect(endpoint_in(directory), launched).error(), Error::invalid_argument);
  auto keyless = connect_options();
  keyless.trust = Trust::static_key;
  EXPECT_EQ(blocking::connect(endpoint_in(directory), keyless).error(), Error::invalid_argument);
  auto anyone = listen_options();
  anyone.policy = Policy();
  EXPECT_EQ(blocking::Listener::open(endpoint_in(directory), anyone).error(), Error::invalid_argument);
}

TEST(BlockingChannel, CloseIsToldToThePeerAfterEverythingSentBefore) {
  BlockingPair pair;
  ASSERT_TRUE(pair.client.send(pattern(64)));
  pair.client.close();
  std::vector<std::byte> buffer(64);
  ASSERT_TRUE(pair.server.receive(buffer));
  const auto end = pair.server.receive(buffer);
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error(), Error::closed_by_peer);
  EXPECT_EQ(pair.server.close_reason(), Error::closed_by_peer);
  EXPECT_EQ(pair.server.send(buffer).error(), Error::closed_by_peer);
  EXPECT_EQ(pair.client.send(buffer).error(), Error::closed);
}

TEST(BlockingChannel, KeysAreRefreshedOnDemandByEitherSideInBothDirections) {
  BlockingPair pair;
  std::thread echo([&] {
    std::vector<std::byte> buffer(64);
    for (int i = 0; i < 40; ++i) {
      if (i == 20) {
        ASSERT_TRUE(pair.server.refresh_keys());
      }
      const auto got = pair.server.receive(buffer);
      ASSERT_TRUE(got) << got.error().sentence();
      ASSERT_TRUE(pair.server.send(buffer));
    }
  });
  std::vector<std::byte> buffer(64);
  for (unsigned i = 0; i < 40; ++i) {
    if (i == 10) {
      ASSERT_TRUE(pair.client.refresh_keys());
    }
    ASSERT_TRUE(pair.client.send(pattern(64, i)));
    const auto got = pair.client.receive(buffer);
    ASSERT_TRUE(got) << got.error().sentence();
    ASSERT_EQ(buffer, pattern(64, i));
  }
  echo.join();
}

TEST(BlockingChannel, TheLatencyProfileCarriesTheSameMessages) {
  auto listen = listen_options();
  listen.channel.wait = WaitProfile::latency;
  auto connect = connect_options();
  connect.channel.wait = WaitProfile::latency;
  BlockingPair pair(std::move(listen), std::move(connect));
  std::thread echo([&] {
    std::vector<std::byte> buffer(64);
    for (int i = 0; i < 500; ++i) {
      ASSERT_TRUE(pair.server.receive(buffer));
      ASSERT_TRUE(pair.server.send(buffer));
    }
  });
  std::vector<std::byte> buffer(64);
  for (unsigned i = 0; i < 500; ++i) {
    ASSERT_TRUE(pair.client.send(pattern(64, i)));
    ASSERT_TRUE(pair.client.receive(buffer, i % 2 == 0 ? blocking::Timeout() : std::chrono::seconds(20)));
    ASSERT_EQ(buffer, pattern(64, i));
  }
  echo.join();
}

TEST(BlockingChannel, StaticKeysAreProvenBothWays) {
  const auto server_keys = std::make_shared<const StaticKeys>(*StaticKeys::generate());
  const auto client_keys = std::make_shared<const StaticKeys>(*StaticKeys::generate());
  const auto rule = [](const PublicKey& key) {
    Rule made;
    made.name = "key";
    made.trust = Trust::static_key;
    made.public_keys = {key};
    made.operations = {"*"};
    return *Policy::of({made});
  };
  auto listen = listen_options();
  listen.keys = server_keys;
  listen.policy = rule(client_keys->public_key());
  auto connect = connect_options();
  connect.keys = client_keys;
  connect.trust = Trust::static_key;
  connect.policy = rule(server_keys->public_key());
  for (const auto suite : {Suite::aesgcm_sha256, Suite::chachapoly_blake2b}) {
    connect.suite = suite;
    BlockingPair pair(listen, connect);
    ASSERT_TRUE(pair.server.info().peer_key);
    EXPECT_EQ(*pair.server.info().peer_key, client_keys->public_key());
    EXPECT_EQ(*pair.client.info().peer_key, server_keys->public_key());
    ASSERT_TRUE(pair.client.send(pattern(64)));
    std::vector<std::byte> buffer(64);
    EXPECT_TRUE(pair.server.receive(buffer));
  }
}

TEST(BlockingChannel, AKeyThatNoRuleNamesIsRefusedByEitherSide) {
  const auto server_keys = std::make_shared<const StaticKeys>(*StaticKeys::generate());
  const auto client_keys = std::make_shared<const StaticKeys>(*StaticKeys::generate());
  const auto other = *StaticKeys::generate();
  const auto rule = [](const PublicKey& key) {
    Rule made;
    made.name = "key";
    made.trust = Trust::static_key;
    made.public_keys = {key};
    made.operations = {"*"};
    return *Policy::of({made});
  };
  for (const bool server_is_strict : {true, false}) {
    TempDirectory directory;
    auto audit = std::make_shared<RecordingAudit>();
    auto listen = listen_options();
    listen.audit = audit;
    listen.keys = server_keys;
    listen.policy = rule(server_is_strict ? other.public_key() : client_keys->public_key());
    auto connect = connect_options();
    connect.keys = client_keys;
    connect.trust = Trust::static_key;
    connect.policy = rule(server_is_strict ? server_keys->public_key() : other.public_key());
    asio::io_context context;
    auto listener = Listener::open(context.get_executor(), endpoint_in(directory), listen);
    ASSERT_TRUE(listener);
    boost::system::error_code seen;
    async_connect(context.get_executor(), endpoint_in(directory), connect,
                  [&](boost::system::error_code ec, Channel channel) {
                    seen = ec;
                    EXPECT_FALSE(channel.is_open());
                    listener->close();
                  });
    context.run_for(std::chrono::seconds(20));
    EXPECT_EQ(seen, make_error_code(server_is_strict ? Error::truncated : Error::peer_refused));
    EXPECT_EQ(audit->count(AuditKind::peer_refused, Error::peer_refused), server_is_strict ? 1u : 0u);
    EXPECT_EQ(audit->count(AuditKind::peer_admitted, Error::none), 0u);
  }
}

}  // namespace
}  // namespace penstock::test
