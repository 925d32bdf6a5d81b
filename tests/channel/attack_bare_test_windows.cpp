// Programs that know nothing of Penstock, and what the audit trail says of them: a bare Win32 client, one of the wrong kind of
// identity (ATK-03), one whom we cannot stop to be (ATK-09).
#include <windows.h>

#include "crypto/windows_text.hpp"
#include "protocol/header.hpp"
#include "tests/channel/accepting.hpp"
#include "tests/support/child.hpp"
#include "tests/transports/other_calls_windows.hpp"

namespace penstock::test {
namespace {

/// Opens the pipe and writes what it likes. Its answer: 0 when not one byte came back.
const Role bare_client("bare-client", [](const Line&, const Words& words) {
  const auto raw = ::CreateFileW(to_wide(address_of(endpoint_in(words[0]))).value().c_str(), GENERIC_READ | GENERIC_WRITE, 0, nullptr,
                                 OPEN_EXISTING, 0, nullptr);
  if (raw == INVALID_HANDLE_VALUE) return 1;
  const Handle pipe(raw);
  DWORD moved = 0;
  if (::WriteFile(raw, words[1].data(), static_cast<DWORD>(words[1].size()), &moved, nullptr) == 0) return 2;
  char byte = 0;
  return ::ReadFile(raw, &byte, 1, &moved, nullptr) != 0 && moved != 0 ? 42 : 0;
});

TEST(Atk24Bare, AClientThatMerelyWritesGetsNothingAndIsRecorded) {
  for (const char* text : {"GET / HTTP/1.1\r\n\r\n and so on", "\x01\x01\x01\x01\x01\x01\x01\x01", "\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f"}) {
    TempDirectory directory;
    Accepting accepting(directory);
    Child client(bare_client, {directory.path(), text});
    auto driver = accepting.accept();
    ASSERT_TRUE(driver);
    const auto run = driver->run(soon());
    ASSERT_FALSE(run);
    EXPECT_EQ(run.error(), Error::frame_malformed);
    driver.reset();
    EXPECT_EQ(client.wait(), 0);
    EXPECT_EQ(accepting.audit->count(AuditKind::peer_refused, Error::frame_malformed), 1u);
    EXPECT_EQ(accepting.audit->events().back().peer_pid, client.pid());
  }
}

const Role honest_client("honest-client", [](const Line&, const Words& words) {
  return blocking::connect(endpoint_in(words[0]), connect_options()) ? 0 : 42;
});

struct Row {
  const char* name;
  void (*lie)(transport::testing::OtherCalls&);
  Error reason;
};

void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }

class AuditedRefusal : public ::testing::TestWithParam<Row> {};

TEST_P(AuditedRefusal, HasItsOwnReasonAndOneEvent) {
  TempDirectory directory;
  Accepting accepting(directory);
  transport::testing::OtherCalls calls;
  GetParam().lie(calls);
  Child client(honest_client, {directory.path()});
  auto driver = accepting.accept();
  ASSERT_TRUE(driver);
  const auto run = driver->run(soon());
  ASSERT_FALSE(run);
  EXPECT_EQ(run.error(), GetParam().reason);
  driver.reset();
  EXPECT_EQ(client.wait(), 42);
  EXPECT_EQ(accepting.audit->count(AuditKind::peer_refused, GetParam().reason), 1u);
  EXPECT_EQ(accepting.audit->count(AuditKind::peer_admitted, Error::none), 0u);
}

using Calls = transport::testing::OtherCalls;

INSTANTIATE_TEST_SUITE_P(
    Table, AuditedRefusal,
    ::testing::Values(
        Row{"Atk03Anonymous", [](Calls& c) { c.change_client_token = [](transport::ClientToken& other) { other = {}; }; }, Error::peer_anonymous},
        Row{"Atk09ImpersonationFails", [](Calls& c) { c.impersonate_number = ERROR_CANNOT_IMPERSONATE; }, Error::peer_unidentified},
        Row{"Atk09TokenFails", [](Calls& c) { c.thread_token_number = ERROR_NO_TOKEN; }, Error::peer_unidentified},
        Row{"Atk04AnotherUsersWords", [](Calls& c) { c.change_client_token = [](transport::ClientToken& other) { other.token.user = test_user(1000); }; },
            Error::peer_changed}),
    [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace penstock::test
