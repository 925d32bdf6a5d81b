// Somebody else at the name: the client sends zero bytes, and the squatter itself counts them (ATK-01, ATK-11).
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <optional>

#include "tests/transports/testing_linux.hpp"

namespace penstock::transport {
namespace {

using namespace testing;

/// A process that binds a name without any of our care, accepts whoever comes, and counts what they send.
class Squatter {
 public:
  explicit Squatter(const std::string& path, std::optional<unsigned> user = {}) : path_(path), user_(user) {
    process_.emplace([this] { return run(); });
    bound_ = ready_.wait() == 1;
  }
  [[nodiscard]] bool bound() const { return bound_; }
  /// Ends it; how many bytes came from however many connections.
  [[nodiscard]] std::int64_t bytes() {
    stop_.tell();
    connections_ = counted_.wait();
    const auto sum = counted_.wait();
    process_->wait();
    return sum;
  }
  [[nodiscard]] std::int64_t connections() const { return connections_; }

 private:
  [[nodiscard]] int run() const {
    if (user_) become(*user_);
    const Handle listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.copy(address.sun_path, sizeof address.sun_path - 1);
    const bool bound = ::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
                       ::chmod(path_.c_str(), 0666) == 0 && ::listen(listener.get(), 64) == 0;
    ready_.tell(bound ? 1 : 0);
    static_cast<void>(stop_.wait());
    // The clients are done: whatever they sent lies in the sockets that still wait here.
    std::int64_t connections = 0;
    std::int64_t sum = 0;
    for (;;) {
      const Handle peer(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
      if (!peer) break;
      ++connections;
      std::array<char, 4096> buffer;
      for (ssize_t got = 0; (got = ::recv(peer.get(), buffer.data(), buffer.size(), 0)) > 0;) sum += got;
    }
    counted_.tell(connections);
    counted_.tell(sum);
    return 0;
  }

  std::string path_;
  std::optional<unsigned> user_;
  Gate ready_, stop_, counted_;
  std::optional<Process> process_;
  bool bound_ = false;
  std::int64_t connections_ = 0;
};

/// What a client does: connect, and send at once where it is let.
Error try_to_talk(const Endpoint& endpoint, const PeerCheck& check = {}) {
  const auto carrier = connect_to(endpoint, check);
  if (!carrier) return carrier.error().code();
  const auto sent = (*carrier)->send(as_bytes("secret"), {}, Wait::yes);
  return sent ? Error::none : sent.error().code();
}

TEST(Atk01, TheSquatterCountsWhatIsSentToIt) {
  // So that the zeros below mean something.
  const ScratchDirectory scratch;
  Squatter squatter(scratch.path() + "/helper.sock");
  ASSERT_TRUE(squatter.bound());
  EXPECT_EQ(try_to_talk(endpoint_in(scratch.path())), Error::none);
  EXPECT_EQ(squatter.bytes(), 6);
  EXPECT_EQ(squatter.connections(), 1);
}

TEST(Atk01, ASquatterInAWorldWritableDirectoryGetsNothing) {
  const ScratchDirectory scratch;
  for (const unsigned mode : {0777u, 01777u}) {
    const auto path = scratch.make("drop" + std::to_string(mode), mode);
    Squatter squatter(path + "/helper.sock", is_root() ? std::optional(nobody) : std::nullopt);
    ASSERT_TRUE(squatter.bound());
    EXPECT_EQ(try_to_talk(endpoint_in(path)), Error::directory_unsafe);
    EXPECT_EQ(squatter.bytes(), 0);
    EXPECT_EQ(squatter.connections(), 0);
  }
}

TEST(Atk01, ASquatterBehindALinkGetsNothing) {
  const ScratchDirectory scratch;
  const auto real = scratch.make("real", 0755);
  Squatter squatter(real + "/helper.sock");
  ASSERT_TRUE(squatter.bound());
  ASSERT_EQ(::symlink(real.c_str(), (scratch.path() + "/link").c_str()), 0);
  EXPECT_EQ(try_to_talk(endpoint_in(scratch.path() + "/link")), Error::directory_unsafe);
  // A link in the socket's own place.
  const auto other = scratch.make("other", 0755);
  ASSERT_EQ(::symlink((real + "/helper.sock").c_str(), (other + "/helper.sock").c_str()), 0);
  EXPECT_EQ(try_to_talk(endpoint_in(other)), Error::socket_unsafe);
  EXPECT_EQ(squatter.bytes(), 0);
  EXPECT_EQ(squatter.connections(), 0);
}

TEST(Atk01, ASquatterOfAnotherUserGetsNothing) {
  if (!is_root()) GTEST_SKIP() << "needs root, for a second user";
  const ScratchDirectory scratch;
  const auto theirs = scratch.make("theirs", 0755, nobody);
  Squatter in_own_directory(theirs + "/helper.sock", nobody);
  ASSERT_TRUE(in_own_directory.bound());
  EXPECT_EQ(try_to_talk(endpoint_in(theirs)), Error::directory_unsafe);
  EXPECT_EQ(in_own_directory.bytes(), 0);

  const auto ours = scratch.make("ours", 0755);
  Squatter with_other_owner(ours + "/helper.sock");
  ASSERT_EQ(::chown((ours + "/helper.sock").c_str(), nobody, nobody), 0);
  EXPECT_EQ(try_to_talk(endpoint_in(ours)), Error::socket_unsafe);
  EXPECT_EQ(with_other_owner.bytes(), 0);
  EXPECT_EQ(with_other_owner.connections(), 0);

  // Before, between and after the helper's lives, nobody can take a name in a directory of ours.
  const auto safe = scratch.make("safe", 0755);
  EXPECT_FALSE(Squatter(safe + "/helper.sock", nobody).bound());
  {
    const WaitingListener helper(endpoint_in(safe));
    EXPECT_FALSE(Squatter(safe + "/helper.sock", nobody).bound());
  }
  EXPECT_FALSE(Squatter(safe + "/helper.sock", nobody).bound());
  EXPECT_EQ(try_to_talk(endpoint_in(safe)), Error::not_found);
}

TEST(Atk01, AServerThatPolicyDoesNotAdmitGetsNothing) {
  const ScratchDirectory scratch;
  Squatter squatter(scratch.path() + "/helper.sock");
  ASSERT_TRUE(squatter.bound());
  int asked = 0;
  const PeerCheck check = [&](const PeerIdentity& server) -> result<void> {
    ++asked;
    EXPECT_EQ(server.strength, Strength::pinned);
    EXPECT_NE(server.pid, ::getpid());
    return Error::peer_refused;
  };
  EXPECT_EQ(try_to_talk(endpoint_in(scratch.path()), check), Error::peer_refused);
  EXPECT_EQ(asked, 1);
  EXPECT_EQ(squatter.bytes(), 0);
  EXPECT_EQ(squatter.connections(), 1);
}

TEST(Atk01, AServerOfAnotherUserIsOutOfTheScopesOfOneUser) {
  if (!is_root()) GTEST_SKIP() << "needs root, for a second user";
  const ScratchDirectory scratch;
  const auto theirs = scratch.make("theirs", 0755, nobody);
  Squatter squatter(theirs + "/helper.sock", nobody);
  const std::uint32_t admitted[] = {nobody};
  for (const Scope scope : {Scope::user, Scope::session}) {
    EXPECT_EQ(connect_to_users(endpoint_in(theirs, scope), admitted).error(), Error::peer_out_of_scope);
  }
  EXPECT_EQ(squatter.bytes(), 0);
  EXPECT_EQ(squatter.connections(), 2);
}

TEST(Atk11, NobodyUnlinksAndRebindsInADirectoryOfOurs) {
  if (!is_root()) GTEST_SKIP() << "needs root, for a second user";
  const ScratchDirectory scratch;
  const auto path = scratch.path() + "/helper.sock";
  WaitingListener listener(endpoint_in(scratch.path()));
  Process attacker([&] {
    become(nobody);
    const bool failed = ::unlink(path.c_str()) != 0 && ::rename(path.c_str(), (path + "2").c_str()) != 0 &&
                        ::chmod(path.c_str(), 0777) != 0 && ::rename(scratch.path().c_str(), "/tmp/elsewhere") != 0;
    return failed ? 0 : 1;
  });
  EXPECT_EQ(attacker.wait(), 0);
  EXPECT_FALSE(Squatter(path, nobody).bound());
}

}  // namespace
}  // namespace penstock::transport
