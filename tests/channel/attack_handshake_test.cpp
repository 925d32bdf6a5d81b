// Attacks on the handshake itself, each by a real process: the peer is gone (ATK-06), frames come back (ATK-22), versions, patterns
// and suites are rolled back (ATK-25), the audit log is full (ATK-28). Another process speaks (ATK-05): ..._linux.cpp.
#include <fmt/format.h>

#include "tests/channel/accepting.hpp"
#include "tests/support/child.hpp"
#include "tests/support/process_facts.hpp"
#include "tests/support/raw.hpp"

namespace penstock::test {
namespace {

/// Connects, sends its confirm record, which waits for an answer, and ends at that very moment.
const Role send_proof_and_die("send-proof-and-die", [](const Line&, const Words& words) {
  auto driver = protocol::open_connection(endpoint_in(words[0]), connect_options(), soon());
  if (!driver) return 1;
  for (;;) {
    const auto need = (*driver)->advance();
    if (!need) return 2;
    if (*need == HandshakeDriver::Need::nothing) return 3;
    if ((*driver)->awaits_confirm()) die();
    if (!(*driver)->carrier().wait(transport::Readiness::readable, soon())) return 4;
  }
});

TEST(Atk06, APeerThatIsGoneWhenItsProofArrivesIsRefused) {
  TempDirectory directory;
  Accepting accepting(directory);
  // Normally the proof arrives after our answer has left, and is read once the peer is known to be dead. On a busy machine it
  // may arrive within the very step that answered, while the peer still lived: that shows nothing, and is tried again.
  bool judged = false;
  for (int attempt = 0; attempt < 100 && !judged; ++attempt) {
    Child client(send_proof_and_die, {directory.path()});
    auto driver = accepting.accept();
    ASSERT_TRUE(driver);
    auto need = driver->advance();
    while (need && *need == HandshakeDriver::Need::readable && !driver->awaits_confirm()) {
      ASSERT_TRUE(driver->carrier().wait(transport::Readiness::readable, soon()));
      need = driver->advance();
    }
    if (need && *need == HandshakeDriver::Need::nothing) continue;
    EXPECT_EQ(client.wait(), Child::killed);
    const auto run = need ? driver->run(soon()) : result<void>(need.error());
    ASSERT_FALSE(run);
    EXPECT_EQ(run.error(), Error::peer_gone);
    EXPECT_EQ(accepting.audit->count(AuditKind::peer_refused, Error::peer_gone), 1u);
    judged = true;
  }
  EXPECT_TRUE(judged);
}

/// A raw listener in a process of its own that answers the first connection as it is told, and counts connections.
const Role raw_server("raw-server", [](const Line& line, const Words& words) {
  auto listening = RawListener::open(address_of(endpoint_in(words[0])));
  if (!listening) return 90;
  line.tell();
  int connections = 1;
  {
    const auto connection = listening.accept();
    const auto frame = connection.read_frame();
    if (words[1] == "mirror" && connection.write(frame)) (void)connection.read_frame();
  }
  line.tell();
  // Until the parent says that the client has given up, every further connection counts.
  (void)line.hear();
  while (listening.try_accept()) ++connections;
  return connections;
});

TEST(Atk22, AReflectedHandshakeFrameIsRefused) {
  TempDirectory directory;
  Child mirror(raw_server, {directory.path(), "mirror"});
  ASSERT_EQ(mirror.line().hear(), '.');
  const auto connected = blocking::connect(endpoint_in(directory), connect_options());
  ASSERT_FALSE(connected);
  EXPECT_EQ(connected.error(), Error::handshake_malformed);
}

TEST(Atk25, AListenerThatRefusesIsNotAskedAgainWithLess) {
  TempDirectory directory;
  Child refusing(raw_server, {directory.path(), "refuse"});
  ASSERT_EQ(refusing.line().hear(), '.');
  const auto connected = blocking::connect(endpoint_in(directory), connect_options());
  ASSERT_FALSE(connected);
  EXPECT_EQ(connected.error(), Error::truncated);
  ASSERT_EQ(refusing.line().hear(), '.');
  refusing.line().tell();
  EXPECT_EQ(refusing.wait(), 1) << "connections";
}

std::string to_hex(bytes_view bytes) {
  std::string out;
  for (const auto byte : bytes) out += fmt::format("{:02x}", std::to_integer<unsigned>(byte));
  return out;
}

std::vector<std::byte> from_hex(const std::string& text) {
  std::vector<std::byte> out;
  for (std::size_t at = 0; at < text.size(); at += 2) out.push_back(static_cast<std::byte>(std::stoul(text.substr(at, 2), nullptr, 16)));
  return out;
}

/// Sends one frame. Not one byte comes back.
const Role say_once("say-once", [](const Line&, const Words& words) {
  const auto end = RawEnd::connect(address_of(endpoint_in(words[0])));
  if (!end || !end.write(from_hex(words[1]))) return 1;
  return end.ends_without_a_word() ? 0 : 42;
});

/// The first frame of an honest initiator, byte for byte, with something rolled back.
class RolledBack : public ::testing::Test {
 protected:
  void expect_refused(const std::function<void(std::vector<std::byte>&)>& change, Error why) {
    TempDirectory directory;
    Accepting accepting(directory);
    std::vector<std::byte> frame(32 + 4 + 32);
    protocol::Header header;
    header.type = protocol::FrameType::handshake;
    header.length = 36;
    protocol::encode(header, std::span(frame).first<protocol::header_size>());
    protocol::encode(protocol::Preamble{Trust::os_identity, Suite::aesgcm_sha256, 1, Binding::process},
                     std::span(frame).subspan<32, 4>());
    frame[40] = std::byte{9};  // the base point is as good an ephemeral key as any
    change(frame);
    Child client(say_once, {directory.path(), to_hex(frame)});
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
  EXPECT_FALSE(name_exists(endpoint_in(directory)));
}

}  // namespace
}  // namespace penstock::test
