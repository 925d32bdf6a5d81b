// An application and the helper it starts: what the helper has, what each knows of the other, and what is refused.
#include "transports/inherited.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "tests/transports/testing_linux.hpp"
#include "transports/spawn.hpp"

namespace penstock::transport {
namespace {

using namespace testing;

const std::string program = PENSTOCK_TEST_CHILD;

std::string next_text(Carrier& carrier) {
  std::string text;
  for (;;) {
    const auto byte = receive_text(carrier, 1);
    if (byte.empty() || byte[0] == '\0') return text;
    text += byte;
  }
}

int wait_for(const Launched& launched) {
  siginfo_t info{};
  EXPECT_EQ(::waitid(P_PIDFD, static_cast<id_t>(launched.process.get()), &info, WEXITED), 0);
  return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}

TEST(Atk21, TheHelperHasExactlyWhatItWasGiven) {
  // Two hundred descriptors that any exec would hand on, a signal that is ignored and one that is blocked.
  std::vector<Handle> leaks;
  for (int i = 0; i < 200; ++i) leaks.emplace_back(::dup(0));
  const auto before = ::signal(SIGPIPE, SIG_IGN);
  sigset_t blocked;
  sigset_t mask;
  ::sigemptyset(&blocked);
  ::sigaddset(&blocked, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &blocked, &mask);
  ASSERT_EQ(::setenv("PENSTOCK_TEST_LEAK", "1", 1), 0);

  auto launched = launch({program, {"one", "two words"}, {"NAME=value", "EMPTY="}});
  sigset_t after;
  ::pthread_sigmask(SIG_SETMASK, &mask, &after);
  ::signal(SIGPIPE, before);
  ASSERT_TRUE(launched.has_value()) << sentence_of(launched.error());
  EXPECT_EQ(::sigismember(&after, SIGTERM), 1);
  EXPECT_EQ(::sigismember(&after, SIGINT), 0);
  auto& carrier = *launched->carrier;
  EXPECT_EQ(carrier.traits().id, 2);

  EXPECT_EQ(next_text(carrier), "0 1 2 3 4 ");
  std::string ours;
  for (const char* path : {"/proc/self/fd/0", "/proc/self/fd/1", "/proc/self/fd/2"}) {
    ours += std::filesystem::read_symlink(path).string() + '\n';
  }
  EXPECT_EQ(next_text(carrier), ours);
  EXPECT_EQ(next_text(carrier), "NAME=value\nEMPTY=\nPENSTOCK_LAUNCH=3,4\n");
  EXPECT_EQ(next_text(carrier), "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
  const auto adopted =
      next_text(carrier);  // 3, and the child's handles on both ends' processes, but no 4 of the launch
  EXPECT_TRUE(adopted.starts_with("0 1 2 3 ")) << adopted;
  EXPECT_EQ(next_text(carrier), "cleared");
  EXPECT_EQ(next_text(carrier), "refused");
  EXPECT_EQ(next_text(carrier), "0 1 2 ");
  EXPECT_EQ(next_text(carrier), std::to_string(::getpid()) + ' ' + std::to_string(carrier.self().process_key));
  EXPECT_EQ(next_text(carrier), std::to_string(carrier.peer().process_key));
  EXPECT_EQ(next_text(carrier), "one|two words|");
  const auto secret = receive_text(carrier, 32);
  EXPECT_TRUE(std::ranges::equal(as_bytes(secret), launched->secret.bytes()));
  EXPECT_NE(secret, std::string(32, '\0'));
  carrier.close();
  EXPECT_EQ(wait_for(*launched), 42);
}

TEST(Inherited, TheChildsIdentityIsThatOfTheClone) {
  auto launched = launch({program, {}, {}});
  ASSERT_TRUE(launched.has_value());
  const auto& child = launched->carrier->peer();
  EXPECT_EQ(child.pid, launched->pid);
  EXPECT_EQ(child.strength, Strength::pinned);
  EXPECT_EQ(child.uid, ::geteuid());
  EXPECT_EQ(child.gid, ::getegid());
  const auto own = own_identity();
  EXPECT_EQ(child.groups, own->groups);
  EXPECT_EQ(child.cgroup, own->cgroup);
  ASSERT_TRUE(child.executable.has_value());
  EXPECT_EQ(child.executable->path, program);
  EXPECT_NE(child.process_key, launched->carrier->self().process_key);
  HandleList handles;
  std::byte buffer[4096];
  const auto first = launched->carrier->receive(buffer, handles, Wait::yes);
  ASSERT_TRUE(first.has_value() && first->sender.has_value());
  EXPECT_EQ(first->sender->process_key, child.process_key);
  EXPECT_EQ(first->sender->uid, child.uid);
  launched->carrier->close();
  static_cast<void>(wait_for(*launched));
  EXPECT_EQ(child.check_alive().error(), Error::peer_gone);
}

TEST(Inherited, WhatCannotBeStartedSaysWhyAndLeavesNothing) {
  const ScratchDirectory scratch;
  const auto text = scratch.path() + "/text";
  ASSERT_TRUE(Handle(::open(text.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0755)).valid());
  const auto plain = scratch.path() + "/plain";
  ASSERT_TRUE(Handle(::open(plain.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0644)).valid());
  const auto before = open_descriptors();
  EXPECT_EQ(launch({scratch.path() + "/missing", {}, {}}).error(), Error::not_found);
  EXPECT_EQ(launch({plain, {}, {}}).error(), Error::permission_denied);
  EXPECT_EQ(launch({text, {}, {}}).error(), Error::invalid_argument);
  EXPECT_EQ(launch({"relative", {}, {}}).error(), Error::invalid_argument);
  EXPECT_EQ(launch({"", {}, {}}).error(), Error::invalid_argument);
  EXPECT_EQ(launch({program, {std::string("a\0b", 3)}, {}}).error(), Error::invalid_argument);
  for (const char* entry : {"NOVALUE", "=x", "PENSTOCK_LAUNCH=3,4"}) {
    EXPECT_EQ(launch({program, {}, {entry}}).error(), Error::invalid_argument) << entry;
  }
  EXPECT_EQ(open_descriptors(), before);
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);  // no child is left, not even a dead one
}

/// Starts the child with `secret` bytes in its pipe, or with something else in the places of 3 and 4.
int adopt_with(std::size_t secret, bool socket = true, bool writer_stays = false) {
  int ends[2];
  int sockets[2];
  if (::pipe2(ends, O_CLOEXEC) != 0 || ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0) return -1;
  const Handle reader(ends[0]);
  Handle writer(ends[1]);
  const Handle ours(sockets[0]);
  const Handle theirs(sockets[1]);
  const std::string bytes(secret, 's');
  if (::write(writer.get(), bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) return -1;
  if (!writer_stays) writer.reset();
  auto child = spawn({program,
                      {program, "--adopt-only"},
                      {"PENSTOCK_LAUNCH=3,4"},
                      socket ? theirs.get() : reader.get(),
                      reader.get()});
  if (!child) return -1;
  siginfo_t info{};
  ::waitid(P_PIDFD, static_cast<id_t>(child->process.get()), &info, WEXITED);
  return info.si_status;
}

TEST(Inherited, AdoptionTakesNothingButAWholeLaunch) {
  const int invalid = static_cast<int>(Error::launch_invalid);
  EXPECT_EQ(adopt_with(32), 0);
  EXPECT_EQ(adopt_with(0), invalid);
  EXPECT_EQ(adopt_with(31), invalid);
  EXPECT_EQ(adopt_with(33), invalid);
  EXPECT_EQ(adopt_with(32, false), invalid);
  EXPECT_EQ(adopt_with(32, true, true), invalid);  // somebody could still add to it; and it must not hang
  EXPECT_EQ(adopt_with(0, true, true), invalid);
}

TEST(Inherited, OtherDescriptorNumbersAreNotALaunch) {
  ASSERT_EQ(::setenv("PENSTOCK_LAUNCH", "3,5", 1), 0);
  EXPECT_EQ(adopt().error(), Error::launch_invalid);
  ASSERT_EQ(::unsetenv("PENSTOCK_LAUNCH"), 0);
}

TEST(Atk21, AParentWithoutStandardDescriptorsGivesItsChildSome) {
  const Gate result;
  Process parent([&] {
    // The kernel gives out the lowest numbers first: what the launch opens for itself must not become the child's
    // input.
    for (const int number : {0, 1, 2}) ::close(number);
    auto launched = launch({program, {}, {}});
    if (!launched) return 1;
    const auto listed = next_text(*launched->carrier);
    const auto standard = next_text(*launched->carrier);
    launched->carrier->close();
    if (listed != "0 1 2 3 4 ") return 2;
    if (standard != "/dev/null\n/dev/null\n/dev/null\n") return 3;
    return ::fcntl(0, F_GETFD) < 0 && ::fcntl(2, F_GETFD) < 0 ? 0 : 4;  // and ours are as they were
  });
  EXPECT_EQ(parent.wait(), 0);
}

TEST(Atk21, TheParentsOwnThreeAndFourDoNotGetInTheWay) {
  for (const bool taken : {true, false}) {
    Process parent([&] {
      for (const int number : {3, 4}) {
        const bool placed = taken ? ::dup2(0, number) == number : (::close(number), true);
        if (!placed) return 1;
      }
      auto launched = launch({program, {}, {}});
      if (!launched) return 2;
      const auto listed = next_text(*launched->carrier);
      launched->carrier->close();
      return listed == "0 1 2 3 4 " ? 0 : 3;
    });
    EXPECT_EQ(parent.wait(), 0);
  }
}

}  // namespace
}  // namespace penstock::transport
