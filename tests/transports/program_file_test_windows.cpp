// The file of a peer's program, which the peer has chosen (ATK-24).
#include "transports/program_file_windows.hpp"

#include <windows.h>

#include "crypto/windows_text.hpp"
#include "tests/support/raw.hpp"
#include "tests/support/scratch.hpp"
#include "tests/transports/meeting.hpp"
#include "transports/child.hpp"
#include "transports/identify_windows.hpp"
#include "transports/spawn_windows.hpp"

namespace penstock::transport {
namespace {

using namespace testing;

Handle open_for(const std::string& path, DWORD rights) {
  const auto raw = ::CreateFileW(to_wide(path).value().c_str(), rights, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, nullptr,
                                 OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, nullptr);
  return raw == INVALID_HANDLE_VALUE ? Handle() : Handle(raw);
}

TEST(ProgramFile, ADirectoryIsNone) {
  const test::Scratch scratch;
  EXPECT_FALSE(program_number(open_for(scratch.path(), FILE_READ_ATTRIBUTES).get()));
  const auto path = scratch.write("file", "x", 0600);
  EXPECT_TRUE(program_number(open_for(path, FILE_READ_ATTRIBUTES).get()));
}

/// Is there until its other end goes.
const Role runs("runs", [](const Line&, const Words& words) {
  const auto end = test::RawEnd::connect(words[0]);
  std::byte byte{};
  return end && end.read({&byte, 1}) ? 1 : 0;
});

/// A process that runs a copy of this program, made as long as that.
struct Copy {
  explicit Copy(std::uint64_t size = 0) {
    ::CopyFileW(to_wide(test::own_program()).value().c_str(), to_wide(path).value().c_str(), FALSE);
    if (size != 0) {
      const auto file = open_for(path, GENERIC_WRITE);
      LARGE_INTEGER length{};
      length.QuadPart = static_cast<std::int64_t>(size);
      EXPECT_NE(::SetFilePointerEx(file.get(), length, nullptr, FILE_BEGIN), 0);
      EXPECT_NE(::SetEndOfFile(file.get()), 0);
    }
    const auto address = test::address_of(test::endpoint_in(directory));
    listening = test::RawListener::open(address);
    auto child = spawn({path, test::role_arguments(runs, {address}), {}, {}});
    EXPECT_TRUE(child) << child.error().sentence();
    if (!child) return;
    end = listening.accept();
    auto seen = identify_process(static_cast<std::uint32_t>(child->pid));
    EXPECT_TRUE(seen) << seen.error().sentence();
    if (seen) peer = std::move(*seen);
    process = std::move(child->process);
  }
  ~Copy() { end_child(process); }
  test::Scratch scratch;
  TempDirectory directory;
  std::string path = scratch / "copy.exe";
  test::RawListener listening;
  test::RawEnd end;
  Handle process;
  PeerIdentity peer;
};

TEST(ProgramFile, NobodyReplacesItWhileItIsRead) {
  const Copy copy;
  {
    const auto looked_at = open_program_file(copy.process.get(), ProgramAccess::look);
    ASSERT_TRUE(looked_at);
    EXPECT_TRUE(open_for(copy.path, DELETE));
  }
  const auto read = open_program_file(copy.process.get(), ProgramAccess::read);
  ASSERT_TRUE(read);
  EXPECT_FALSE(open_for(copy.path, DELETE));
}

TEST(ProgramFile, Atk24AProgramThatIsTooLongIsNotReadAtAll) {
  const Copy small;
  EXPECT_TRUE(small.peer.executable_sha256());
  const Copy large((std::uint64_t{128} << 20) + 1);
  ASSERT_TRUE(large.peer.executable);
  EXPECT_EQ(large.peer.executable_sha256().error(), Error::io_error);
}

}  // namespace
}  // namespace penstock::transport
