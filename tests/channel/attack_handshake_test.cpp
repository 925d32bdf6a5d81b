// Attacks on the handshake itself, each by a real process: another process speaks (ATK-05), the peer is gone (ATK-06), frames
// come back (ATK-22), versions, patterns and suites are rolled back (ATK-25), the audit log is full (ATK-28).
#include <fcntl.h>

#include <filesystem>

#include "protocol/connect.hpp"
#include "protocol/handshake_driver.hpp"
#include "tests/channel/pair.hpp"
#include "tests/support/child.hpp"
#include "tests/support/relay.hpp"
#include "transports/pipe.hpp"

namespace penstock::test {
namespace {

using protocol::HandshakeDriver;

transport::Deadline soon() { return std::chrono::steady_clock::now() + std::chrono::seconds(20); }

/// A listener that is only driven when the test says so.
struct Accepting {
  explicit Accepting(const TempDirectory& directory, Policy policy = own_policy()) {
    auto opened = transport::PipeListener::open(endpoint_in(directory), 16);
    EXPECT_TRUE(opened) << opened.error().sentence();
    pipe = std::move(*opened);
    inputs = std::make_shared<protocol::HandshakeInputs>();
    inputs->policy = std::move(policy);
    inputs->channel = std::make_shared<const protocol::ChannelSettings>(ChannelOptions(), audit, "test");
  }
  std::unique_ptr<HandshakeDriver> accept() {
    for (;;) {
      auto carrier = pipe->accept();
      if (!carrier && carrier.error() == Error::would_block) continue;
      if (!carrier) {
        ADD_FAILURE() << carrier.error().sentence();
        return nullptr;
      }
      protocol::HandshakeContext context;
      context.endpoint = {Scope::user, "test"};
      auto driver = HandshakeDriver::make(std::move(*carrier), inputs, std::move(context));
      return driver ? std::move(*driver) : nullptr;
    }
  }
  std::shared_ptr<RecordingAudit> audit = std::make_shared<RecordingAudit>();
  std::unique_ptr<transport::PipeListener> pipe;
  std::shared_ptr<protocol::HandshakeInputs> inputs;
};

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

  Child attacker([&](Child::Line line) {
    auto carrier = protocol::open_connection(endpoint_in(directory), connect_options(), soon());
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

/// Connects, sends its confirm record, which waits for an answer, and ends at that very moment.
int send_proof_and_die(const Endpoint& endpoint) {
  auto driver = protocol::open_connection(endpoint, connect_options(), soon());
  if (!driver) return 1;
  for (;;) {
    const auto need = (*driver)->advance();
    if (!need) return 2;
    if (*need == HandshakeDriver::Need::nothing) return 3;
    if ((*driver)->awaits_confirm()) ::kill(::getpid(), SIGKILL);
    if (!(*driver)->carrier().wait(transport::Readiness::readable, soon())) return 4;
  }
}

TEST(Atk06, APeerThatIsGoneWhenItsProofArrivesIsRefused) {
  TempDirectory directory;
  Accepting accepting(directory);
  // Normally the proof arrives after our answer has left, and is read once the peer is known to be dead. On a busy machine it
  // may arrive within the very step that answered, while the peer still lived: that shows nothing, and is tried again.
  bool judged = false;
  for (int attempt = 0; attempt < 100 && !judged; ++attempt) {
    Child client([&](Child::Line) { return send_proof_and_die(endpoint_in(directory)); });
    auto driver = accepting.accept();
    ASSERT_TRUE(driver);
    auto need = driver->advance();
    while (need && *need == HandshakeDriver::Need::readable && !driver->awaits_confirm()) {
      ASSERT_TRUE(driver->carrier().wait(transport::Readiness::readable, soon()));
      need = driver->advance();
    }
    if (need && *need == HandshakeDriver::Need::nothing) continue;
    EXPECT_EQ(client.wait(), 128 + SIGKILL);
    const auto run = need ? driver->run(soon()) : result<void>(need.error());
    ASSERT_FALSE(run);
    EXPECT_EQ(run.error(), Error::peer_gone);
    EXPECT_EQ(accepting.audit->count(AuditKind::peer_refused, Error::peer_gone), 1u);
    judged = true;
  }
  EXPECT_TRUE(judged);
}

/// A raw listener in a process of its own that answers each connection as `answer` says, and counts connections.
int raw_server(Child::Line line, const std::string& path, const std::function<void(int)>& answer) {
  Handle listening = raw_listen(path);
  if (!listening) return 100;
  line.tell();
  int connections = 0;
  Handle connection(::accept(listening.get(), nullptr, nullptr));
  ++connections;
  answer(connection.get());
  connection.reset();
  line.tell();
  // Until the parent says that the client has given up, every further connection counts.
  (void)line.hear();
  ::fcntl(listening.get(), F_SETFL, O_NONBLOCK);
  while (::accept(listening.get(), nullptr, nullptr) >= 0) ++connections;
  return connections;
}

TEST(Atk22, AReflectedHandshakeFrameIsRefused) {
  TempDirectory directory;
  Child mirror([&](Child::Line line) {
    return raw_server(line, directory.file("test.sock"), [](int socket) {
      const auto frame = read_raw_frame(socket);
      (void)write_all(socket, frame);
      (void)read_raw_frame(socket);
    });
  });
  ASSERT_EQ(mirror.line().hear(), '.');
  const auto connected = blocking::connect(endpoint_in(directory), connect_options());
  ASSERT_FALSE(connected);
  EXPECT_EQ(connected.error(), Error::handshake_malformed);
}

TEST(Atk25, AListenerThatRefusesIsNotAskedAgainWithLess) {
  TempDirectory directory;
  std::vector<std::byte> seen;
  Child refusing([&](Child::Line line) {
    return raw_server(line, directory.file("test.sock"), [](int socket) { (void)read_raw_frame(socket); });
  });
  ASSERT_EQ(refusing.line().hear(), '.');
  const auto connected = blocking::connect(endpoint_in(directory), connect_options());
  ASSERT_FALSE(connected);
  EXPECT_EQ(connected.error(), Error::truncated);
  ASSERT_EQ(refusing.line().hear(), '.');
  refusing.line().tell();
  EXPECT_EQ(refusing.wait(), 1) << "connections";
}

/// The first frame of an honest initiator, byte for byte, with something rolled back.
class RolledBack : public ::testing::Test {
 protected:
  void expect_refused(const std::function<void(std::vector<std::byte>&)>& change, Error why) {
    TempDirectory directory;
    Accepting accepting(directory);
    Child client([&](Child::Line) {
      Handle socket = raw_connect(directory.file("test.sock"));
      std::vector<std::byte> frame(32 + 4 + 32);
      protocol::Header header;
      header.type = protocol::FrameType::handshake;
      header.length = 36;
      protocol::encode(header, std::span(frame).first<protocol::header_size>());
      protocol::encode(protocol::Preamble{Trust::os_identity, Suite::aesgcm_sha256, 1, Binding::process},
                       std::span(frame).subspan<32, 4>());
      frame[40] = std::byte{9};  // the base point is as good an ephemeral key as any
      change(frame);
      if (!write_all(socket.get(), frame)) return 1;
      // Not one byte comes back.
      std::byte answer;
      return ::recv(socket.get(), &answer, 1, 0) <= 0 ? 0 : 42;
    });
    auto driver = accepting.accept();
    ASSERT_TRUE(driver);
    const auto run = driver->run(soon());
    ASSERT_FALSE(run);
    EXPECT_EQ(run.error().code(), why) << error_name(run.error().code()) << " instead of " << error_name(why);
    driver.reset();
    EXPECT_EQ(client.wait(), 0);
    EXPECT_EQ(accepting.audit->count(AuditKind::peer_refused, why), 1u);
  }
};

TEST_F(RolledBack, Atk25Version) {
  for (const int version : {0, 2, 255}) {
    expect_refused([&](auto& frame) { frame[4] = static_cast<std::byte>(version); }, Error::version_unsupported);
  }
}

TEST_F(RolledBack, Atk25Pattern) {
  // None, one that does not exist, one that no rule accepts, and the launch secret's on a pipe.
  for (const int pattern : {0, 4, 2, 3}) {
    expect_refused([&](auto& frame) { frame[32] = static_cast<std::byte>(pattern); }, Error::pattern_refused);
  }
}

TEST_F(RolledBack, Atk25Suite) {
  for (const int suite : {0, 3, 255}) {
    expect_refused([&](auto& frame) { frame[33] = static_cast<std::byte>(suite); }, Error::suite_refused);
  }
}

TEST_F(RolledBack, Atk25BindingAndCarrier) {
  expect_refused([](auto& frame) { frame[34] = std::byte{2}; }, Error::handshake_malformed);
  expect_refused([](auto& frame) { frame[35] = std::byte{0}; }, Error::handshake_malformed);
  expect_refused([](auto& frame) { frame[35] = std::byte{2}; }, Error::pattern_refused);
}

TEST_F(RolledBack, Atk25FreedomInTheHeader) {
  expect_refused([](auto& frame) { frame[8] = std::byte{1}; }, Error::frame_malformed);
  expect_refused([](auto& frame) { frame[16] = std::byte{1}; }, Error::handshake_malformed);
  expect_refused([](auto& frame) { frame[24] = std::byte{1}; }, Error::handshake_malformed);
  expect_refused([](auto& frame) { frame[0] = std::byte{0}; }, Error::frame_malformed);
}

TEST(Atk28, AnAdmissionThatCannotBeRecordedDoesNotHappen) {
  TempDirectory directory;
  auto audit = std::make_shared<RecordingAudit>();
  auto listen = listen_options();
  listen.audit = audit;
  auto opened = blocking::Listener::open(endpoint_in(directory), std::move(listen));
  ASSERT_TRUE(opened);
  audit->fail(true);
  std::thread accepting([&] {
    const auto accepted = opened->accept(std::chrono::milliseconds(500));
    EXPECT_FALSE(accepted);
  });
  const auto refused = blocking::connect(endpoint_in(directory), connect_options());
  EXPECT_FALSE(refused);
  accepting.join();
  // And it is the sink's fault alone: once it records again, the same peer is admitted.
  audit->fail(false);
  std::thread again([&] { EXPECT_TRUE(opened->accept(std::chrono::seconds(20))); });
  EXPECT_TRUE(blocking::connect(endpoint_in(directory), connect_options()));
  again.join();
}

TEST(Atk28, AListenerWhoseAuditSinkFailsDoesNotStartAndLeavesNoName) {
  TempDirectory directory;
  auto audit = std::make_shared<RecordingAudit>();
  audit->fail(true);
  auto listen = listen_options();
  listen.audit = audit;
  const auto opened = blocking::Listener::open(endpoint_in(directory), std::move(listen));
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error(), Error::audit_unavailable);
  EXPECT_FALSE(std::filesystem::exists(directory.file("test.sock")));
}

TEST(Atk20, AForkedChildCannotSendReceiveOrEndTheParentsChannel) {
  BlockingPair pair;
  std::vector<std::byte> body(64, std::byte{1});
  Child child([&](Child::Line) {
    const auto sent = pair.client.send(body);
    if (sent || sent.error() != Error::forked) return 1;
    std::vector<std::byte> buffer(64);
    const auto received = pair.server.receive(buffer, std::chrono::milliseconds(1));
    return received ? 2 : 0;
  });
  EXPECT_EQ(child.wait(), 0);
  ASSERT_TRUE(pair.client.send(body));
  std::vector<std::byte> buffer(64);
  ASSERT_TRUE(pair.server.receive(buffer, std::chrono::seconds(20)));
  EXPECT_EQ(buffer, body);
}

}  // namespace
}  // namespace penstock::test
