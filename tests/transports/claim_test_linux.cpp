// One name, one live listener: the second one, the crashed one, the race, and what stands there afterwards (ATK-01,
// ATK-08).
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>

#include "tests/transports/testing_linux.hpp"
#include "transports/name_claim.hpp"

namespace penstock::transport {
namespace {

using namespace testing;

unsigned mode_of(const std::string& path) {
  struct stat status{};
  return ::lstat(path.c_str(), &status) == 0 ? status.st_mode : 0;
}

ino_t inode_of(const std::string& path) {
  struct stat status{};
  return ::lstat(path.c_str(), &status) == 0 ? status.st_ino : 0;
}

Handle bind_plain(const std::string& path, int type = SOCK_STREAM) {
  Handle socket(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) socket.reset();
  return socket;
}

TEST(Atk08, SocketAndLockAreExactlyAsMeantUnderAnyUmask) {
  for (const unsigned mask : {0u, 022u, 077u, 0777u}) {
    for (const Scope scope : {Scope::user, Scope::machine}) {
      const ScratchDirectory scratch;
      const auto before = ::umask(mask);
      const auto listener = PipeListener::open(endpoint_in(scratch.path(), scope), 1);
      ::umask(before);
      ASSERT_TRUE(listener.has_value()) << sentence_of(listener.error());
      struct stat status{};
      ASSERT_EQ(::lstat((scratch.path() + "/helper.sock").c_str(), &status), 0);
      EXPECT_EQ(status.st_mode, static_cast<unsigned>(S_IFSOCK) | (scope == Scope::machine ? 0666u : 0600u));
      EXPECT_EQ(status.st_uid, ::geteuid());
      EXPECT_EQ(mode_of(scratch.path() + "/helper.lock"), static_cast<unsigned>(S_IFREG) | 0600u);
      EXPECT_EQ(mode_of(scratch.path()), static_cast<unsigned>(S_IFDIR) | 0755u);
    }
  }
}

TEST(Atk08, AnythingElseAtTheNameIsNotTheSocketThatWasBound) {
  const unsigned socket = S_IFSOCK;
  EXPECT_TRUE(check_bound_socket({socket | 0600, 7}, 7, 0600, "/x").has_value());
  for (const auto& facts :
       {EntryFacts{socket | 0666, 7}, EntryFacts{socket | 0400, 7}, EntryFacts{socket | 04600, 7},
        EntryFacts{socket | 0600, 8}, EntryFacts{S_IFREG | 0600, 7}, EntryFacts{S_IFLNK | 0600, 7}}) {
    EXPECT_EQ(check_bound_socket(facts, 7, 0600, "/x").error(), Error::socket_unsafe);
  }
}

TEST(Atk01, ASecondInstanceOfTheSameUserRefusesAndTheFirstStaysReachable) {
  const ScratchDirectory scratch;
  const auto endpoint = endpoint_in(scratch.path());
  WaitingListener first(endpoint);
  const auto inode = inode_of(scratch.path() + "/helper.sock");
  Process second([&] {
    const auto opened = PipeListener::open(endpoint, 1);
    const bool names_holder =
        !opened && sentence_of(opened.error()).find(std::to_string(::getppid())) != std::string::npos;
    return !opened && opened.error() == Error::name_in_use && names_holder ? 0 : 1;
  });
  EXPECT_EQ(second.wait(), 0);
  EXPECT_EQ(inode_of(scratch.path() + "/helper.sock"), inode);
  Process client([&] { return connect_and_stay(endpoint); });
  EXPECT_TRUE(first.accept().has_value());
  EXPECT_EQ(client.wait(), 0);
}

TEST(Atk01, ASecondInstanceOfAnotherUserRefuses) {
  if (!is_root()) GTEST_SKIP() << "needs root, to become another user";
  const ScratchDirectory scratch;
  const auto endpoint = endpoint_in(scratch.path());
  const WaitingListener first(endpoint);
  Process second([&] {
    become(nobody);
    const auto opened = PipeListener::open(endpoint, 1);
    return !opened && opened.error() == Error::permission_denied ? 0 : 1;
  });
  EXPECT_EQ(second.wait(), 0);
  EXPECT_TRUE(S_ISSOCK(mode_of(scratch.path() + "/helper.sock")));
}

TEST(Atk01, ALiveSocketWithoutALockIsNeverUnlinked) {
  const ScratchDirectory scratch;
  const auto path = scratch.path() + "/helper.sock";
  const auto squatter = bind_plain(path);
  ASSERT_EQ(::listen(squatter.get(), 0), 0);
  const auto inode = inode_of(path);
  for (int i = 0; i < 3; ++i) {  // the backlog fills up with our own probes: still alive
    EXPECT_EQ(PipeListener::open(endpoint_in(scratch.path()), 1).error(), Error::name_in_use);
    EXPECT_EQ(inode_of(path), inode);
  }
}

TEST(Atk01, WhatIsNoSocketOfOursIsNeverUnlinked) {
  const ScratchDirectory scratch;
  const auto path = scratch.path() + "/helper.sock";
  const auto refused = [&] {
    const auto before = inode_of(path);
    EXPECT_EQ(PipeListener::open(endpoint_in(scratch.path()), 1).error(), Error::socket_unsafe);
    EXPECT_EQ(inode_of(path), before);
    std::filesystem::remove(path);
  };
  ASSERT_TRUE(Handle(::open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600)).valid());
  refused();
  ASSERT_EQ(::symlink("/nowhere", path.c_str()), 0);
  refused();
  ASSERT_EQ(::mkdir(path.c_str(), 0700), 0);
  refused();
  const auto datagrams = bind_plain(path, SOCK_DGRAM);
  refused();
  if (!is_root()) return;
  bind_plain(path).reset();
  ASSERT_EQ(::chown(path.c_str(), nobody, nobody), 0);
  refused();
}

TEST(Atk01, StrangeLockFilesAreRefused) {
  const ScratchDirectory scratch;
  const auto path = scratch.path() + "/helper.lock";
  const auto target = scratch.path() + "/target";
  ASSERT_EQ(::symlink(target.c_str(), path.c_str()), 0);
  EXPECT_EQ(PipeListener::open(endpoint_in(scratch.path()), 1).error(), Error::socket_unsafe);
  EXPECT_FALSE(std::filesystem::exists(target));
  std::filesystem::remove(path);
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);  // must not hang, either
  EXPECT_EQ(PipeListener::open(endpoint_in(scratch.path()), 1).error(), Error::socket_unsafe);
  EXPECT_FALSE(std::filesystem::exists(scratch.path() + "/helper.sock"));
}

TEST(Atk01, ACrashedListenersLeftoversNeverBlockARestart) {
  const ScratchDirectory scratch;
  const auto endpoint = endpoint_in(scratch.path());
  for (int i = 0; i < 100; ++i) {
    const Gate ready;
    Process helper([&] {
      const auto listener = PipeListener::open(endpoint, 1);
      ready.tell(listener ? 1 : 0);
      ::pause();
      return 0;
    });
    ASSERT_EQ(ready.wait(), 1) << "restart " << i;
    helper.kill();
    ASSERT_TRUE(S_ISSOCK(mode_of(scratch.path() + "/helper.sock")));
  }
}

TEST(Atk01, OfEightListenersAtOnceExactlyOneWins) {
  const ScratchDirectory scratch;
  const auto endpoint = endpoint_in(scratch.path());
  for (int round = 0; round < 10; ++round) {
    const Gate results;
    Gate start;
    Gate stop;
    std::vector<std::unique_ptr<Process>> racers;
    for (int i = 0; i < 8; ++i) {
      racers.push_back(std::make_unique<Process>([&] {
        start.only_wait();
        static_cast<void>(start.wait());  // all at once, when the parent drops its end
        const auto listener = PipeListener::open(endpoint, 1);
        const auto answer = listener ? Error::none : listener.error().code();
        results.tell(static_cast<std::int64_t>(answer));
        stop.only_wait();
        static_cast<void>(stop.wait());
        return 0;
      }));
    }
    start.only_wait();
    int winners = 0;
    for (int i = 0; i < 8; ++i) {
      const auto answer = static_cast<Error>(results.wait());
      if (answer == Error::none) ++winners;
      if (answer != Error::none) {
        EXPECT_EQ(answer, Error::name_in_use);
      }
    }
    EXPECT_EQ(winners, 1);
    stop.only_wait();
    for (auto& racer : racers) EXPECT_EQ(racer->wait(), 0);
  }
}

// Three processes claim one name in turns, and whoever lets go removes the lock file: another may have opened the
// removed one just before, and must notice that its lock is worth nothing. A marker that is never there twice shows who
// holds the name.
TEST(Atk01, ALockOnARemovedFileIsNoClaim) {
  const ScratchDirectory scratch;
  const auto lock_path = scratch.path() + "/helper.lock";
  const auto marker = scratch.path() + "/marker";
  std::vector<std::unique_ptr<Process>> claimants;
  for (int i = 0; i < 3; ++i) {
    claimants.push_back(std::make_unique<Process>([&] {
      const Handle directory(::open(scratch.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
      for (int held = 0; held < 2000;) {
        const auto lock = lock_name(directory, "helper.lock", lock_path);
        if (!lock) continue;
        ++held;
        if (!Handle(::open(marker.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600))) return 1;
        if (::unlink(marker.c_str()) != 0 || ::unlink(lock_path.c_str()) != 0) return 2;
      }
      return 0;
    }));
  }
  for (auto& claimant : claimants) EXPECT_EQ(claimant->wait(), 0);
}

TEST(Claim, CloseRemovesTheNameAndFreesItAtOnce) {
  const ScratchDirectory scratch;
  const auto endpoint = endpoint_in(scratch.path());
  auto first = PipeListener::open(endpoint, 1);
  ASSERT_TRUE(first.has_value());
  (*first)->close();
  (*first)->close();
  EXPECT_EQ(mode_of(scratch.path() + "/helper.sock"), 0u);
  EXPECT_EQ((*first)->accept().error(), Error::closed);
  EXPECT_EQ(connect_to(endpoint).error(), Error::not_found);
  EXPECT_TRUE(PipeListener::open(endpoint, 1).has_value());
}

TEST(Atk11, CloseLeavesWhatAnotherPutAtTheName) {
  const ScratchDirectory scratch;
  const auto path = scratch.path() + "/helper.sock";
  auto listener = PipeListener::open(endpoint_in(scratch.path()), 1);
  ASSERT_TRUE(listener.has_value());
  ASSERT_EQ(::unlink(path.c_str()), 0);
  // The number of the removed inode could be given out again at once, so it stays in use.
  const auto rebound = bind_plain(path);
  const auto inode = inode_of(path);
  (*listener)->close();
  EXPECT_EQ(inode_of(path), inode);
}

TEST(Claim, AForkedChildsCopyRemovesNothing) {
  const ScratchDirectory scratch;
  const auto endpoint = endpoint_in(scratch.path());
  auto listener = std::make_unique<WaitingListener>(endpoint);
  Process child([&] {
    listener.reset();
    return 0;
  });
  EXPECT_EQ(child.wait(), 0);
  EXPECT_TRUE(S_ISSOCK(mode_of(scratch.path() + "/helper.sock")));
  Process second([&] { return PipeListener::open(endpoint, 1).error() == Error::name_in_use ? 0 : 1; });
  EXPECT_EQ(second.wait(), 0);
  Process client([&] { return connect_and_stay(endpoint); });
  EXPECT_TRUE(listener->accept().has_value());  // the reactor that parent and child shared still works
  EXPECT_EQ(client.wait(), 0);
}

}  // namespace
}  // namespace penstock::transport
