// Both ends back to back, with a post office between them that delivers late, in another order, twice or never: whatever is delivered
// was sent, once, and every piece of memory is freed once.
#include <gtest/gtest.h>

#include <random>

#include "tests/transports/dde_post_office.hpp"

namespace penstock::transport::dde {
namespace {

using namespace testing;
using namespace std::chrono_literals;

struct Malice {
  unsigned reorder = 0, duplicate = 0, drop = 0, replay = 0;  // of 256 letters
};

/// What one direction has sent, by its first eight bytes, and what came of it.
struct Ledger {
  std::vector<std::vector<std::byte>> sent;
  std::set<std::size_t> got;

  std::vector<std::byte> next(std::size_t size) {
    auto bytes = bytes_of(std::max<std::size_t>(size, 4), static_cast<unsigned>(sent.size()));
    for (std::size_t i = 0; i < 4; ++i) bytes[i] = static_cast<std::byte>(sent.size() >> 8 * i);
    return bytes;
  }
  /// A whole datagram that was sent and not yet delivered?
  bool take(bytes_view bytes) {
    if (bytes.size() < 4) return false;
    std::size_t number = 0;
    for (std::size_t i = 4; i-- > 0;) number = number << 8 | std::to_integer<std::size_t>(bytes[i]);
    return number < sent.size() && std::ranges::equal(bytes, sent[number]) && got.insert(number).second;
  }
};

class Post {
 public:
  Post(std::uint32_t seed, Malice malice) : random_(seed), malice_(malice) { office_.connect(); }

  void run(int steps) {
    ASSERT_EQ(office_.client.conversation.state(), State::connected);
    for (int step = 0; step < steps; ++step) {
      user(office_.client.conversation, up_, down_);
      user(office_.server.conversation, down_, up_);
      office_.act();
      post(office_.to_server, office_.server);
      post(office_.to_client, office_.client);
      office_.now += 1ms;
      office_.client.conversation.tick(office_.now);
      office_.server.conversation.tick(office_.now);
      ASSERT_LE(office_.client.memory.size(), most_unacknowledged);
      ASSERT_LE(office_.server.memory.size(), most_unacknowledged);
    }
  }
  /// Everything honest from here on, until nothing moves.
  void finish() {
    malice_ = {};
    for (int i = 0; i < 200; ++i) {
      office_.settle();
      drain(office_.client.conversation, down_);
      drain(office_.server.conversation, up_);
    }
  }
  void end() {
    office_.client.conversation.terminate(office_.now);
    office_.settle();
    office_.now += 10s;
    office_.server.conversation.tick(office_.now);
    office_.client.conversation.tick(office_.now);
    office_.settle();
    office_.now += 10s;
    office_.server.conversation.tick(office_.now);
    office_.client.conversation.tick(office_.now);
    office_.act();
    EXPECT_EQ(office_.client.conversation.state(), State::closed);
    EXPECT_EQ(office_.server.conversation.state(), State::closed);
    EXPECT_TRUE(office_.client.memory.empty() && office_.server.memory.empty()) << "memory is left";
    EXPECT_FALSE(office_.client.freed_twice || office_.server.freed_twice);
  }

  Office office_;
  Ledger up_, down_;

 private:
  unsigned roll(unsigned sides) { return static_cast<unsigned>(random_() % sides); }
  void user(Conversation& own, Ledger& out, Ledger& in) {
    if (roll(2) == 0) {
      auto bytes = out.next(roll(4) == 0 ? roll(static_cast<unsigned>(largest_datagram)) : roll(200));
      if (own.send(bytes, office_.now)) out.sent.push_back(std::move(bytes));
    }
    if (roll(3) == 0) drain(own, in);
  }
  void drain(Conversation& own, Ledger& in) {
    for (auto bytes = take(own, largest_datagram, office_.now); !bytes.empty(); bytes = take(own, largest_datagram, office_.now))
      EXPECT_TRUE(in.take(bytes)) << "something that was not sent, or twice";
  }
  void post(std::deque<Letter>& letters, End& to) {
    for (unsigned count = roll(4); count > 0 && !letters.empty(); --count) {
      const auto at = roll(256) < malice_.reorder ? roll(static_cast<unsigned>(letters.size())) : 0;
      kept_.push_back({letters[at], &to});
      if (kept_.size() > 50) kept_.pop_front();
      if (roll(256) < malice_.duplicate) letters.push_back(letters[at]);
      if (roll(256) < malice_.drop) {
        letters.erase(letters.begin() + at);
      } else {
        office_.deliver(letters, to, at);
      }
      if (roll(256) < malice_.replay) {
        const auto& old = kept_[roll(static_cast<unsigned>(kept_.size()))];
        old.second->receive(old.first, office_.now);
      }
    }
  }

  std::mt19937 random_;
  Malice malice_;
  std::deque<std::pair<Letter, End*>> kept_;
};

TEST(DdePostOffice, InOrderEverythingArrives) {
  for (std::uint32_t seed = 0; seed < 6; ++seed) {
    Post post(seed, {});
    post.run(400);
    post.finish();
    EXPECT_EQ(post.up_.got.size(), post.up_.sent.size());
    EXPECT_EQ(post.down_.got.size(), post.down_.sent.size());
    EXPECT_GT(post.up_.got.size(), 50u);
    post.end();
  }
}

TEST(DdePostOffice, Atk16ReorderedNothingIsLostAndNothingDoubled) {
  int survived = 0;
  for (std::uint32_t seed = 0; seed < 40; ++seed) {
    Post post(seed, {.reorder = 128});
    post.run(300);
    post.finish();
    // More datagrams may be begun at once than an honest post office could have: then it ends. Otherwise all arrives.
    const bool open = post.office_.client.conversation.state() == State::connected && post.office_.server.conversation.state() == State::connected;
    survived += open ? 1 : 0;
    if (open) {
      EXPECT_EQ(post.up_.got.size(), post.up_.sent.size());
      EXPECT_EQ(post.down_.got.size(), post.down_.sent.size());
    }
    post.end();
  }
  EXPECT_GT(survived, 8);
}

TEST(DdePostOffice, Atk16DroppedDoubledAndReplayedNothingFalseIsDelivered) {
  for (std::uint32_t seed = 0; seed < 60; ++seed) {
    Post post(seed, {.reorder = seed % 3 == 0 ? 64u : 0u, .duplicate = seed % 4 == 0 ? 3u : 0u, .drop = seed % 5 == 0 ? 3u : 0u, .replay = 3});
    post.run(300);
    post.finish();
    post.end();
  }
}

TEST(DdePostOffice, ADroppedChunkEndsTheConversationInTime) {
  Office office;
  office.connect();
  ASSERT_TRUE(office.client.conversation.send(bytes_of(10), office.now));
  office.act();
  office.to_server.clear();
  office.now += Timeouts().acknowledge;
  office.client.conversation.tick(office.now);
  office.settle();
  EXPECT_EQ(office.client.conversation.error(), Error::truncated);
  EXPECT_EQ(office.client.conversation.state(), State::closed);
  EXPECT_EQ(office.server.conversation.error(), Error::truncated);
  EXPECT_TRUE(office.client.memory.empty());
}

}  // namespace
}  // namespace penstock::transport::dde
