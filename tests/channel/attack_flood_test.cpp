// ATK-24: connections that come and go, that stop in the middle of a handshake, that crowd the listener. Whatever one user does,
// another connects within its deadline, and memory stays bounded.
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <cstdio>

#include "protocol/header.hpp"
#include "tests/channel/pair.hpp"
#include "tests/crypto/sanitized.hpp"
#include "tests/support/child.hpp"
#include "tests/support/permissions.hpp"
#include "tests/support/process_facts.hpp"
#include "tests/support/raw.hpp"

namespace penstock::test {
namespace {

Policy for_everyone() {
  Rule rule;
  rule.name = "anyone";
  rule.trust = Trust::os_identity;
  rule.operations = {"*"};
  return *Policy::of({rule});
}

Endpoint crowded(const std::string& directory) { return endpoint_in(directory, "test", Scope::machine); }

/// An honest client of another user where we may become one, else of this user; so many times.
const Role honest_role("honest", [](const Line&, const Words& words) {
  if (has_second_user() && !become_second_user()) return 1;
  auto options = connect_options();
  options.policy = for_everyone();
  for (int left = std::stoi(words[1]); left > 0; --left) {
    auto channel = blocking::connect(crowded(words[0]), options);
    if (!channel) return 2;
    std::vector<std::byte> buffer(8);
    if (!channel->send(buffer)) return 3;
    if (!channel->receive(buffer, std::chrono::seconds(20))) return 4;
  }
  return 0;
});

/// Says when a tenth has passed.
const Role storm_role("storm", [](const Line& line, const Words& words) {
  const auto address = address_of(crowded(words[0]));
  const int count = std::stoi(words[1]);
  for (int i = 0; i < count; ++i) {
    if (!RawEnd::connect(address)) return 1;
    if (i == count / 10) line.tell();
  }
  return 0;
});

/// One stalled connection after each number of bytes that the first frame can be cut at.
const Role loris_role("loris", [](const Line& line, const Words& words) {
  std::vector<RawEnd> held;
  std::vector<std::byte> frame(32 + 36);
  protocol::Header header;
  header.type = protocol::FrameType::handshake;
  header.length = 36;
  protocol::encode(header, std::span(frame).first<32>());
  for (std::size_t i = 0; i < 4; ++i) frame[32 + i] = std::byte{1};
  frame[36] = std::byte{9};
  for (const unsigned cut : {0u, 1u, 31u, 32u, 36u, 67u, 68u}) {
    held.push_back(RawEnd::connect(address_of(crowded(words[0]))));
    if (!held.back() || !held.back().write(std::span(frame).first(cut))) return 1;
  }
  line.tell();
  (void)line.hear();
  return 0;
});

const Role half_open_role("half-open", [](const Line& line, const Words& words) {
  std::vector<RawEnd> held;
  for (int i = 0; i < 500; ++i) held.push_back(RawEnd::connect(address_of(crowded(words[0]))));
  line.tell();
  (void)line.hear();
  return 0;
});

const Role stalled_role("stalled", [](const Line&, const Words& words) {
  const auto end = RawEnd::connect(address_of(crowded(words[0])));
  return end && end.ends_without_a_word() ? 0 : 1;
});

class Flood : public ::testing::Test {
 protected:
  void SetUp() override {
    set_mode(directory.path(), 0755);
    auto options = listen_options();
    options.policy = for_everyone();
    options.audit = audit;
    options.limits.half_open = 64;
    options.limits.half_open_per_identity = storm_for_this_platform().half_open_per_identity;
    options.limits.handshake_deadline = std::chrono::seconds(60);  // no rescue by the clock
    auto opened = Listener::open(context.get_executor(), crowded(directory.path()), std::move(options));
    ASSERT_TRUE(opened) << opened.error().sentence();
    listener.emplace(std::move(*opened));
    accept_next();
  }
  // Echoes one message of each honest channel.
  void accept_next() {
    listener->async_accept([this](boost::system::error_code ec, Channel channel) {
      if (ec) return;
      auto kept = std::make_shared<Channel>(std::move(channel));
      auto buffer = std::make_shared<std::array<std::byte, 8>>();
      kept->async_receive(asio::buffer(*buffer), [kept, buffer](boost::system::error_code failed, Incoming) {
        if (failed) return;
        kept->async_send(asio::buffer(*buffer), [kept, buffer](boost::system::error_code) {
          kept->async_receive(asio::buffer(*buffer), [kept, buffer](boost::system::error_code, Incoming) {});
        });
      });
      accept_next();
    });
  }
  /// Runs the listener while `wait` waits, in a thread of its own, for a child.
  template <class Function>
  auto serve_while(const Function& wait) {
    decltype(wait()) answer{};
    bool ended = false;
    const auto work = asio::make_work_guard(context);
    std::thread waiting([&] {
      answer = wait();
      asio::post(context, [&] { ended = true; });
    });
    context.restart();
    while (!ended) context.run_one();
    waiting.join();
    return answer;
  }
  int serve_until_end(Child& child) {
    return serve_while([&] { return child.wait(); });
  }

  asio::io_context context{1};
  TempDirectory directory;
  std::shared_ptr<RecordingAudit> audit = std::make_shared<RecordingAudit>();
  std::optional<Listener> listener;
};

TEST_F(Flood, Atk24TenThousandConnectionsThatComeAndGo) {
  const auto size = storm_for_this_platform();
  // Honest connections begin when a tenth of the storm has passed, and each must come through in its time.
  const auto storm = [&](int count) {
    Child storming(storm_role, {directory.path(), std::to_string(count)});
    if (serve_while([&] { return storming.line().hear(); }) != '.') return 9;
    Child honest(honest_role, {directory.path(), std::to_string(size.honest)});
    const int came_through = serve_until_end(honest);
    const int stormed = serve_until_end(storming);
    return came_through != 0 ? came_through : stormed;
  };
  ASSERT_EQ(storm(500), 0);
  const auto before = memory_in_use();
  ASSERT_EQ(storm(size.connections), 0);
  std::printf("%d connections came and went, %d honest ones among them\n", size.connections, size.honest);
  // The sink of this test keeps an event for each; what is left is far below a page for each connection.
  // A sanitizer (which replaces mlock too) keeps freed memory on purpose: there the figure says nothing.
  if (mlock_is_real) {
    EXPECT_LT(memory_in_use(), before + static_cast<std::size_t>(size.connections) * 1024);
  }
  EXPECT_EQ(listener->stats().open, 0u);
  Child honest(honest_role, {directory.path(), "1"});
  EXPECT_EQ(serve_until_end(honest), 0);
}

TEST_F(Flood, Atk24SlowLorisInEveryStateDelaysNobody) {
  Child loris(loris_role, {directory.path()});
  ASSERT_EQ(serve_while([&] { return loris.line().hear(); }), '.');
  Child honest(honest_role, {directory.path(), "1"});
  EXPECT_EQ(serve_until_end(honest), 0);
  EXPECT_GE(listener->stats().half_open, 7u);
  listener->close();
  EXPECT_EQ(listener->stats().half_open, 0u);
}

TEST_F(Flood, Atk24AHalfOpenFloodOfOneUserTakesNoOthersPlace) {
  if (!has_second_user()) GTEST_SKIP() << "needs a second user: run as root";
  Child flood(half_open_role, {directory.path()});
  ASSERT_EQ(serve_while([&] { return flood.line().hear(); }), '.');
  Child honest(honest_role, {directory.path(), "1"});
  EXPECT_EQ(serve_until_end(honest), 0);
  EXPECT_LE(listener->stats().half_open, 8u);
  EXPECT_GT(audit->count(AuditKind::peer_refused, Error::limit_half_open), 400u);
}

TEST_F(Flood, Atk24AStalledHandshakeEndsAtItsDeadline) {
  listener->close();
  auto options = listen_options();
  options.limits.handshake_deadline = std::chrono::milliseconds(50);
  options.audit = audit;
  auto opened = Listener::open(context.get_executor(), crowded(directory.path()), std::move(options));
  ASSERT_TRUE(opened) << opened.error().sentence();
  listener.emplace(std::move(*opened));
  Child stalled(stalled_role, {directory.path()});
  EXPECT_EQ(serve_until_end(stalled), 0);
  EXPECT_EQ(audit->count(AuditKind::peer_refused, Error::handshake_timeout), 1u);
}

}  // namespace
}  // namespace penstock::test
