// Users, processes and sessions that are not what their numbers say (ATK-10, ATK-23).
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <optional>

#include "tests/transports/testing_linux.hpp"
#include "transports/scope_check.hpp"

namespace penstock::transport {
namespace {

using namespace testing;

bool write_file(const char* path, const std::string& text) {
  const Handle file(::open(path, O_WRONLY | O_CLOEXEC));
  return file && ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

/// In a child: a user namespace in which one user and one group have the number 0, and nobody else has one.
bool enter_user_namespace(unsigned user, unsigned group) {
  // Having changed users, a process may not write its own files in /proc until it says so.
  return ::prctl(PR_SET_DUMPABLE, 1) == 0 && ::unshare(CLONE_NEWUSER) == 0 &&
         write_file("/proc/self/setgroups", "deny") &&
         write_file("/proc/self/uid_map", "0 " + std::to_string(user) + " 1") &&
         write_file("/proc/self/gid_map", "0 " + std::to_string(group) + " 1");
}

/// Without any of our checks; invalid when it fails.
Handle connect_plain(const std::string& path) {
  Handle socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return Handle();
  return socket;
}

/// Connects so and stays until the other end closes.
bool connect_plain_and_stay(const std::string& path) {
  const auto socket = connect_plain(path);
  char byte = 0;
  return socket && ::recv(socket.get(), &byte, 1, 0) <= 0;
}

TEST(Atk10, RootOfAUserNamespaceIsItsRealUser) {
  const ScratchDirectory scratch;
  WaitingListener listener(endpoint_in(scratch.path()));
  const Gate ready;
  Process client([&] {
    if (is_root()) become(nobody);
    const bool entered = enter_user_namespace(::geteuid(), ::getegid()) && ::geteuid() == 0;
    ready.tell(entered ? 1 : 0);
    return entered && connect_plain_and_stay(scratch.path() + "/helper.sock") ? 0 : 1;
  });
  if (ready.wait() != 1) GTEST_SKIP() << "this kernel lets no user make a user namespace";
  {
    const auto carrier = listener.accept();
    ASSERT_TRUE(carrier.has_value());
    EXPECT_EQ((*carrier)->peer().uid, is_root() ? nobody : ::geteuid());
    EXPECT_NE((*carrier)->peer().uid, 0u);
  }
  EXPECT_EQ(client.wait(), 0);
}

TEST(Atk10, AServerOutsideIsNotToldFromOthersInside) {
  const ScratchDirectory scratch;
  WaitingListener listener(endpoint_in(scratch.path()));
  const Gate ready;
  Process client([&] {
    if (is_root()) become(nobody);
    const bool entered = enter_user_namespace(::geteuid(), ::getegid());
    ready.tell(entered ? 1 : 0);
    // Root outside has no number inside: not even as an admitted user is it anybody.
    const std::array<std::uint32_t, 1> overflow{65534};
    const auto carrier = connect_to_users(endpoint_in(scratch.path()), overflow);
    return !carrier && carrier.error() == Error::peer_ambiguous ? 0 : 1;
  });
  if (ready.wait() != 1) GTEST_SKIP() << "this kernel lets no user make a user namespace";
  if (!is_root()) GTEST_SKIP() << "needs root, for a server whose user has no number inside";
  EXPECT_EQ(client.wait(), 0);
}

TEST(Atk10, AListenerInAUserNamespaceRefusesWhomItCannotTellApart) {
  if (!is_root()) GTEST_SKIP() << "needs root, for users without a number in the namespace";
  const ScratchDirectory scratch;
  const auto endpoint = endpoint_in(scratch.path());
  const Gate ready;
  Process helper([&] {
    if (!enter_user_namespace(0, 0)) return 1;
    WaitingListener listener(endpoint);
    ready.tell();
    if (listener.accept().error() != Error::peer_ambiguous) return 2;  // nobody
    if (listener.accept().error() != Error::peer_ambiguous) return 3;  // root, but another group
    const auto known = listener.accept();
    return known && (*known)->peer().uid == 0 ? 0 : 4;
  });
  ASSERT_EQ(ready.wait(), 0);
  const auto connect_as = [&](unsigned user, unsigned group) {
    Process client([&] {
      if (::setgid(group) != 0 || ::setuid(user) != 0) return 1;
      return connect_plain_and_stay(scratch.path() + "/helper.sock") ? 0 : 2;
    });
    EXPECT_EQ(client.wait(), 0);
  };
  connect_as(nobody, nobody);
  connect_as(0, 1234);
  connect_as(0, 0);
  EXPECT_EQ(helper.wait(), 0);
}

// In a process namespace of its own a peer has number 1, and many others may have it too; from outside it has one of
// ours.
TEST(Atk04Namespace, APeerOfAnotherProcessNamespaceIsKnownByItsHandle) {
  if (!is_root()) GTEST_SKIP() << "needs root, for a process namespace";
  const ScratchDirectory scratch;
  WaitingListener listener(endpoint_in(scratch.path()));
  const Gate keys;
  Process outer([&] {
    if (::unshare(CLONE_NEWPID) != 0) return 1;
    Process inner([&] {
      const auto carrier = connect_to(endpoint_in(scratch.path()));
      if (!carrier) return 2;
      const auto& server = (*carrier)->peer();
      const bool unseen =
          ::getpid() == 1 && server.pid == 0 && server.strength == Strength::pinned && server.check_alive();
      keys.tell(static_cast<std::int64_t>(server.process_key));
      keys.tell(static_cast<std::int64_t>((*carrier)->self().process_key));
      static_cast<void>(receive_text(**carrier, 1));
      return unseen ? 0 : 3;
    });
    return inner.wait();
  });
  {
    const auto carrier = listener.accept();
    ASSERT_TRUE(carrier.has_value());
    EXPECT_EQ(static_cast<std::uint64_t>(keys.wait()), (*carrier)->self().process_key);
    EXPECT_EQ(static_cast<std::uint64_t>(keys.wait()), (*carrier)->peer().process_key);
    EXPECT_GT((*carrier)->peer().pid, 1);
  }
  EXPECT_EQ(outer.wait(), 0);
}

/// Sends one byte in the name of process 1 of this process namespace, as its root may.
bool send_as_first_process(native_handle socket) {
  char byte = 'x';
  iovec part{&byte, 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(ucred))> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  auto* const header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_CREDENTIALS;
  header->cmsg_len = CMSG_LEN(sizeof(ucred));
  const ucred claimed{1, ::geteuid(), ::getegid()};
  std::memcpy(CMSG_DATA(header), &claimed, sizeof claimed);
  return ::getpid() != 1 && ::sendmsg(socket, &message, MSG_NOSIGNAL) == 1;
}

// Any user can rule a process namespace of his own, and there put one of its processes into another's credentials: handle and
// all. So what connects from there is not pinned, whatever handle there is on it.
TEST(Atk05Namespace, APeerWhoseSendersAnybodyCanForgeIsNotPinned) {
  const ScratchDirectory scratch;
  WaitingListener listener(endpoint_in(scratch.path()));
  const Gate ready;
  Process outer([&] {
    if (is_root()) become(nobody);
    const bool entered = enter_user_namespace(::geteuid(), ::getegid()) && ::unshare(CLONE_NEWPID) == 0;
    ready.tell(entered ? 1 : 0);
    if (!entered) return 1;
    Process first([&] {
      const Handle socket(connect_plain(scratch.path() + "/helper.sock"));
      Process second([&] { return send_as_first_process(socket.get()) ? 0 : 2; });
      if (second.wait() != 0) return 3;
      char byte = 0;
      return ::recv(socket.get(), &byte, 1, 0) <= 0 ? 0 : 4;
    });
    return first.wait();
  });
  if (ready.wait() != 1) GTEST_SKIP() << "this kernel lets no user make a user and a process namespace";
  {
    const auto carrier = listener.accept();
    ASSERT_TRUE(carrier.has_value()) << carrier.error().sentence();
    const auto& peer = (*carrier)->peer();
    EXPECT_EQ(peer.strength, Strength::connected);
    EXPECT_EQ(peer.process_key, 0u);
    EXPECT_FALSE(peer.executable.has_value());
    EXPECT_FALSE(peer.process.valid());
    // The forgery itself: the kernel names the connection's process for a byte that another one sent.
    std::array<std::byte, 1> byte;
    HandleList handles;
    const auto received = (*carrier)->receive(byte, handles, Wait::yes);
    ASSERT_TRUE(received && received->sender);
    EXPECT_EQ(received->sender->pid, peer.pid);
  }
  EXPECT_EQ(outer.wait(), 0);
}

PeerIdentity process_of(std::uint32_t uid, std::optional<std::uint32_t> session) {
  PeerIdentity identity;
  identity.uid = uid;
  identity.login_session = session;
  return identity;
}

TEST(Atk23, AScopeIsVerifiedNotOnlyNamed) {
  struct Row {
    Scope scope;
    std::uint32_t peer, self;
    std::optional<std::uint32_t> peer_session, self_session;
    bool meets;
  };
  for (const auto& row :
       {Row{Scope::machine, 1, 2, {}, {}, true}, Row{Scope::user, 1, 1, 5, 6, true},
        Row{Scope::user, 0, 1, 5, 5, false}, Row{Scope::user, 1, 0, 5, 5, false}, Row{Scope::session, 1, 1, 5, 5, true},
        Row{Scope::session, 1, 1, 5, 6, false}, Row{Scope::session, 1, 2, 5, 5, false},
        Row{Scope::session, 1, 1, {}, 5, false}, Row{Scope::session, 1, 1, 5, {}, false},
        Row{Scope::session, 1, 1, {}, {}, false}, Row{static_cast<Scope>(9), 1, 1, 5, 5, false}}) {
    const auto met =
        check_scope(row.scope, process_of(row.peer, row.peer_session), process_of(row.self, row.self_session));
    EXPECT_EQ(met.has_value(), row.meets);
    if (!row.meets) {
      EXPECT_EQ(met.error(), Error::peer_out_of_scope);
    }
  }
}

TEST(Atk23, AnotherUserIsOutOfTheScopeOfOne) {
  if (!is_root()) GTEST_SKIP() << "needs root, for a second user";
  const ScratchDirectory scratch;
  WaitingListener listener(endpoint_in(scratch.path(), Scope::user));
  // The mode already keeps others out; the check holds where somebody has widened it.
  const auto path = scratch.path() + "/helper.sock";
  Process refused([&] {
    become(nobody);
    return connect_to(endpoint_in(scratch.path(), Scope::user)).error() == Error::permission_denied ? 0 : 1;
  });
  EXPECT_EQ(refused.wait(), 0);
  ASSERT_EQ(::chmod(path.c_str(), 0666), 0);
  Process client([&] {
    become(nobody);
    return connect_plain_and_stay(path) ? 0 : 1;
  });
  EXPECT_EQ(listener.accept().error(), Error::peer_out_of_scope);
  EXPECT_EQ(client.wait(), 0);
}

/// In a child: a login of its own, as pam_loginuid makes one.
bool log_in() {
  return write_file("/proc/self/loginuid", "1000");
}

TEST(Atk23, TwoLoginsOfOneUserAreKeptApart) {
  const ScratchDirectory scratch;
  const auto endpoint = endpoint_in(scratch.path(), Scope::session);
  const Gate ready;
  const Gate again;
  Process login([&] {
    const bool logged_in = log_in();
    ready.tell(logged_in ? 1 : 0);
    if (!logged_in) return 1;
    WaitingListener listener(endpoint);
    Process same([&] { return connect_and_stay(endpoint); });
    const auto carrier = listener.accept();
    if (!carrier || !(*carrier)->peer().login_session) return 2;
    again.tell(*(*carrier)->peer().login_session);
    // The first has refused us and may be gone; the second waits for our word.
    const auto first = listener.accept();
    if (first || (first.error() != Error::peer_out_of_scope && first.error() != Error::peer_gone)) return 3;
    return listener.accept().error() == Error::peer_out_of_scope ? 0 : 4;
  });
  if (ready.wait() != 1) GTEST_SKIP() << "needs a kernel with audit, and CAP_AUDIT_CONTROL, to log in";
  ASSERT_GT(again.wait(), 0);
  Process other([&] {
    if (!log_in()) return 1;
    if (connect_to(endpoint).error() != Error::peer_out_of_scope) return 2;
    return connect_plain_and_stay(scratch.path() + "/helper.sock") ? 0 : 3;
  });
  EXPECT_EQ(other.wait(), 0);
  EXPECT_EQ(login.wait(), 0);
}

}  // namespace
}  // namespace penstock::transport
