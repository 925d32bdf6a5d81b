// ATK-28: audit files where Linux has real limits, small disks, links, FIFOs, other users and half-taken writes.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "tests/crypto/child_linux.hpp"
#include "tests/protocol/audit_file_testing.hpp"
#include "tests/protocol/policy_testing.hpp"

namespace penstock {
namespace {

using test::contents_of;
using test::event_of;
using test::events_of;
using test::mentions;
using test::refusal;

TEST(AuditFile, AFileThatWasDeletedIsMadeAnew) {
  const test::Scratch scratch;
  const auto path = scratch / "audit.jsonl";
  const auto sink = *open_json_audit(path);
  ASSERT_TRUE(sink->record(event_of("before")));
  std::filesystem::remove(path);
  ASSERT_TRUE(sink->record(event_of("after")));
  ASSERT_EQ(events_of(path).size(), 1u);
  EXPECT_EQ(events_of(path)[0]["number"], 2);
  // Where it cannot be made anew, nothing vanishes silently.
  std::filesystem::remove(path);
  test::set_mode(scratch.path(), 0777);
  EXPECT_FALSE(sink->record(event_of("nowhere")));
  test::set_mode(scratch.path(), 0700);
  EXPECT_TRUE(sink->record(event_of("again")));
}

TEST(Atk28, AnAuditFileThatIsALinkOrNoFileIsRefused) {
  const test::Scratch scratch;
  const auto good = scratch.write("audit.jsonl", "", 0644);
  std::filesystem::create_symlink(good, scratch / "link");
  EXPECT_TRUE(mentions(refusal(scratch / "link"), "symbolic link"));
  ASSERT_EQ(::mkfifo((scratch / "fifo").c_str(), 0600), 0);
  EXPECT_TRUE(mentions(refusal(scratch / "fifo"), "not a regular file"));
  EXPECT_NE(refusal("/dev/full"), "");
}

TEST(Atk28, AnAuditFileOfAnotherUserIsRefused) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to give a file away";
  const test::Scratch scratch;
  const auto path = scratch.write("audit.jsonl", "", 0600);
  ASSERT_EQ(::chown(path.c_str(), 54322, 0), 0);
  EXPECT_TRUE(mentions(refusal(path), "belongs to user 54322"));
}

TEST(Atk28, AnAuditFileThatARealOtherProcessWritesIsRefused) {
  const test::Scratch scratch;
  const auto path = scratch / "audit.jsonl";
  auto first = open_json_audit(path);
  ASSERT_TRUE(first);
  const auto ending = test::in_child([&] { return mentions(refusal(path), "Another process") ? 0 : 1; });
  EXPECT_TRUE(ending.exited_with(0));
  first->reset();
  EXPECT_EQ(refusal(path), "");
}

// A child, because SIGXFSZ and the limit are the whole process's. `limit` is where in the second line the disk ends.
int fill_file(const std::string& path, rlim_t limit) {
  std::signal(SIGXFSZ, SIG_IGN);
  const auto sink = open_json_audit(path);
  if (!sink || !(*sink)->record(event_of("kept"))) return 1;
  const auto before = contents_of(path);
  rlimit most{};
  ::getrlimit(RLIMIT_FSIZE, &most);
  rlimit less = most;
  less.rlim_cur = before.size() + limit;
  if (::setrlimit(RLIMIT_FSIZE, &less) != 0) return 2;
  for (int attempt = 0; attempt < 3; ++attempt) {
    const auto kept = (*sink)->record(event_of("lost"));
    if (kept || !(kept.error() == Error::audit_unavailable)) return 3;
    if (contents_of(path) != before) return 4;
  }
  if (::setrlimit(RLIMIT_FSIZE, &most) != 0) return 5;
  if (!(*sink)->record(event_of("room again"))) return 6;
  const auto events = events_of(path);
  if (events.size() != 2 || events[1]["detail"] != "room again") return 7;
  // The three that were lost left a gap in the numbers.
  return events[1]["number"] == 5 ? 0 : 8;
}

TEST(Atk28, HalfALineIsTakenBackWhereverTheLimitCutsIt) {
  const test::Scratch scratch;
  for (const rlim_t limit : {0u, 1u, 2u, 17u, 60u}) {
    const auto path = scratch / ("audit-" + std::to_string(limit));
    const auto ending = test::in_child([&] { return fill_file(path, limit); });
    EXPECT_TRUE(ending.exited_with(0)) << limit << " ended with " << WEXITSTATUS(ending.status);
  }
}

// A real file system of 64 KiB, filled until it takes no more.
int fill_disk(const std::string& directory) {
  const auto path = directory + "/audit.jsonl";
  const auto sink = open_json_audit(path);
  if (!sink) return 1;
  std::size_t kept = 0;
  while ((*sink)->record(event_of(std::string(1000, 'x')))) {
    if (++kept > 1000) return 2;
  }
  if (kept == 0 || (*sink)->record(event_of(std::string(4000, 'y')))) return 3;
  if (events_of(path).size() != kept) return 4;
  // Room again: somebody has taken another file away.
  if (::unlink((directory + "/ballast").c_str()) != 0) return 5;
  if (!(*sink)->record(event_of("room again"))) return 6;
  const auto events = events_of(path);
  return events.size() == kept + 1 && events.back()["detail"] == "room again" ? 0 : 7;
}

TEST(Atk28, AFullDiskFailsTheSinkAndLeavesOnlyWholeLines) {
  const test::Scratch scratch;
  std::filesystem::create_directory(scratch / "disk");
  if (::mount("tmpfs", (scratch / "disk").c_str(), "tmpfs", 0, "size=64k,mode=0700") != 0) {
    GTEST_SKIP() << "needs the right to mount; the limit on file sizes is tested in any case";
  }
  scratch.write("disk/ballast", std::string(20000, 'b'), 0600);
  const auto ending = test::in_child([&] { return fill_disk(scratch / "disk"); });
  ::umount2((scratch / "disk").c_str(), MNT_DETACH);
  EXPECT_TRUE(ending.exited_with(0)) << WEXITSTATUS(ending.status);
}

TEST(Atk28, AnOutputThatTakesNothingFailsTheSink) {
  const Handle full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  const auto kept = json_audit_to(full.get())->record(event_of("lost"));
  ASSERT_FALSE(kept);
  EXPECT_EQ(kept.error().code(), Error::audit_unavailable);
}

TEST(AuditHandle, AfterHalfALineTheNextBeginsAnew) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
  const Handle reader(ends[0]);
  const Handle writer(ends[1]);
  ASSERT_EQ(::fcntl(writer.get(), F_SETPIPE_SZ, 4096), 4096);
  std::string filler(4096 - 100, '.');
  filler.back() = '\n';
  ASSERT_EQ(::write(writer.get(), filler.data(), filler.size()), static_cast<ssize_t>(filler.size()));
  const auto sink = json_audit_to(writer.get());
  // A pipe takes lines above PIPE_BUF in part, and a full one takes nothing.
  const auto lost = sink->record(event_of(std::string(4096, 'x') + std::string(1000, 'y')));
  EXPECT_FALSE(lost);
  std::string taken(65536, '\0');
  const auto first = ::read(reader.get(), taken.data(), taken.size());
  ASSERT_GT(first, 0);
  const auto half = std::string(taken.data(), static_cast<std::size_t>(first)).substr(filler.size());
  ASSERT_TRUE(sink->record(event_of("whole")));
  const auto second = ::read(reader.get(), taken.data(), taken.size());
  ASSERT_GT(second, 0);
  const std::string rest(taken.data(), static_cast<std::size_t>(second));
  EXPECT_EQ(rest.starts_with('\n'), !half.empty());
  EXPECT_TRUE(nlohmann::json::accept(rest)) << rest;
}

}  // namespace
}  // namespace penstock
