// ATK-28: audit files where Windows has sharing, streams and lists that are inherited.
#include <windows.h>

#include <sddl.h>

#include <filesystem>

#include "crypto/windows_text.hpp"
#include "penstock/handle.hpp"
#include "tests/protocol/audit_file_testing.hpp"
#include "tests/protocol/policy_testing.hpp"

namespace penstock {
namespace {

using test::event_of;
using test::events_of;
using test::mentions;
using test::refusal;

Handle open_file(const std::string& path, DWORD access, DWORD share) {
  const HANDLE opened = ::CreateFileW(to_wide(path)->c_str(), access, share, nullptr, OPEN_EXISTING, 0, nullptr);
  return Handle(opened == INVALID_HANDLE_VALUE ? no_handle : opened);
}

constexpr DWORD share_all = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;

TEST(Atk28, NobodyCanOpenTheAuditFileForWritingBesideUs) {
  const test::Scratch scratch;
  const auto path = scratch / "audit.jsonl";
  const auto sink = open_json_audit(path);
  ASSERT_TRUE(sink) << sink.error().sentence();
  ASSERT_TRUE((*sink)->record(event_of("first")));
  EXPECT_FALSE(open_file(path, GENERIC_WRITE, share_all));
  EXPECT_FALSE(open_file(path, FILE_APPEND_DATA, share_all));
  EXPECT_TRUE(open_file(path, GENERIC_READ, share_all)) << "logs may be read while they are written";
  EXPECT_EQ(events_of(path).size(), 1u);
}

TEST(Atk28, AnAuditFileThatSomebodyHasOpenForWritingIsRefused) {
  const test::Scratch scratch;
  const auto path = scratch.write("audit.jsonl", "", 0600);
  auto writer = open_file(path, GENERIC_WRITE, share_all);
  ASSERT_TRUE(writer);
  EXPECT_TRUE(mentions(refusal(path), "has it open"));
  writer.reset();
  EXPECT_EQ(refusal(path), "");
}

TEST(Atk28, AnAuditFileInheritsNothing) {
  const test::Scratch scratch;
  const auto text = "D:P(A;OICI;FA;;;" + to_text(test::own_user()) + ")(A;OICIIO;FA;;;WD)";
  void* descriptor = nullptr;
  ASSERT_TRUE(::ConvertStringSecurityDescriptorToSecurityDescriptorW(to_wide(text)->c_str(), SDDL_REVISION_1,
                                                                     &descriptor, nullptr));
  EXPECT_TRUE(::SetFileSecurityW(to_wide(scratch.path())->c_str(),
                                 DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION, descriptor));
  ::LocalFree(descriptor);
  ASSERT_TRUE(open_json_audit(scratch / "audit.jsonl"));
  EXPECT_EQ(test::mode_of(scratch / "audit.jsonl"), 0600u);
}

TEST(Atk28, AnAuditFileIsNoStreamNoDeviceAndOnThisMachine) {
  const test::Scratch scratch;
  const auto path = scratch.write("audit.jsonl", "", 0600);
  for (const auto& name : {path + ":stream", std::string("\\\\server\\share\\audit.jsonl"),
                           std::string("\\\\.\\pipe\\audit"), std::string("NUL"), std::string("CON")}) {
    EXPECT_NE(refusal(name), "") << name;
  }
}

bool says_removed(const std::string& path) {
  const auto file = open_file(path, GENERIC_READ, share_all);
  std::filesystem::remove(path);
  FILE_STANDARD_INFO information{};
  return ::GetFileInformationByHandleEx(file.get(), FileStandardInfo, &information, sizeof information) &&
         (information.DeletePending || information.NumberOfLinks == 0);
}

TEST(AuditFile, AFileThatWasDeletedIsMadeAnew) {
  const test::Scratch scratch;
  if (!says_removed(scratch.write("other", "", 0600))) {
    GTEST_SKIP() << "this system (Wine 8) does not say of an open file that it was deleted; audit_sink_test has what "
                    "follows from it";
  }
  const auto path = scratch / "audit.jsonl";
  const auto sink = *open_json_audit(path);
  ASSERT_TRUE(sink->record(event_of("before")));
  std::filesystem::remove(path);
  ASSERT_TRUE(sink->record(event_of("after")));
  ASSERT_EQ(events_of(path).size(), 1u);
  EXPECT_EQ(events_of(path)[0]["number"], 2);
}

TEST(AuditFile, ItMayBeRenamedAwayAndAnotherBegun) {
  const test::Scratch scratch;
  const auto path = scratch / "audit.jsonl";
  const auto sink = *open_json_audit(path);
  ASSERT_TRUE(sink->record(event_of("before")));
  std::filesystem::rename(path, scratch / "audit.1");
  ASSERT_TRUE(sink->record(event_of("after")));  // to the file that it has: rename, then begin anew, as on Linux
  EXPECT_EQ(events_of(scratch / "audit.1").size(), 2u);
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(AuditHandle, WritesToAHandleThatTheCallerKeeps) {
  HANDLE reader = nullptr;
  HANDLE writer = nullptr;
  ASSERT_TRUE(::CreatePipe(&reader, &writer, nullptr, 65536));
  const Handle read_end(reader);
  Handle write_end(writer);
  ASSERT_TRUE(json_audit_to(write_end.get())->record(event_of("whole")));
  std::string taken(4096, '\0');
  DWORD got = 0;
  ASSERT_TRUE(::ReadFile(read_end.get(), taken.data(), 4096, &got, nullptr));
  EXPECT_TRUE(nlohmann::json::accept(taken.substr(0, got)));
}

}  // namespace
}  // namespace penstock
