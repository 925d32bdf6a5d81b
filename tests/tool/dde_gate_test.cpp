// What passes the gate, how often, and what is written down.
#include "tool/dde_gate.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace penstock::tool {
namespace {

using namespace std::chrono_literals;
using Time = DdeGate::Time;

class Remembering final : public AuditSink {
 public:
  result<void> record(const AuditEvent& event) noexcept override {
    if (full) return Error::audit_unavailable;
    lines.push_back(nlohmann::json::parse(audit_json(event, 0, lines.size() + 1)));
    return {};
  }
  std::vector<nlohmann::json> lines;
  bool full = false;
};

const char* const file = R"(version = 1
application = "Notes"
topic = "System"
endpoint = "notes"
rate = { per_second = 2, burst = 4 }
[[command]]
name = "open"
arguments = [{ name = "file", kind = "path", max_length = 260 }]
[[command]]
name = "close"
operation = "end"
arguments = []
)";

class DdeGateTest : public testing::Test {
 protected:
  [[nodiscard]] auto admit(const std::string& text) { return gate.admit(text, peer, now); }

  Time now{};
  PeerIdentity peer;
  std::shared_ptr<Remembering> audit = std::make_shared<Remembering>();
  DdeGate gate{*DdeGateRules::parse(file), audit, now};
};

TEST_F(DdeGateTest, ATextPassesWholeAndEachCommandIsRecorded) {
  const auto passed = admit(R"([open("C:\a.txt")][close])");
  ASSERT_TRUE(passed);
  ASSERT_EQ(passed->size(), 2u);
  EXPECT_EQ((*passed)[0].operation, "dde/open");
  EXPECT_EQ(*decode_dde_arguments((*passed)[0].body), std::vector<std::string>{R"(C:\a.txt)"});
  EXPECT_EQ((*passed)[1].operation, "end");
  ASSERT_EQ(audit->lines.size(), 2u);
  EXPECT_EQ(audit->lines[0]["kind"], "operation_forwarded");
  EXPECT_EQ(audit->lines[0]["endpoint"], "Notes|System");
  EXPECT_EQ(audit->lines[0]["carrier"], "dde");
  EXPECT_EQ(audit->lines[0]["role"], "gate");
  EXPECT_EQ(audit->lines[0]["peer"]["strength"], "claimed");
  EXPECT_EQ(audit->lines[1]["operation"], "end");
}

TEST_F(DdeGateTest, OneCommandThatDoesNotMatchRefusesTheWholeText) {
  const auto passed = admit(R"([open("C:\a.txt")][open("secret.txt")])");
  ASSERT_FALSE(passed);
  EXPECT_EQ(passed.error(), Error::operation_refused);
  ASSERT_EQ(audit->lines.size(), 1u);
  EXPECT_EQ(audit->lines[0]["kind"], "operation_refused");
  EXPECT_EQ(audit->lines[0]["reason"], "operation_refused");
  EXPECT_EQ(audit->lines[0]["operation"], "open");
  EXPECT_NE(audit->lines[0]["detail"].get<std::string>().find("argument 1 (file)"), std::string::npos);
  EXPECT_EQ(audit->lines[0].dump().find("secret"), std::string::npos) << "what the argument held is not written down";
}

TEST_F(DdeGateTest, WhatIsNoCommandIsRecordedWithItsPlace) {
  EXPECT_EQ(admit("[open(\"C:\\a\")]x").error(), Error::message_malformed);
  EXPECT_EQ(gate.admit(dde_text_of_ansi(as_bytes("\xFC")), peer, now).error(), Error::message_malformed);
  ASSERT_EQ(audit->lines.size(), 2u);
  EXPECT_EQ(audit->lines[0]["reason"], "message_malformed");
  EXPECT_EQ(audit->lines[0]["detail"], "Character 15: a command begins with [.");
}

TEST_F(DdeGateTest, Atk28WhatCannotBeRecordedDoesNotPass) {
  audit->full = true;
  EXPECT_EQ(admit("[close]").error(), Error::audit_unavailable);
  EXPECT_EQ(gate.started().error(), Error::audit_unavailable);
}

TEST_F(DdeGateTest, Atk24ABurstAndThenTheRate) {
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(admit("[close]")) << i;
  EXPECT_EQ(admit("[close]").error(), Error::queue_full);
  now += 499ms;
  EXPECT_EQ(admit("[close]").error(), Error::queue_full);
  now += 1ms;
  EXPECT_TRUE(admit("[close]"));
  EXPECT_EQ(admit("[close]").error(), Error::queue_full);
  now += 1h;  // saves a burst and no more
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(admit("[close]")) << i;
  EXPECT_FALSE(admit("[close]"));
}

TEST_F(DdeGateTest, EachCommandCountsAndATextIsNeverHalved) {
  EXPECT_TRUE(admit("[close][close][close]"));
  EXPECT_EQ(admit("[close][close]").error(), Error::queue_full);
  EXPECT_TRUE(admit("[close]")) << "the refused text took nothing";
  now += 1h;
  EXPECT_EQ(admit("[close][close][close][close][close]").error(), Error::queue_full) << "more than the burst never passes";
}

TEST_F(DdeGateTest, WhatIsRefusedCountsToo) {
  for (int i = 0; i < 4; ++i) EXPECT_EQ(admit("nonsense").error(), Error::message_malformed);
  EXPECT_EQ(admit("[close]").error(), Error::queue_full);
}

TEST_F(DdeGateTest, Atk24AFloodIsOneEventAndACount) {
  for (int i = 0; i < 1000; ++i) (void)admit("nonsense");
  for (int i = 0; i < 1000; ++i) gate.refuse(AuditKind::peer_refused, Error::peer_out_of_scope, nullptr, now);
  ASSERT_EQ(audit->lines.size(), 5u);
  EXPECT_EQ(audit->lines[4]["reason"], "queue_full");
  now += 500ms;
  EXPECT_TRUE(admit("[close]"));
  ASSERT_EQ(audit->lines.size(), 7u);
  EXPECT_EQ(audit->lines[5]["detail"], "1995 more were refused for the rate.");
  EXPECT_EQ(audit->lines[6]["kind"], "operation_forwarded");
}

TEST(TokenBucket, AClockThatGoesBackGivesNothing) {
  TokenBucket::Time now{1h};
  TokenBucket bucket(1000, 1, now);
  EXPECT_TRUE(bucket.take(1, now));
  EXPECT_FALSE(bucket.take(1, now - 1h));
  EXPECT_FALSE(bucket.take(1, now));
  EXPECT_TRUE(bucket.take(1, now + 1ms));
  EXPECT_FALSE(bucket.take(1, now + 1ms + 999us));
  EXPECT_TRUE(bucket.take(0, now));
}

TEST(TokenBucket, NeverMoreThanTheRateOverTime) {
  TokenBucket::Time now{};
  TokenBucket bucket(3, 5, now);
  int taken = 0;
  for (int i = 0; i < 10'000; ++i, now += 1ms) taken += bucket.take(1, now) ? 1 : 0;
  EXPECT_GE(taken, 5 + 29);
  EXPECT_LE(taken, 5 + 30);
}

}  // namespace
}  // namespace penstock::tool
