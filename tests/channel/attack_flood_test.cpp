// ATK-24: connections that come and go, that stop in the middle of a handshake, that crowd the listener. Whatever one user does,
// another connects within its deadline, and memory stays bounded.
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <sys/stat.h>

#include <fstream>

#include "protocol/header.hpp"
#include "tests/channel/pair.hpp"
#include "tests/crypto/sanitized.hpp"
#include "tests/support/child.hpp"
#include "tests/support/relay.hpp"

namespace penstock::test {
namespace {

constexpr uid_t nobody = 65534;

Policy for_everyone() {
  Rule rule;
  rule.name = "anyone";
  rule.trust = Trust::os_identity;
  rule.operations = {"*"};
  return *Policy::of({rule});
}

std::size_t resident_pages() {
  std::ifstream statm("/proc/self/statm");
  std::size_t total = 0;
  std::size_t resident = 0;
  statm >> total >> resident;
  return resident;
}

/// An honest client of another user where we may become one, else of this user.
int connect_honestly(const Endpoint& endpoint) {
  if (::geteuid() == 0 && !become(nobody, nobody)) return 1;
  auto options = connect_options();
  options.policy = for_everyone();
  auto channel = blocking::connect(endpoint, options);
  if (!channel) return 2;
  std::vector<std::byte> buffer(8);
  if (!channel->send(buffer)) return 3;
  return channel->receive(buffer, std::chrono::seconds(20)) ? 0 : 4;
}

class Flood : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(::chmod(directory.path().c_str(), 0755), 0);
    auto options = listen_options();
    options.policy = for_everyone();
    options.audit = audit;
    options.limits.half_open = 64;
    options.limits.half_open_per_identity = 8;
    options.limits.handshake_deadline = std::chrono::seconds(60);  // no rescue by the clock
    auto made = Endpoint::make("test", Scope::machine, directory.path());
    ASSERT_TRUE(made);
    endpoint.emplace(*made);
    auto opened = Listener::open(context.get_executor(), *endpoint, std::move(options));
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
  /// Runs the listener until the child has ended, and returns its status.
  int serve_until_end(Child& child) {
    asio::posix::stream_descriptor line(context, ::dup(child.line_handle()));
    bool ended = false;
    line.async_wait(asio::posix::stream_descriptor::wait_read, [&](boost::system::error_code) { ended = true; });
    while (!ended) context.run_one();
    return child.wait();
  }

  asio::io_context context{1};
  TempDirectory directory;
  std::optional<Endpoint> endpoint;
  std::shared_ptr<RecordingAudit> audit = std::make_shared<RecordingAudit>();
  std::optional<Listener> listener;
};

TEST_F(Flood, Atk24TenThousandConnectionsThatComeAndGo) {
  const auto path = directory.file("test.sock");
  // Honest connections begin when a tenth of the storm has passed, and each must come through in its time.
  const auto storm = [&](int count, int honest_ones) {
    Child child([&](Child::Line line) {
      for (int i = 0; i < count; ++i) {
        if (!raw_connect(path)) return 1;
        if (i == count / 10) line.tell();
      }
      return 0;
    });
    Child honest([&](Child::Line) {
      if (child.line().hear() != '.') return 9;
      int status = 0;
      for (int i = 0; i < honest_ones && status == 0; ++i) status = connect_honestly(*endpoint);
      return status;
    });
    const int came_through = serve_until_end(honest);
    const int stormed = serve_until_end(child);
    return came_through != 0 ? came_through : stormed;
  };
  // Without a second user the storm and the honest ones would share one user's places.
  const int among_it = ::geteuid() == 0 ? 20 : 0;
  ASSERT_EQ(storm(500, among_it), 0);
  const auto before = resident_pages();
  ASSERT_EQ(storm(10'000, among_it), 0);
  // The sink of this test keeps an event for each; what is left is far below a page for each connection.
  // A sanitizer (which replaces mlock too) keeps freed memory on purpose: there the figure says nothing.
  if (mlock_is_real) {
    EXPECT_LT(resident_pages() - before, 10'000u / 4);
  }
  EXPECT_EQ(listener->stats().open, 0u);
  Child honest([&](Child::Line) { return connect_honestly(*endpoint); });
  EXPECT_EQ(serve_until_end(honest), 0);
}

// One stalled connection after each number of bytes that the first frame can be cut at.
TEST_F(Flood, Atk24SlowLorisInEveryStateDelaysNobody) {
  const auto path = directory.file("test.sock");
  Child loris([&](Child::Line line) {
    std::vector<Handle> held;
    std::vector<std::byte> frame(32 + 36);
    protocol::Header header;
    header.type = protocol::FrameType::handshake;
    header.length = 36;
    protocol::encode(header, std::span(frame).first<32>());
    const int preamble[] = {1, 1, 1, 1};
    for (std::size_t i = 0; i < 4; ++i) frame[32 + i] = static_cast<std::byte>(preamble[i]);
    frame[36] = std::byte{9};
    for (const std::size_t cut : {std::size_t{0}, std::size_t{1}, std::size_t{31}, std::size_t{32}, std::size_t{36},
                                  std::size_t{67}, std::size_t{68}}) {
      held.push_back(raw_connect(path));
      if (!held.back() || !write_all(held.back().get(), std::span(frame).first(cut))) return 1;
    }
    line.tell();
    (void)line.hear();
    return 0;
  });
  Child honest([&](Child::Line) {
    if (loris.line().hear() != '.') return 9;
    return connect_honestly(*endpoint);
  });
  EXPECT_EQ(serve_until_end(honest), 0);
  EXPECT_GE(listener->stats().half_open, 7u);
  listener->close();
  EXPECT_EQ(listener->stats().half_open, 0u);
}

TEST_F(Flood, Atk24AHalfOpenFloodOfOneUserTakesNoOthersPlace) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs a second user: run as root";
  const auto path = directory.file("test.sock");
  Child flood([&](Child::Line line) {
    std::vector<Handle> held;
    for (int i = 0; i < 500; ++i) held.push_back(raw_connect(path));
    line.tell();
    (void)line.hear();
    return 0;
  });
  Child honest([&](Child::Line) {
    if (flood.line().hear() != '.') return 9;
    return connect_honestly(*endpoint);
  });
  EXPECT_EQ(serve_until_end(honest), 0);
  EXPECT_LE(listener->stats().half_open, 8u);
  EXPECT_GT(audit->count(AuditKind::peer_refused, Error::limit_half_open), 400u);
}

TEST_F(Flood, Atk24AStalledHandshakeEndsAtItsDeadline) {
  listener->close();
  auto options = listen_options();
  options.limits.handshake_deadline = std::chrono::milliseconds(50);
  options.audit = audit;
  auto opened = Listener::open(context.get_executor(), *endpoint, std::move(options));
  ASSERT_TRUE(opened) << opened.error().sentence();
  listener.emplace(std::move(*opened));
  Child stalled([&](Child::Line) {
    Handle socket = raw_connect(directory.file("test.sock"));
    std::byte byte;
    // Not a word comes back, only the end.
    return ::recv(socket.get(), &byte, 1, 0) == 0 ? 0 : 1;
  });
  EXPECT_EQ(serve_until_end(stalled), 0);
  EXPECT_EQ(audit->count(AuditKind::peer_refused, Error::handshake_timeout), 1u);
}

}  // namespace
}  // namespace penstock::test
