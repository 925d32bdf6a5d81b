// ATK-26 on a carrier that promises no order, as DDE's does not: what a hostile one can do to whole records, and what comes of it.
#include <condition_variable>
#include <deque>
#include <set>

#include "protocol/handshake_driver.hpp"
#include "tests/channel/claimed_carrier.hpp"
#include "tests/channel/pair.hpp"

namespace penstock::test {
namespace {

using protocol::HandshakeDriver;
using Frame = std::vector<std::byte>;

/// Both ways between two carriers of one process. What passes from the first to the second can be tampered with.
struct Post {
  std::mutex mutex;
  std::condition_variable changed;
  std::array<std::deque<Frame>, 2> waiting;  // for each end
  bool over = false;
  std::function<std::vector<Frame>(Frame)> tamper;  // none: honest
};

class PostCarrier final : public ClaimedCarrier {
 public:
  PostCarrier(std::shared_ptr<Post> post, std::size_t end) : ClaimedCarrier(7), post_(std::move(post)), end_(end) {}
  ~PostCarrier() override { close(); }

  [[nodiscard]] result<std::size_t> send(bytes_view bytes, std::span<const native_handle>, transport::Wait) override {
    const std::scoped_lock lock(post_->mutex);
    if (post_->over) return Error::truncated;
    Frame frame(bytes.begin(), bytes.end());
    auto& theirs = post_->waiting[1 - end_];
    if (end_ != 0 || !post_->tamper) {
      theirs.push_back(std::move(frame));
    } else {
      for (auto& one : post_->tamper(std::move(frame))) theirs.push_back(std::move(one));
    }
    post_->changed.notify_all();
    return bytes.size();
  }
  [[nodiscard]] result<transport::Received> receive(bytes_span buffer, HandleList&, transport::Wait wait) override {
    std::unique_lock lock(post_->mutex);
    auto& own = post_->waiting[end_];
    if (wait == transport::Wait::yes) post_->changed.wait(lock, [&] { return !own.empty() || post_->over; });
    if (own.empty()) return post_->over ? Error::truncated : Error::would_block;
    auto& front = own.front();
    const auto size = std::min(buffer.size(), front.size());
    std::copy_n(front.begin(), size, buffer.begin());
    front.erase(front.begin(), front.begin() + static_cast<std::ptrdiff_t>(size));
    if (front.empty()) own.pop_front();
    return transport::Received{size, transport::MessageSender{self().pid, self().uid, self().gid, self().process_key}};
  }
  [[nodiscard]] result<void> wait(transport::Readiness readiness, transport::Deadline deadline) override {
    if (readiness != transport::Readiness::readable) return {};
    std::unique_lock lock(post_->mutex);
    const auto ready = [&] { return !post_->waiting[end_].empty() || post_->over; };
    if (!deadline) post_->changed.wait(lock, ready);
    return !deadline || post_->changed.wait_until(lock, *deadline, ready) ? result<void>() : Error::deadline_exceeded;
  }
  void close() noexcept override {
    const std::scoped_lock lock(post_->mutex);
    post_->over = true;
    post_->changed.notify_all();
  }

 private:
  const std::shared_ptr<Post> post_;
  const std::size_t end_;
};

class Unordered : public ::testing::Test {
 protected:
  void SetUp() override {
    std::thread accepting([&] { server = shake_hands(1); });
    client = shake_hands(0);
    accepting.join();
    ASSERT_TRUE(client.is_open());
    ASSERT_TRUE(server.is_open());
  }
  void tamper(std::function<std::vector<Frame>(Frame)> how) {
    const std::scoped_lock lock(post->mutex);
    post->tamper = std::move(how);
  }
  void send(int number) {
    const Frame body(100, static_cast<std::byte>(number));
    EXPECT_TRUE(client.send(body));
  }
  /// What arrives until the end, which is `why`.
  std::vector<int> receive_until(Error why) {
    std::vector<int> arrived;
    std::vector<std::byte> buffer(200);
    for (;;) {
      const auto got = server.receive(buffer, std::chrono::seconds(20));
      if (!got) {
        EXPECT_EQ(got.error().code(), why) << error_name(got.error().code());
        return arrived;
      }
      EXPECT_EQ(got->size, 100u);
      arrived.push_back(std::to_integer<int>(buffer[0]));
    }
  }

  std::shared_ptr<Post> post = std::make_shared<Post>();
  blocking::Channel client, server;

 private:
  blocking::Channel shake_hands(std::size_t end) {
    Rule rule;
    rule.name = "this user";
    rule.users = {own_user()};
    rule.trust = Trust::challenge;
    rule.operations = {"*"};
    auto inputs = std::make_shared<protocol::HandshakeInputs>();
    inputs->policy = Policy::of({std::move(rule)}).value();
    inputs->channel = std::make_shared<const protocol::ChannelSettings>(ChannelOptions(), nullptr, "test");
    protocol::HandshakeContext context;
    context.initiator = end == 0;
    context.endpoint = {Scope::session, "test"};
    context.trust = Trust::challenge;
    context.data_plane = DataPlane::dde;
    context.allow_pipe = false;
    context.suite = Suite::chachapoly_blake2b;
    auto driver = HandshakeDriver::make(std::make_unique<PostCarrier>(post, end), inputs, std::move(context));
    if (!driver) return {};
    const auto done = (*driver)->run(std::chrono::steady_clock::now() + std::chrono::seconds(20));
    EXPECT_TRUE(done) << done.error().sentence();
    auto core = done ? (*driver)->take() : result<std::unique_ptr<protocol::ChannelCore>>(done.error());
    return core ? blocking::Channel(std::move(*core)) : blocking::Channel();
  }
};

/// Holds the record `number` back until `until` have been sent after it; for ever when 0.
std::function<std::vector<Frame>(Frame)> hold(std::size_t number, std::size_t until) {
  return [=, seen = std::size_t{0}, held = Frame()](Frame frame) mutable {
    const auto at = seen++;
    if (at == number) {
      held = std::move(frame);
      return std::vector<Frame>();
    }
    std::vector<Frame> out{std::move(frame)};
    if (until != 0 && at == number + until) out.push_back(std::move(held));
    return out;
  };
}

TEST_F(Unordered, InOrderAndToAnOrderlyEnd) {
  for (int i = 0; i < 3; ++i) send(i);
  client.close();
  EXPECT_EQ(receive_until(Error::closed_by_peer), (std::vector{0, 1, 2}));
}

TEST_F(Unordered, MessagesInAnotherOrderAreDeliveredAsTheyCome) {
  tamper(hold(0, 2));
  for (int i = 0; i < 4; ++i) send(i);
  client.close();
  EXPECT_EQ(receive_until(Error::closed_by_peer), (std::vector{1, 2, 0, 3}));
}

TEST_F(Unordered, Atk26ADroppedMessageLeavesNoOrderlyEnd) {
  tamper(hold(1, 0));
  for (int i = 0; i < 4; ++i) send(i);
  client.close();
  EXPECT_EQ(receive_until(Error::truncated), (std::vector{0, 2, 3}));
  EXPECT_EQ(server.close_reason(), Error::truncated);
}

TEST_F(Unordered, Atk26ACloseThatOvertakesIsNoOrderlyEnd) {
  tamper(hold(2, 1));
  for (int i = 0; i < 3; ++i) send(i);
  client.close();
  EXPECT_EQ(receive_until(Error::truncated), (std::vector{0, 1}));
}

TEST_F(Unordered, Atk26ADroppedMessageIsMissedAtTheLatestAWindowLater) {
  tamper(hold(0, 0));
  std::vector<std::byte> buffer(200);
  std::size_t received = 0;
  for (;;) {
    send(9);
    if (received == 0) {
      received = 1;
      continue;  // the first was dropped
    }
    const auto got = server.receive(buffer, std::chrono::seconds(20));
    if (!got) {
      EXPECT_EQ(got.error().code(), Error::sequence_wrong);
      break;
    }
    ASSERT_LE(++received, protocol::replay_window_size);
  }
  // 0 is the confirm record's number, so that 1 was dropped; up to 8,192 it could still come.
  EXPECT_EQ(received, protocol::replay_window_size);
}

TEST_F(Unordered, Atk26ARepeatedMessageEndsIt) {
  tamper([](Frame frame) { return std::vector<Frame>{frame, frame}; });
  send(0);
  EXPECT_EQ(receive_until(Error::record_replayed), std::vector{0});
}

TEST_F(Unordered, Atk26ACutOneEndsIt) {
  tamper([](Frame frame) {
    frame.resize(frame.size() - 7);
    return std::vector<Frame>{frame};
  });
  send(0);
  client.close();
  EXPECT_TRUE(receive_until(Error::record_forged).empty());
}

/// Lets those of the first `count` records pass that `order` names, as it names them.
std::function<std::vector<Frame>(Frame)> arrange(std::size_t count, std::vector<std::size_t> order) {
  return [=, held = std::vector<Frame>()](Frame frame) mutable {
    held.push_back(std::move(frame));
    std::vector<Frame> out;
    if (held.size() == count) {
      for (const auto at : order) out.push_back(held[at]);
    }
    return out;
  };
}

// All of them are whole records of the peer's own, and of the sizes that are expected next: only their numbers tell.
TEST_F(Unordered, Atk26OtherChunksThanTheNextAreNoPartOfAMessage) {
  const auto first = pattern(4 * max_record_payload - 8, 1), second = pattern(4 * max_record_payload - 8, 2);
  const std::vector<std::vector<std::size_t>> arrangements{
      {0, 2, 1, 3}, {0, 5, 6, 7}, {0, 1, 6, 7}, {0, 1, 2, 7}, {4, 5, 2, 3}, {0, 1, 3}, {0, 4, 1, 2, 3}, {0, 1, 2}};
  for (const auto& order : arrangements) {
    post = std::make_shared<Post>();
    SetUp();
    tamper(arrange(8, order));
    ASSERT_TRUE(client.send(first));
    ASSERT_TRUE(client.send(second));
    client.close();
    std::vector<std::byte> buffer(first.size());
    const auto got = server.receive(buffer, std::chrono::seconds(20));
    ASSERT_FALSE(got) << ::testing::PrintToString(order);
    std::size_t good = 1;
    while (good < order.size() && order[good] == order[good - 1] + 1) ++good;
    const auto rest = std::span(buffer).subspan(good * max_record_payload - 8);
    EXPECT_TRUE(std::ranges::all_of(rest, [](std::byte one) { return one == std::byte{0}; })) << "plaintext of a record that was refused";
    const bool ends = order.size() == 3 && order[2] == 2;
    EXPECT_EQ(got.error().code(), ends ? Error::truncated : Error::sequence_wrong) << ::testing::PrintToString(order);
  }
}

TEST_F(Unordered, WholeMessagesOfSeveralRecordsMayChangePlaces) {
  const auto first = pattern(4 * max_record_payload - 8, 1), second = pattern(4 * max_record_payload - 8, 2);
  tamper(arrange(8, {4, 5, 6, 7, 0, 1, 2, 3}));
  ASSERT_TRUE(client.send(first));
  ASSERT_TRUE(client.send(second));
  std::vector<std::byte> buffer(first.size());
  ASSERT_TRUE(server.receive(buffer, std::chrono::seconds(20)));
  EXPECT_EQ(buffer, second);
  ASSERT_TRUE(server.receive(buffer, std::chrono::seconds(20)));
  EXPECT_EQ(buffer, first);
}

/// Calls that nobody answers, and that are given up: two records each, the request and its cancel.
void call_in_vain(blocking::Channel& client, const char* operation) {
  std::array<std::byte, 8> reply;
  CallOptions no_time;
  no_time.deadline = std::chrono::milliseconds(1);
  EXPECT_EQ(client.call(operation, {}, reply, no_time).error(), Error::deadline_exceeded);
}

TEST_F(Unordered, Atk26RequestsInAnotherOrderEndIt) {
  tamper(arrange(4, {2, 0}));
  call_in_vain(client, "one");
  call_in_vain(client, "two");
  std::vector<std::byte> buffer(200);
  const auto got = server.receive(buffer, std::chrono::seconds(20));
  ASSERT_TRUE(got) << got.error().sentence();
  EXPECT_EQ(got->operation(), "two");
  EXPECT_EQ(server.receive(buffer, std::chrono::seconds(20)).error(), Error::message_malformed) << "numbers of requests only rise";
}

TEST_F(Unordered, Atk26ACancelBeforeItsRequestEndsIt) {
  tamper(arrange(2, {1, 0}));
  call_in_vain(client, "one");
  std::vector<std::byte> buffer(200);
  EXPECT_EQ(server.receive(buffer, std::chrono::seconds(20)).error(), Error::message_malformed);
}

// Each byte of a record, in a session of its own: the record layer's test has each bit.
TEST_F(Unordered, Atk26AFlippedBitInEveryByteOfARecord) {
  constexpr std::size_t frame_size = 32 + 100 + 16;
  for (std::size_t at = 0; at < frame_size; ++at) {
    post = std::make_shared<Post>();
    SetUp();
    tamper([at](Frame frame) {
      if (at < frame.size()) frame[at] ^= static_cast<std::byte>(1u << (at % 8));
      return std::vector<Frame>{frame};
    });
    send(1);
    client.close();
    std::vector<std::byte> buffer(200);
    const auto got = server.receive(buffer, std::chrono::seconds(20));
    ASSERT_FALSE(got) << "byte " << at;
    // The header's own rules may say no before the tag does.
    const std::set<Error> reasons{Error::record_forged, Error::epoch_wrong, Error::frame_malformed, Error::frame_too_large,
                                  Error::version_unsupported, Error::truncated};
    EXPECT_TRUE(reasons.contains(got.error().code())) << "byte " << at << ": " << error_name(got.error().code());
    EXPECT_FALSE(server.is_open());
  }
}

}  // namespace
}  // namespace penstock::test
