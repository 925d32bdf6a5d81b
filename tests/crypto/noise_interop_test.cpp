// A live conversation with another implementation: interop/peer.go, built on github.com/flynn/noise, as a real process.
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <string>
#include <tuple>

#include "crypto/hash.hpp"
#include "crypto/noise.hpp"
#include "penstock/handle.hpp"
#include "tests/crypto/child_linux.hpp"
#include "tests/crypto/hex.hpp"
#include "tests/crypto/print.hpp"

namespace penstock::crypto {
namespace {

constexpr int rounds = 10'000;

// interop/peer.go, connected to us by a Unix socket that it finds as descriptor 3.
class GoPeer {
 public:
  GoPeer(std::string role, std::string pattern, std::string suite) {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) return;
    ours_ = Handle(ends[0]);
    const Handle theirs(ends[1]);
    const timeval patience{.tv_sec = 60, .tv_usec = 0};  // a hang is a failure, not a hang of the tests
    ::setsockopt(ours_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);

    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, theirs.get(), 3);
    std::string program = PENSTOCK_INTEROP_PEER, count = std::to_string(rounds);
    std::array<char*, 6> arguments = {program.data(), role.data(), pattern.data(), suite.data(), count.data(), nullptr};
    if (::posix_spawn(&process_, program.c_str(), &actions, nullptr, arguments.data(), environ) != 0) process_ = -1;
    ::posix_spawn_file_actions_destroy(&actions);
  }
  GoPeer(const GoPeer&) = delete;
  GoPeer& operator=(const GoPeer&) = delete;
  ~GoPeer() { static_cast<void>(end()); }

  [[nodiscard]] bool send(bytes_view message) const {
    test::Bytes frame;
    for (const unsigned shift : {24u, 16u, 8u, 0u}) frame.push_back(static_cast<std::byte>(message.size() >> shift));
    frame.insert(frame.end(), message.begin(), message.end());
    return ::send(ours_.get(), frame.data(), frame.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(frame.size());
  }

  [[nodiscard]] std::optional<test::Bytes> receive() const {
    byte_array<4> length{};
    if (!read(length)) return std::nullopt;
    std::size_t size = 0;
    for (const auto byte : length) size = size << 8 | std::to_integer<std::size_t>(byte);
    if (size > 65535) return std::nullopt;
    test::Bytes message(size);
    if (!read(message)) return std::nullopt;
    return message;
  }

  [[nodiscard]] test::Ending end() {
    ours_.reset();
    if (process_ > 0) ::waitpid(std::exchange(process_, -1), &ending_.status, 0);
    return ending_;
  }

 private:
  [[nodiscard]] bool read(bytes_span out) const {
    return out.empty() || ::recv(ours_.get(), out.data(), out.size(), MSG_WAITALL) == static_cast<ssize_t>(out.size());
  }
  Handle ours_;
  pid_t process_ = -1;
  test::Ending ending_{.status = -1};
};

// As in peer.go.
test::Bytes payload(int i, char direction) {
  test::Bytes message(static_cast<std::size_t>((i * 37) % 1500));
  for (std::size_t j = 0; j < message.size(); ++j) {
    message[j] =
        static_cast<std::byte>((static_cast<std::size_t>(i) * 7 + j) & 0xff) ^ static_cast<std::byte>(direction);
  }
  return message;
}

struct Suite {
  std::string name;
  Cipher cipher;
  HashKind hash;
};

void PrintTo(const Suite& suite, std::ostream* out) {
  *out << suite.name;
}

class NoiseInterop : public testing::TestWithParam<std::tuple<std::string, Suite, bool>> {
 protected:
  const std::string pattern = std::get<0>(GetParam());
  const Suite suite = std::get<1>(GetParam());
  const bool initiator = std::get<2>(GetParam());
};

// One direction: its key, rekeyed where the peer rekeys, and its counter.
struct Direction {
  AeadKey key;
  std::uint64_t nonce = 0;
  [[nodiscard]] bool rekey() {
    auto next = key.rekeyed();
    if (next) key = std::move(*next);
    return next.has_value();
  }
};

TEST_P(NoiseInterop, TenThousandMessagesBothWays) {
  GoPeer peer(initiator ? "responder" : "initiator", pattern, suite.name);
  const auto keys = KeyPair::generate();
  ASSERT_TRUE(keys);
  const bool has_static = pattern == "XX";
  const test::Bytes psk(pattern.ends_with("psk0") ? 32 : 0, std::byte{0x5a});
  auto handshake = NoiseHandshake::make({.pattern = pattern,
                                         .cipher = suite.cipher,
                                         .hash = suite.hash,
                                         .initiator = initiator,
                                         .prologue = as_bytes("interop"),
                                         .static_key = has_static ? &*keys : nullptr,
                                         .psks = psk});
  ASSERT_TRUE(handshake);

  // Every payload of the handshake is the sender's static public key, or empty.
  const bytes_view told_by_us = has_static ? bytes_view(keys->public_key) : bytes_view();
  test::Bytes told_by_peer;
  while (!handshake->finished()) {
    test::Bytes buffer(512);
    if (handshake->writes_next()) {
      const auto size = handshake->write(told_by_us, buffer);
      ASSERT_TRUE(size);
      ASSERT_TRUE(peer.send(bytes_view(buffer).first(*size)));
      continue;
    }
    const auto message = peer.receive();
    ASSERT_TRUE(message);
    const auto size = handshake->read(*message, buffer);
    ASSERT_TRUE(size) << error_name(size.error().code());
    told_by_peer.assign(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(*size));
  }
  ASSERT_EQ(handshake->remote_static().has_value(), has_static);
  const auto remote = handshake->remote_static();
  EXPECT_EQ(remote ? test::hex(*remote) : "", test::hex(told_by_peer));

  auto agreed = handshake->split();
  ASSERT_TRUE(agreed);
  Direction sending{std::move(initiator ? agreed->initiator_to_responder : agreed->responder_to_initiator)};
  Direction receiving{std::move(initiator ? agreed->responder_to_initiator : agreed->initiator_to_responder)};
  const auto say = [&](bytes_view message) {
    test::Bytes sealed(message.size() + tag_size);
    return sending.key.seal(sending.nonce++, {}, message, sealed.data(), bytes_span(sealed).last<tag_size>()) &&
           peer.send(sealed);
  };
  const auto hears = [&](bytes_view message) {
    auto sealed = peer.receive();
    if (!sealed || sealed->size() != message.size() + tag_size) return false;
    const auto body = bytes_span(*sealed).first(message.size());
    const auto tag = bytes_view(*sealed).last<tag_size>();
    return receiving.key.open(receiving.nonce++, {}, body, tag, body.data()) && std::ranges::equal(body, message);
  };
  const char ours = initiator ? 'i' : 'r', theirs = initiator ? 'r' : 'i';
  for (int i = 0; i < rounds; ++i) {
    const bool rekeyed = i % 1000 != 999 || (sending.rekey() && receiving.rekey());
    const bool asked = !initiator || say(payload(i, ours));
    const bool heard = hears(payload(i, theirs));
    const bool answered = initiator || say(payload(i, ours));
    ASSERT_TRUE(rekeyed && asked && heard && answered) << i;
  }
  const auto binding = bytes_view(agreed->hash).first(agreed->hash_size);
  EXPECT_TRUE(initiator ? hears(binding) : say(binding));
  EXPECT_TRUE(peer.end().exited_with(0));
}

// A psk that differs by one bit: the independent end refuses us, and so would we.
TEST(NoiseInteropRefusal, AnotherPskIsRefusedByThePeer) {
  GoPeer peer("responder", "NNpsk0", "25519_AESGCM_SHA256");
  test::Bytes psk(32, std::byte{0x5a});
  psk[31] ^= std::byte{1};
  auto handshake = NoiseHandshake::make({.pattern = "NNpsk0", .prologue = as_bytes("interop"), .psks = psk});
  ASSERT_TRUE(handshake);
  byte_array<128> message{};
  const auto size = handshake->write({}, message);
  ASSERT_TRUE(size);
  ASSERT_TRUE(peer.send(bytes_view(message).first(*size)));
  EXPECT_FALSE(peer.receive());
  EXPECT_TRUE(peer.end().exited_with(1));
}

INSTANTIATE_TEST_SUITE_P(
    Flynn, NoiseInterop,
    testing::Combine(testing::Values("XX", "NN", "NNpsk0"),
                     testing::Values(Suite{"25519_AESGCM_SHA256", Cipher::aes256_gcm, HashKind::sha256},
                                     Suite{"25519_ChaChaPoly_BLAKE2b", Cipher::chacha20_poly1305, HashKind::blake2b}),
                     testing::Bool()),
    [](const auto& instance) {
      return std::get<0>(instance.param) + "_" + std::get<1>(instance.param).name +
             (std::get<2>(instance.param) ? "_WeInitiate" : "_WeRespond");
    });

}  // namespace
}  // namespace penstock::crypto
