// Where audit lines go. ATK-28: a file that others could write.
#include <filesystem>
#include <thread>

#include "tests/protocol/audit_file_testing.hpp"
#include "tests/protocol/policy_testing.hpp"

namespace penstock {
namespace {

using test::event_of;
using test::events_of;
using test::lines_of;
using test::mentions;
using test::refusal;

TEST(AuditFile, AppendsNumberedLinesToAFileOfModeSixHundred) {
  const test::Scratch scratch;
  const auto path = scratch / "audit.jsonl";
  {
    const test::Umask open(0);
    const auto sink = open_json_audit(path);
    ASSERT_TRUE(sink) << sink.error().sentence();
    EXPECT_TRUE((*sink)->record(event_of("first")));
    EXPECT_TRUE((*sink)->record(event_of("second")));
  }
  EXPECT_EQ(test::mode_of(path), 0600u);
  ASSERT_TRUE(open_json_audit(path)->get()->record(event_of("third")));
  const auto events = events_of(path);
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0]["detail"], "first");
  EXPECT_EQ(events[1]["number"], 2);
  EXPECT_EQ(events[2]["detail"], "third");
  EXPECT_EQ(events[2]["number"], 1);
  EXPECT_LE(events[0]["time"], events[1]["time"]);
}

TEST(AuditFile, ThreadsDoNotMixTheirLines) {
  const test::Scratch scratch;
  const auto path = scratch / "audit.jsonl";
  const auto sink = *open_json_audit(path);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&sink] {
      for (int at = 0; at < 100; ++at) EXPECT_TRUE(sink->record(event_of(std::string(500, 'x'))));
    });
  }
  for (auto& thread : threads) thread.join();
  const auto events = events_of(path);
  ASSERT_EQ(events.size(), 400u);
  for (std::size_t at = 0; at < events.size(); ++at) EXPECT_EQ(events[at]["number"], at + 1);
}

TEST(AuditFile, ALineThatACrashCutStaysAndOursBeginsAnew) {
  const test::Scratch scratch;
  const auto path = scratch.write("audit.jsonl", "{\"number\":1}\n{\"numb", 0600);
  ASSERT_TRUE(open_json_audit(path)->get()->record(event_of("after")));
  const auto lines = lines_of(path);
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[1], "{\"numb");
  EXPECT_TRUE(nlohmann::json::accept(lines[2]));
}

TEST(Atk28, AnAuditFileThatOthersCouldWriteReadOrReplaceIsRefused) {
  const test::Scratch scratch;
  for (const unsigned mode : {0620u, 0602u, 0666u}) {
    const auto path = scratch.write("audit.jsonl", "", mode);
    EXPECT_TRUE(mentions(refusal(path), test::remedy("go-w", path))) << mode;
  }
  const auto good = scratch.write("audit.jsonl", "", 0644);
  EXPECT_EQ(refusal(good), "");

  std::filesystem::create_hard_link(good, scratch / "second");
  EXPECT_TRUE(mentions(refusal(good), "2 names"));
  std::filesystem::remove(scratch / "second");
  EXPECT_EQ(refusal(good), "");

  EXPECT_NE(refusal(scratch.path()), "");
  EXPECT_NE(refusal(scratch / "missing/audit.jsonl"), "");
  EXPECT_NE(refusal(""), "");

  test::set_mode(scratch.path(), 0777);
  EXPECT_TRUE(mentions(refusal(good), test::remedy("go-w", scratch.path())));
  test::set_mode(scratch.path(), 0700);
  EXPECT_EQ(refusal(good), "");
}

// Another opening is another writer, whoever's it is.
TEST(Atk28, AnAuditFileThatAnotherProcessWritesIsRefused) {
  const test::Scratch scratch;
  const auto path = scratch / "audit.jsonl";
  auto first = open_json_audit(path);
  ASSERT_TRUE(first);
  EXPECT_TRUE(mentions(refusal(path), "Another process"));
  first->reset();
  EXPECT_EQ(refusal(path), "");
}

TEST(Atk28, AnOutputThatIsNoneFailsTheSink) {
  const auto kept = json_audit_to(no_handle)->record(event_of("lost"));
  ASSERT_FALSE(kept);
  EXPECT_EQ(kept.error().code(), Error::audit_unavailable);
}

}  // namespace
}  // namespace penstock
