// Directories that are refused before anything is bound or connected (ATK-11).
#include "transports/directory.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>

#include "tests/transports/testing_linux.hpp"

namespace penstock::transport {
namespace {

using namespace testing;

TEST(Atk11, WhoMayChangeADirectoryDecides) {
  struct Row {
    std::uint32_t owner;
    unsigned mode;
    bool last;
    bool safe;
  };
  const std::uint32_t servers[] = {2000};
  const TrustedUsers users{1000, servers};
  for (const auto& row :
       {Row{0, 0755, true, true}, Row{1000, 0700, true, true}, Row{2000, 0755, true, true}, Row{0, 0555, false, true},
        Row{3000, 0755, true, false}, Row{3000, 0700, false, false}, Row{0, 0777, true, false},
        Row{0, 0777, false, false}, Row{0, 0775, true, false}, Row{0, 0757, false, false}, Row{0, 01777, true, false},
        Row{0, 01777, false, true}, Row{1000, 01775, false, true}, Row{3000, 01777, false, false},
        Row{1000, 0770, true, false}}) {
    const auto checked = check_directory({row.owner, row.mode}, row.last, users, "/the/path");
    EXPECT_EQ(checked.has_value(), row.safe) << row.owner << ' ' << std::oct << row.mode << ' ' << row.last;
    if (row.safe) continue;
    EXPECT_EQ(checked.error(), Error::directory_unsafe);
    EXPECT_NE(sentence_of(checked.error()).find("/the/path"), std::string::npos);
  }
}

// Both sides refuse, and nothing appears in the directory.
void expect_refused(const std::string& path, Error expected, const std::string& named, Error to_connector) {
  const auto endpoint = endpoint_in(path);
  const auto opened = PipeListener::open(endpoint, 1);
  ASSERT_FALSE(opened.has_value()) << path;
  EXPECT_EQ(opened.error(), expected) << sentence_of(opened.error());
  EXPECT_NE(sentence_of(opened.error()).find(named), std::string::npos) << sentence_of(opened.error());
  const auto connected = connect_to(endpoint);
  ASSERT_FALSE(connected.has_value()) << path;
  EXPECT_EQ(connected.error(), to_connector) << sentence_of(connected.error());
}
void expect_refused(const std::string& path, Error expected, const std::string& named) {
  expect_refused(path, expected, named, expected);
}

TEST(Atk11, WorldWritableDirectoriesAreRefused) {
  const ScratchDirectory scratch;
  for (const unsigned mode : {0777u, 01777u, 0775u, 0757u, 02770u}) {
    const auto path = scratch.make("m" + std::to_string(mode), mode);
    expect_refused(path, Error::directory_unsafe, path);
    EXPECT_TRUE(std::filesystem::is_empty(path));
  }
}

TEST(Atk11, AWorldWritableParentIsRefused) {
  const ScratchDirectory scratch;
  const auto parent = scratch.make("open", 0777);
  const auto path = scratch.make("open/inner", 0700);
  expect_refused(path, Error::directory_unsafe, parent + " ");
}

TEST(Atk11, AStickyParentIsAcceptedForADirectoryOfOurs) {
  const ScratchDirectory scratch;
  const auto parent = scratch.make("drop", 01777);
  const auto listener = PipeListener::open(endpoint_in(scratch.make("drop/inner", 0700)), 1);
  EXPECT_TRUE(listener.has_value()) << sentence_of(listener.error());
}

TEST(Atk11, SymbolicLinksAreRefusedWhereverTheyStand) {
  const ScratchDirectory scratch;
  const auto real = scratch.make("real", 0755);
  const auto inner = scratch.make("real/inner", 0755);
  const auto link = scratch.path() + "/link";
  std::filesystem::create_directory_symlink(real, link);
  expect_refused(link, Error::directory_unsafe, link);
  expect_refused(link + "/inner", Error::directory_unsafe, link);
  EXPECT_TRUE(std::filesystem::is_empty(inner));
}

TEST(Directory, MissingOnesAndFilesHaveASentence) {
  const ScratchDirectory scratch;
  expect_refused(scratch.path() + "/missing/inner", Error::directory_unsafe, scratch.path() + "/missing", Error::not_found);
  const auto file = scratch.path() + "/file";
  ASSERT_TRUE(Handle(::open(file.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600)).valid());
  expect_refused(file, Error::directory_unsafe, file);
}

TEST(Atk11, AnotherUsersDirectoryIsRefusedUnlessThatUserIsAdmittedAsServer) {
  if (!is_root()) GTEST_SKIP() << "needs root, to make a directory of another user's";
  const ScratchDirectory scratch;
  const auto path = scratch.make("theirs", 0755, nobody);
  expect_refused(path, Error::directory_unsafe, path);
  const std::uint32_t admitted[] = {nobody};
  EXPECT_EQ(connect_to_users(endpoint_in(path), admitted).error(), Error::not_found);
}

TEST(Directory, LongerThanASocketAddressWorks) {
  const ScratchDirectory scratch;
  auto path = std::string("d");
  auto whole = scratch.make(path, 0755);
  while (whole.size() < 300) whole = scratch.make(path += "/ddddddddddddddddddddddddddddddd", 0755);
  WaitingListener listener(endpoint_in(whole, Scope::machine, std::string(64, 'n')));
  Process client([&] { return connect_and_stay(endpoint_in(whole, Scope::machine, std::string(64, 'n'))); });
  EXPECT_TRUE(listener.accept().has_value());
  EXPECT_EQ(client.wait(), 0);
}

TEST(Directory, ScopesOwnIsMadeWithExactlyItsMode) {
  const ScratchDirectory scratch;
  for (const unsigned mask : {0u, 077u, 0777u}) {
    const auto before = ::umask(mask);
    const auto path = scratch.path() + "/own" + std::to_string(mask);
    const auto made = make_directory({path + "/penstock/session-7", 3, 0700}, {::geteuid()});
    ::umask(before);
    ASSERT_TRUE(made.has_value()) << sentence_of(made.error());
    struct stat status{};
    ASSERT_EQ(::stat((path + "/penstock").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode, static_cast<unsigned>(S_IFDIR) | 0700u);
  }
  // One that is there with another mode is not mended but judged.
  const auto open = scratch.make("open", 0777);
  EXPECT_EQ(make_directory({open, 1, 0700}, {::geteuid()}).error(), Error::directory_unsafe);
  EXPECT_EQ(make_directory({scratch.path() + "/a/b", 1, 0700}, {::geteuid()}).error(), Error::not_found);
}

// The attacker owns a sticky directory's entry and turns it, as fast as it can, from a directory of its own into a link
// to a directory of ours and back. Whatever the moment: refused, and nothing is bound behind the link.
TEST(Atk11, ALinkSwappedInARaceIsNeverFollowed) {
  const ScratchDirectory scratch;
  const auto drop = scratch.make("drop", 01777);
  const auto target = scratch.make("target", 0700);
  const auto entry = drop + "/entry";
  const Gate started;
  Process attacker([&] {
    if (is_root()) become(nobody);
    const auto spare = drop + "/spare";
    const auto link = drop + "/link";
    if (::mkdir(entry.c_str(), 0777) != 0 || ::symlink(target.c_str(), link.c_str()) != 0) return 1;
    started.tell();
    // renameat2 with exchange: at no moment is nothing there.
    for (;;) {
      if (::renameat2(AT_FDCWD, entry.c_str(), AT_FDCWD, link.c_str(), RENAME_EXCHANGE) != 0) return 2;
    }
  });
  ASSERT_EQ(started.wait(), 0);
  int links = 0;
  int directories = 0;
  for (int i = 0; i < 20000 && (i < 2000 || links < 10 || directories < 10); ++i) {
    const auto opened = PipeListener::open(endpoint_in(entry), 1);
    const auto connected = connect_to(endpoint_in(entry));
    // Without root the attacker is our own user, so that its directory is a safe one, but what a link leads to still is
    // not.
    if (!opened && sentence_of(opened.error()).find("symbolic link") != std::string::npos) {
      ++links;
    } else {
      ++directories;
    }
    if (!is_root()) continue;
    ASSERT_FALSE(opened.has_value());
    ASSERT_EQ(opened.error(), Error::directory_unsafe);
    ASSERT_FALSE(connected.has_value());
    ASSERT_EQ(connected.error(), Error::directory_unsafe);
  }
  EXPECT_GT(links, 0);
  EXPECT_GT(directories, 0);
  EXPECT_TRUE(std::filesystem::is_empty(target));
  attacker.kill();
}

}  // namespace
}  // namespace penstock::transport
