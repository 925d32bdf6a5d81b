// Identities of real processes: of another user, of one that has gone, of one whose number another has now.
#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <linux/sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <optional>

#include "tests/transports/testing_linux.hpp"
#include "transports/os_peer_linux.hpp"
#include "transports/proc_linux.hpp"

namespace penstock::transport {
namespace {

using namespace testing;

TEST(Identity, OfThisProcess) {
  const auto own = own_identity();
  ASSERT_TRUE(own.has_value()) << sentence_of(own.error());
  EXPECT_EQ(own->strength, Strength::pinned);
  EXPECT_EQ(own->pid, ::getpid());
  EXPECT_EQ(own->uid, ::geteuid());
  EXPECT_EQ(own->gid, ::getegid());
  EXPECT_TRUE(own->check_alive().has_value());
  EXPECT_TRUE(own->check_same_program().has_value());
  ASSERT_TRUE(own->executable.has_value());
  EXPECT_EQ(own->executable->path, std::filesystem::read_symlink("/proc/self/exe"));
  const Handle pidfd(static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0)));
  EXPECT_EQ(own->process_key, pidfd_key(pidfd.get()));
  EXPECT_NE(own->process_key, 0u);
  EXPECT_NE(own->describe().find("(pinned)"), std::string::npos);
}

TEST(Identity, DescriptionsHoldNoControlCharacters) {
  PeerIdentity peer;
  peer.executable = Executable{"/tmp/\x1b[2Jevil\n", 1, 2, {}};
  EXPECT_EQ(peer.describe(), "pid 0 (claimed) user 0 group 0 /tmp/?[2Jevil?");
}

TEST(Identity, BothEndsSeeTheSameNumberForTheSameProcess) {
  const ScratchDirectory scratch;
  WaitingListener listener(endpoint_in(scratch.path()));
  const Gate keys;
  Process client([&] {
    const auto carrier = connect_to(endpoint_in(scratch.path()));
    if (!carrier) return 1;
    keys.tell(static_cast<std::int64_t>((*carrier)->self().process_key));
    keys.tell(static_cast<std::int64_t>((*carrier)->peer().process_key));
    keys.tell((*carrier)->peer().pid);
    static_cast<void>(receive_text(**carrier, 1));
    return 0;
  });
  const auto carrier = listener.accept();
  ASSERT_TRUE(carrier.has_value());
  EXPECT_EQ(static_cast<std::uint64_t>(keys.wait()), (*carrier)->peer().process_key);
  EXPECT_EQ(static_cast<std::uint64_t>(keys.wait()), (*carrier)->self().process_key);
  EXPECT_EQ(keys.wait(), ::getpid());
  EXPECT_EQ((*carrier)->peer().pid, client.pid());
}

TEST(Identity, OfAClientOfAnotherUser) {
  if (!is_root()) GTEST_SKIP() << "needs root, to become another user";
  const ScratchDirectory scratch;
  WaitingListener listener(endpoint_in(scratch.path()));
  Process client([&] {
    const std::array<gid_t, 3> groups{300, 100, 200};
    if (::setgroups(groups.size(), groups.data()) != 0 || ::setgid(1234) != 0 || ::setuid(nobody) != 0) return 1;
    return connect_and_stay(endpoint_in(scratch.path()));
  });
  const auto carrier = listener.accept();
  ASSERT_TRUE(carrier.has_value());
  const auto& peer = (*carrier)->peer();
  EXPECT_EQ(peer.strength, Strength::pinned);
  EXPECT_EQ(peer.pid, client.pid());
  EXPECT_EQ(peer.uid, nobody);
  EXPECT_EQ(peer.gid, 1234u);
  EXPECT_EQ(peer.groups, (std::vector<std::uint32_t>{100, 200, 300}));
  ASSERT_TRUE(peer.executable.has_value());
  struct stat status{};
  ASSERT_EQ(::stat("/proc/self/exe", &status), 0);
  EXPECT_EQ(peer.executable->device, status.st_dev);
  EXPECT_EQ(peer.executable->inode, status.st_ino);
  const Handle self(::open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC));
  const auto own = read_process_facts(self);
  EXPECT_EQ(peer.cgroup, own.cgroup);
  EXPECT_EQ(peer.login_uid, own.login_uid);
  EXPECT_EQ(peer.login_session, own.login_session);
  EXPECT_EQ((*carrier)->self().uid, 0u);
}

// The helper runs as root and serves nobody; and the other way round, nobody sees who root is but not what it runs.
TEST(Identity, OfARootServerAsNobodySeesIt) {
  if (!is_root()) GTEST_SKIP() << "needs root, to become another user";
  const ScratchDirectory scratch;
  WaitingListener listener(endpoint_in(scratch.path()));
  Process client([&] {
    become(nobody);
    const auto carrier = connect_to(endpoint_in(scratch.path()));
    if (!carrier) return 1;
    const auto& server = (*carrier)->peer();
    const bool right =
        server.strength == Strength::pinned && server.uid == 0 && server.pid == ::getppid() && !server.executable;
    static_cast<void>(receive_text(**carrier, 1));
    return right && server.executable_sha256().error() == Error::unsupported && server.check_same_program() ? 0 : 2;
  });
  EXPECT_TRUE(listener.accept().has_value());
  EXPECT_EQ(client.wait(), 0);
}

TEST(Identity, DigestIsThatOfTheProgramsFile) {
  const auto own = own_identity();
  ASSERT_TRUE(own.has_value());
  const auto digest = own->executable_sha256();
  ASSERT_TRUE(digest.has_value()) << sentence_of(digest.error());
  const ScratchDirectory scratch;
  const auto out = scratch.path() + "/digest";
  const auto command = "sha256sum '" + own->executable->path + "' > " + out;
  ASSERT_EQ(std::system(command.c_str()), 0);
  std::string expected;
  std::ifstream(out) >> expected;
  EXPECT_EQ(*digest, expected);
}

/// A client that connects, waits to be told, and then runs `next`.
class Client {
 public:
  Client(const Endpoint& endpoint, const std::function<int()>& next)
      : process_([&] {
          const auto carrier = connect_to(endpoint);
          if (!carrier) return 1;
          connected_.tell();
          static_cast<void>(go_.wait());
          return next();
        }) {
    EXPECT_EQ(connected_.wait(), 0);
  }
  Process& process() { return process_; }
  void go() const { go_.tell(); }

 private:
  Gate connected_, go_;
  Process process_;
};

TEST(Atk05, AnotherProgramInTheSameProcessIsSeen) {
  const ScratchDirectory scratch;
  WaitingListener listener(endpoint_in(scratch.path()));
  Client client(endpoint_in(scratch.path()), [] {
    ::execl("/bin/sleep", "sleep", "1000", nullptr);
    return 1;
  });
  const auto carrier = listener.accept();
  ASSERT_TRUE(carrier.has_value());
  const auto& peer = (*carrier)->peer();
  EXPECT_TRUE(peer.check_same_program().has_value());
  client.go();
  while (std::filesystem::read_symlink("/proc/" + std::to_string(peer.pid) + "/exe").filename() !=
         std::filesystem::canonical("/bin/sleep").filename()) {
    ::sched_yield();
  }
  EXPECT_TRUE(peer.check_alive().has_value());
  EXPECT_EQ(peer.check_same_program().error(), Error::peer_changed);
  EXPECT_EQ(peer.executable_sha256().error(), Error::peer_changed);
}

TEST(Atk06, APeerThatEndedBeforeAcceptIsGone) {
  const ScratchDirectory scratch;
  WaitingListener listener(endpoint_in(scratch.path()));
  for (const bool reaped : {true, false}) {
    Client client(endpoint_in(scratch.path()), [] { return 0; });
    client.go();
    siginfo_t info{};
    // Reaped or still a zombie: it is gone.
    ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(client.process().pid()), &info, WEXITED | WNOWAIT), 0);
    if (reaped) client.process().wait();
    EXPECT_EQ(listener.accept().error(), Error::peer_gone);
  }
}

TEST(Atk06, AHeldIdentityNoticesTheEnd) {
  const ScratchDirectory scratch;
  WaitingListener listener(endpoint_in(scratch.path()));
  Client client(endpoint_in(scratch.path()), [] { return 0; });
  const auto carrier = listener.accept();
  ASSERT_TRUE(carrier.has_value());
  const auto& peer = (*carrier)->peer();
  EXPECT_TRUE(peer.check_alive().has_value());
  client.go();
  siginfo_t info{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(client.process().pid()), &info, WEXITED | WNOWAIT), 0);
  EXPECT_EQ(peer.check_alive().error(), Error::peer_gone);  // a zombie still has its number
  client.process().wait();
  EXPECT_EQ(peer.check_alive().error(), Error::peer_gone);
  EXPECT_EQ(peer.check_same_program().error(), Error::peer_gone);
  EXPECT_EQ(peer.executable_sha256().error(), Error::peer_gone);
}

TEST(Atk06, AServerThatEndedIsGone) {
  const ScratchDirectory scratch;
  Gate end;
  Process server([&]() -> int {
    auto listener = PipeListener::open(endpoint_in(scratch.path()), 4);
    // The listening socket outlives its process in a child, so that connect(2) still succeeds.
    if (::fork() == 0) {
      end.only_wait();
      static_cast<void>(end.wait());
    }
    ::_exit(listener ? 0 : 1);
  });
  EXPECT_EQ(server.wait(), 0);
  EXPECT_EQ(connect_to(endpoint_in(scratch.path())).error(), Error::peer_gone);
}

/// A process with exactly this number, as only who may write checkpoints can ask for. It waits to be killed.
int process_with_number(pid_t number) {
  std::array<pid_t, 1> wanted{number};
  clone_args how{};
  how.exit_signal = SIGCHLD;
  how.set_tid = reinterpret_cast<std::uintptr_t>(wanted.data());
  how.set_tid_size = wanted.size();
  const auto pid = ::syscall(SYS_clone3, &how, sizeof how);
  if (pid == 0) {
    for (;;) ::pause();
  }
  return static_cast<int>(pid);
}

// A real process connects and ends; a real impostor gets its number; the number is all that a naive helper would look
// at.
TEST(Atk04Race, AReusedNumberIsNotBelieved) {
  if (!is_root()) GTEST_SKIP() << "needs root, to choose a process's number";
  const ScratchDirectory scratch;
  WaitingListener listener(endpoint_in(scratch.path()));
  int reused = 0;
  for (int i = 0; i < 20; ++i) {
    const bool before_accept = i % 2 == 0;
    Client client(endpoint_in(scratch.path()), [] { return 0; });
    const auto number = client.process().pid();
    std::optional<result<std::unique_ptr<Carrier>>> held;
    if (!before_accept) held.emplace(listener.accept());
    client.go();
    client.process().wait();
    const int impostor = process_with_number(number);
    // Another process of this machine may have been given the number first; then that one is the impostor.
    ASSERT_EQ(::kill(number, 0), 0);
    if (impostor == number) ++reused;
    if (before_accept) {
      EXPECT_EQ(listener.accept().error(), Error::peer_gone);
    } else {
      ASSERT_TRUE(held->has_value());
      const auto& peer = (**held)->peer();
      EXPECT_EQ(peer.pid, number);
      EXPECT_EQ(peer.check_alive().error(), Error::peer_gone);
      EXPECT_EQ(peer.check_same_program().error(), Error::peer_gone);
      EXPECT_EQ(peer.executable_sha256().error(), Error::peer_gone);
      EXPECT_FALSE(open_process_directory(peer.process.get()).valid());
    }
    if (impostor <= 0) continue;
    ::kill(impostor, SIGKILL);
    ASSERT_EQ(::waitpid(impostor, nullptr, 0), impostor);
  }
  EXPECT_GT(reused, 0);
}

}  // namespace
}  // namespace penstock::transport
