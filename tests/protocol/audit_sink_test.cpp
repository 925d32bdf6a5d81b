// ATK-28: the full disk, wherever it cuts a line, on a file that does what the test says: the same on every platform.
#include "protocol/audit_sink.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tests/protocol/audit_file_testing.hpp"

namespace penstock::protocol {
namespace {

using test::event_of;

/// What is on the disk, and what it will take.
struct Disk {
  std::string text;
  std::size_t room = 1 << 20;  ///< bytes it still takes
  bool may_cut = true;
  bool status_known = true;
  bool readable = true;
  bool removed = false;
  int opened = 0;
};

class FakeFile final : public AuditFile {
 public:
  explicit FakeFile(Disk& disk) : disk_(disk) { ++disk_.opened; }
  Written write(std::string_view bytes) final {
    const auto taken = std::min(bytes.size(), disk_.room);
    disk_.text += bytes.substr(0, taken);
    disk_.room -= taken;
    return {taken, "no room"};
  }
  std::optional<Status> status() final {
    if (!disk_.status_known) return std::nullopt;
    return Status{disk_.text.size(), disk_.removed};
  }
  std::optional<char> last_byte(std::uint64_t size) final {
    if (!disk_.readable) return std::nullopt;
    return disk_.text.at(size - 1);
  }
  bool cut_to(std::uint64_t size) final {
    if (!disk_.may_cut) return false;
    disk_.room += disk_.text.size() - size;
    disk_.text.resize(size);
    return true;
  }

 private:
  Disk& disk_;
};

std::shared_ptr<AuditSink> sink_on(Disk& disk) {
  auto sink = make_file_sink("audit.jsonl", [&disk]() -> result<std::unique_ptr<AuditFile>> {
    if (disk.removed) {
      disk.text.clear();
      disk.removed = false;
    }
    return std::unique_ptr<AuditFile>(std::make_unique<FakeFile>(disk));
  });
  EXPECT_TRUE(sink);
  return *sink;
}

std::size_t whole_lines(const std::string& text) {
  std::size_t lines = 0;
  for (std::size_t at = 0; at < text.size(); ++lines) {
    const auto end = text.find('\n', at);
    EXPECT_NE(end, std::string::npos) << text;
    if (end == std::string::npos) return lines;
    EXPECT_TRUE(nlohmann::json::accept(text.substr(at, end - at))) << text.substr(at, end - at);
    at = end + 1;
  }
  return lines;
}

TEST(Atk28, HalfALineIsTakenBackWhereverTheDiskEnds) {
  std::string line;
  {
    Disk disk;
    ASSERT_TRUE(sink_on(disk)->record(event_of("lost")));
    line = disk.text;
  }
  for (std::size_t room = 0; room < line.size(); ++room) {
    Disk disk;
    const auto sink = sink_on(disk);
    ASSERT_TRUE(sink->record(event_of("kept")));
    const auto before = disk.text;
    disk.room = room;
    for (int attempt = 0; attempt < 3; ++attempt) {
      const auto kept = sink->record(event_of("lost"));
      ASSERT_FALSE(kept);
      EXPECT_EQ(kept.error().code(), Error::audit_unavailable);
      EXPECT_EQ(disk.text, before) << room;
    }
    disk.room = 1 << 20;
    ASSERT_TRUE(sink->record(event_of("room again")));
    EXPECT_EQ(whole_lines(disk.text), 2u);
    // The three that were lost left a gap in the numbers.
    EXPECT_EQ(nlohmann::json::parse(disk.text.substr(before.size()))["number"], 5);
  }
}

TEST(Atk28, NothingFollowsHalfALineThatCannotBeTakenBack) {
  Disk disk;
  const auto sink = sink_on(disk);
  ASSERT_TRUE(sink->record(event_of("kept")));
  disk.room = 20;
  disk.may_cut = false;
  EXPECT_FALSE(sink->record(event_of("lost")));
  const auto torn = disk.text;
  disk.room = 1 << 20;
  EXPECT_FALSE(sink->record(event_of("lost too")));
  EXPECT_EQ(disk.text, torn);
  disk.may_cut = true;
  ASSERT_TRUE(sink->record(event_of("room again")));
  EXPECT_EQ(whole_lines(disk.text), 2u);
}

TEST(Atk28, AFileThatCannotBeLookedAtFailsTheSink) {
  Disk disk{.text = "{}\n"};
  disk.readable = false;
  const auto sink = sink_on(disk);
  EXPECT_FALSE(sink->record(event_of("lost")));
  disk.readable = true;
  disk.status_known = false;
  EXPECT_FALSE(sink->record(event_of("lost")));
  EXPECT_EQ(disk.text, "{}\n");
  disk.status_known = true;
  EXPECT_TRUE(sink->record(event_of("kept")));
  EXPECT_EQ(whole_lines(disk.text), 2u);
}

TEST(AuditSink, ARemovedFileIsOpenedAgainAndALineWithoutAnEndIsLeftAlone) {
  Disk disk{.text = "{}\n{\"half"};
  const auto sink = sink_on(disk);
  ASSERT_TRUE(sink->record(event_of("first")));
  EXPECT_TRUE(disk.text.starts_with("{}\n{\"half\n{\"number\":1,")) << disk.text;
  disk.removed = true;
  ASSERT_TRUE(sink->record(event_of("second")));
  EXPECT_EQ(disk.opened, 2);
  EXPECT_EQ(whole_lines(disk.text), 1u);
}

TEST(AuditSink, AfterHalfALineToAnOutputTheNextBeginsAnew) {
  Disk disk;
  const auto sink = make_output_sink(std::make_unique<FakeFile>(disk));
  disk.room = 30;
  EXPECT_FALSE(sink->record(event_of("lost")));
  EXPECT_EQ(disk.text.size(), 30u);
  disk.room = 1 << 20;
  EXPECT_TRUE(sink->record(event_of("whole")));
  EXPECT_EQ(disk.text[30], '\n');
  EXPECT_EQ(whole_lines(disk.text.substr(31)), 1u);
}

}  // namespace
}  // namespace penstock::protocol
