// Attacks with fork(2), which Windows does not have: another process speaks (ATK-05), a forked child goes on (ATK-20).
#include <fcntl.h>
#include <unistd.h>

#include <filesystem>

#include "tests/channel/accepting.hpp"
#include "tests/crypto/child_linux.hpp"
#include "tests/support/child.hpp"

namespace penstock::test {
namespace {

// Connects, and lets a forked child speak while it becomes a program that is trusted.
const Role speaker("speaker-of-another", [](const Line& line, const Words& words) {
  auto carrier = protocol::open_connection(endpoint_in(words[0]), connect_options(), soon());
  if (!carrier) return 1;
  int exec_done[2];
  if (::pipe2(exec_done, O_CLOEXEC) != 0) return 2;
  // Kept over the exec: the same connection in both processes.
  const int socket = (*carrier)->carrier().native();
  ::fcntl(socket, F_SETFD, 0);
  if (::fork() == 0) {
    // The speaker waits until its parent has become the trusted program (the pipe closes on exec), then goes on as if it
    // were it: it knows everything that the parent knew.
    ::close(exec_done[1]);
    char byte;
    (void)!::read(exec_done[0], &byte, 1);
    line.tell('x');
    const auto run = (*carrier)->run(soon());
    std::_Exit(run ? 42 : 0);
  }
  // It reads from a pipe whose other end it holds itself, so it lives until the test ends it.
  int own_pipe[2];
  if (::pipe(own_pipe) != 0 || ::dup2(own_pipe[0], 0) != 0) return 3;
  ::execl("/bin/cat", "cat", nullptr);
  return 3;
});

TEST(Atk05, AForkedChildSpeaksWhileItsParentExecsATrustedProgram) {
  TempDirectory directory;
  Rule rule;
  rule.name = "only cat";
  rule.users = {::geteuid()};
  rule.executable = std::filesystem::canonical("/bin/cat").string();
  rule.trust = Trust::os_identity;
  rule.operations = {"*"};
  auto policy = Policy::of({rule});
  ASSERT_TRUE(policy) << policy.error().sentence();
  Accepting accepting(directory, *policy);

  Child attacker(speaker, {directory.path()});
  ASSERT_EQ(attacker.line().hear(), 'x');
  auto driver = accepting.accept();
  ASSERT_TRUE(driver);
  // The kernel says that the connection is /bin/cat's, which the rule admits; the speaker is somebody else.
  EXPECT_EQ(driver->carrier().peer().executable->path, *rule.executable);
  const auto run = driver->run(soon());
  ASSERT_FALSE(run);
  EXPECT_EQ(run.error(), Error::peer_changed);
  EXPECT_EQ(accepting.audit->count(AuditKind::peer_refused, Error::peer_changed), 1u);
}

TEST(Atk20, AForkedChildCannotSendReceiveOrEndTheParentsChannel) {
  BlockingPair pair;
  std::vector<std::byte> body(64, std::byte{1});
  const auto child = in_child([&] {
    const auto sent = pair.client.send(body);
    if (sent || sent.error() != Error::forked) return 1;
    std::vector<std::byte> buffer(64);
    const auto received = pair.server.receive(buffer, std::chrono::milliseconds(1));
    return received ? 2 : 0;
  });
  EXPECT_TRUE(child.exited_with(0));
  ASSERT_TRUE(pair.client.send(body));
  std::vector<std::byte> buffer(64);
  ASSERT_TRUE(pair.server.receive(buffer, std::chrono::seconds(20)));
  EXPECT_EQ(buffer, body);
}

}  // namespace
}  // namespace penstock::test
