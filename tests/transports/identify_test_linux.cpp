// What is made of the kernel's answers, with a kernel that lies. The rows of ATK-04 and ATK-10 that no real one can be
// brought to give on demand.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "transports/os_peer_linux.hpp"
#include "transports/scope_check.hpp"

namespace penstock::transport {
namespace {

class LyingPeer : public OsPeer {
 public:
  Credentials who{4711, 1000, 1000};
  std::vector<std::uint32_t> group_list{30, 10, 20};
  Error process_error = Error::none;
  std::uint64_t key = 99;
  bool alive_before = true;
  bool alive_after = true;
  bool vouched = true;
  UserNamespace space{true};
  int facts_read = 0;

  result<Credentials> credentials() override { return who; }
  result<std::vector<std::uint32_t>> groups() override { return group_list; }
  std::optional<std::string> label() override { return "label"; }
  result<Handle> process() override {
    if (process_error != Error::none) return process_error;
    return Handle(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  }
  std::uint64_t process_key(const Handle&) override { return key; }
  bool alive(const Handle&) override { return facts_read == 0 ? alive_before : alive_after; }
  bool senders_vouched(const Handle&) override { return vouched; }
  ProcessFacts facts(const Handle&) override {
    ++facts_read;
    return {Executable{"/usr/bin/trusted", 1, 2, {}}, 7u, 1000u, "/user.slice"};
  }
  UserNamespace user_namespace() override { return space; }
};

TEST(Identify, TakesEverythingFromAPeerThatStaysAlive) {
  LyingPeer peer;
  const auto identity = identify(peer);
  ASSERT_TRUE(identity.has_value());
  EXPECT_EQ(identity->strength, Strength::pinned);
  EXPECT_EQ(identity->process_key, 99u);
  EXPECT_EQ(identity->pid, 4711);
  EXPECT_EQ(identity->groups, (std::vector<std::uint32_t>{10, 20, 30}));
  EXPECT_EQ(identity->executable->path, "/usr/bin/trusted");
  EXPECT_EQ(identity->login_session, 7u);
  EXPECT_EQ(identity->cgroup, "/user.slice");
  EXPECT_TRUE(identity->process.valid());
}

TEST(Atk05Namespace, NothingIsTakenFromAProcessWhoseSendersAreNotVouchedFor) {
  LyingPeer peer;
  peer.vouched = false;
  const auto identity = identify(peer);
  ASSERT_TRUE(identity.has_value());
  EXPECT_EQ(identity->strength, Strength::connected);
  EXPECT_EQ(identity->process_key, 0u);
  EXPECT_FALSE(identity->process.valid());
  EXPECT_FALSE(identity->executable.has_value());
  EXPECT_EQ(peer.facts_read, 0);
}

struct PeerRow {
  const char* name;
  void (*lie)(LyingPeer&);
  Error expected;
};

void PrintTo(const PeerRow& row, std::ostream* out) {
  *out << row.name;
}

class Atk04 : public ::testing::TestWithParam<PeerRow> {};

TEST_P(Atk04, ANumberThatProvesNothingIsRefused) {
  LyingPeer peer;
  GetParam().lie(peer);
  const auto identity = identify(peer);
  ASSERT_FALSE(identity.has_value());
  EXPECT_EQ(identity.error(), GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(
    Table, Atk04,
    ::testing::Values(
        PeerRow{"zero_without_handle", [](LyingPeer& p) { p.who.pid = 0, p.process_error = Error::unsupported; },
            Error::peer_unidentified},
        PeerRow{"zero_without_pidfs", [](LyingPeer& p) { p.who.pid = 0, p.key = 0; }, Error::peer_unidentified},
        PeerRow{"negative", [](LyingPeer& p) { p.who.pid = -1; }, Error::peer_unidentified},
        PeerRow{"most_negative", [](LyingPeer& p) { p.who.pid = INT32_MIN; }, Error::peer_unidentified},
        PeerRow{"no_user", [](LyingPeer& p) { p.who = {0, 0xFFFFFFFF, 0xFFFFFFFF}; }, Error::peer_unidentified},
        PeerRow{"no_group", [](LyingPeer& p) { p.who.gid = 0xFFFFFFFF; }, Error::peer_unidentified},
        PeerRow{"dead", [](LyingPeer& p) { p.alive_before = p.alive_after = false; }, Error::peer_gone},
        PeerRow{"reused_while_read", [](LyingPeer& p) { p.alive_after = false; }, Error::peer_gone},
        PeerRow{"handle_is_gone", [](LyingPeer& p) { p.process_error = Error::peer_gone; }, Error::peer_gone},
        PeerRow{"out_of_descriptors", [](LyingPeer& p) { p.process_error = Error::resource_exhausted; },
            Error::resource_exhausted}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(Atk04Numbers, OfADeadPeerAreNotEvenLookedUp) {
  LyingPeer peer;
  peer.alive_before = false;
  EXPECT_EQ(identify(peer).error(), Error::peer_gone);
  EXPECT_EQ(peer.facts_read, 0);
}

// Numbers with a meaning on another system (4: the Windows kernel; 65276, 65279: near 16-bit edges) have none here:
// what identifies is the handle, and the number is only shown.
TEST(Atk04Numbers, AreOnlyEverShown) {
  for (const std::int64_t number :
       {std::int64_t{1}, std::int64_t{4}, std::int64_t{65276}, std::int64_t{65279}, std::int64_t{INT32_MAX}}) {
    LyingPeer peer;
    peer.who.pid = number;
    const auto identity = identify(peer);
    ASSERT_TRUE(identity.has_value());
    EXPECT_EQ(identity->process_key, 99u);
    EXPECT_EQ(identity->pid, number);
  }
}

TEST(Atk04Numbers, ZeroWithAHandleIsAProcessOfAnotherNamespace) {
  LyingPeer peer;
  peer.who.pid = 0;
  const auto identity = identify(peer);
  ASSERT_TRUE(identity.has_value());
  EXPECT_EQ(identity->strength, Strength::pinned);
}

TEST(Atk04Numbers, WithoutAHandleNothingInProcIsBelieved) {
  for (const bool no_handle : {true, false}) {
    LyingPeer peer;
    if (no_handle) peer.process_error = Error::unsupported;
    if (!no_handle) peer.key = 0;
    const auto identity = identify(peer);
    ASSERT_TRUE(identity.has_value());
    EXPECT_EQ(identity->strength, Strength::connected);
    EXPECT_EQ(identity->process_key, 0u);
    EXPECT_FALSE(identity->process.valid());
    EXPECT_FALSE(identity->executable.has_value());
    EXPECT_FALSE(identity->login_session.has_value());
    EXPECT_EQ(peer.facts_read, 0);
    EXPECT_EQ(identity->check_alive().error(), Error::peer_unidentified);
  }
}

TEST(Atk04Numbers, OwnProcessIsNoPeer) {
  PeerIdentity own;
  own.pid = 10;
  own.process_key = 5;
  PeerIdentity peer;
  peer.pid = 10;  // the same number, in another namespace
  peer.process_key = 6;
  EXPECT_TRUE(check_not_self(peer, own).has_value());
  peer.process_key = 5;
  EXPECT_EQ(check_not_self(peer, own).error(), Error::peer_unidentified);
  peer.process_key = 0;
  EXPECT_EQ(check_not_self(peer, own).error(), Error::peer_unidentified);
}

TEST(Atk10, AnOverflowUserIsAmbiguousWhereItIsNotReal) {
  struct Case {
    std::uint32_t uid, gid;
    bool maps_everyone, admitted;
  };
  for (const auto& c : {Case{65534, 65534, true, true}, Case{65534, 0, false, false}, Case{0, 65534, false, false},
                        Case{1000, 1000, false, true}, Case{0, 0, false, true}}) {
    LyingPeer peer;
    peer.who = {4711, c.uid, c.gid};
    peer.space.maps_everyone = c.maps_everyone;
    const auto identity = identify(peer);
    EXPECT_EQ(identity.has_value(), c.admitted) << c.uid << ' ' << c.gid << ' ' << c.maps_everyone;
    if (!c.admitted) {
      EXPECT_EQ(identity.error(), Error::peer_ambiguous);
    }
  }
}

TEST(Atk10, AnOverflowGroupAmongTheOthersIsDropped) {
  LyingPeer peer;
  peer.group_list = {10, 65534};
  peer.space.maps_everyone = false;
  const auto identity = identify(peer);
  ASSERT_TRUE(identity.has_value());
  EXPECT_EQ(identity->groups, (std::vector<std::uint32_t>{10}));
}

}  // namespace
}  // namespace penstock::transport
