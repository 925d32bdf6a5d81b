// ATK-28: what Windows has besides: streams, devices, other machines, junctions, files that somebody has open.
#include <gtest/gtest.h>
#include <windows.h>

#include <winioctl.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <vector>

#include "crypto/windows_text.hpp"
#include "penstock/handle.hpp"
#include "tests/crypto/print.hpp"
#include "tests/crypto/trusted_file_testing.hpp"
#include "tests/support/scratch.hpp"

namespace penstock::crypto {
namespace {

using test::mentions;
using test::read_error;
using test::sentence;

TEST(Atk28, WhatIsNoFileOnADriveOfThisMachineIsRefused) {
  const test::Scratch scratch;
  const auto path = scratch.write("file", "contents", 0600);
  for (const std::string& name :
       {path + ":stream", path + "::$DATA", std::string("\\\\server\\share\\file"), std::string("//server/share/file"),
        std::string("\\\\.\\pipe\\x"), std::string("\\\\?\\") + path, std::string("\\\\.\\PhysicalDrive0"),
        scratch.path() + "\\f*e", std::string("\xff\xfe")}) {
    EXPECT_EQ(read_error(name), Error::policy_unreadable) << name;
  }
  for (const char* const name : {"NUL", "CON", "COM1"}) EXPECT_NE(read_error(name), Error::none) << name;
  EXPECT_EQ(read_error(scratch.path()), Error::policy_unsafe) << "a directory";
}

TEST(TrustedFile, BothSlashesAndAnyCaseLeadToTheFile) {
  const test::Scratch scratch;
  std::filesystem::create_directory(scratch / "Inner");
  test::set_mode(scratch / "Inner", 0700);
  auto path = scratch.write("Inner/File", "contents", 0600);
  EXPECT_EQ(read_error(path), Error::none);
  std::ranges::replace(path, '\\', '/');
  EXPECT_EQ(read_error(path), Error::none);
  EXPECT_EQ(read_error(scratch / "iNNER/fILE"), Error::none);
}

// Half-written: its writer is still at it. Or it was opened before the list was what it is.
TEST(Atk28, AFileThatSomebodyHasOpenForWritingIsUnreadable) {
  const test::Scratch scratch;
  const auto path = scratch.write("file", "contents", 0600);
  Handle writer(::CreateFileW(to_wide(path)->c_str(), GENERIC_WRITE,
                              FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, nullptr, OPEN_EXISTING, 0,
                              nullptr));
  EXPECT_EQ(read_error(path), Error::policy_unreadable);
  EXPECT_TRUE(mentions(sentence(path), "let it finish"));
  writer.reset();
  EXPECT_EQ(read_error(path), Error::none);
}

// A junction needs no privilege, so it is the link that an attacker would make. Where the file system has none (Wine
// with some), there is nothing to refuse.
bool make_junction(const std::string& at, const std::string& target) {
  struct Mount {
    DWORD tag;
    WORD size, reserved, substitute_at, substitute_size, print_at, print_size;
    wchar_t names[1];
  };
  std::filesystem::create_directory(at);
  const auto wide = L"\\??\\" + to_wide(target).value();
  std::vector<std::byte> buffer(sizeof(Mount) + 2 * (wide.size() + 2) * sizeof(wchar_t));
  auto* mount = new (buffer.data()) Mount{};
  mount->tag = IO_REPARSE_TAG_MOUNT_POINT;
  mount->substitute_size = static_cast<WORD>(wide.size() * sizeof(wchar_t));
  mount->print_at = static_cast<WORD>(mount->substitute_size + sizeof(wchar_t));
  const auto names = static_cast<WORD>(mount->print_at + sizeof(wchar_t));
  mount->size = static_cast<WORD>(names + 8);
  std::memcpy(buffer.data() + offsetof(Mount, names), wide.data(), mount->substitute_size);
  const HANDLE opened = ::CreateFileW(to_wide(at)->c_str(), GENERIC_WRITE, 0, nullptr, OPEN_EXISTING,
                                      FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT, nullptr);
  if (opened == INVALID_HANDLE_VALUE) return false;
  const Handle directory(opened);
  DWORD got = 0;
  return ::DeviceIoControl(directory.get(), FSCTL_SET_REPARSE_POINT, buffer.data(),
                           static_cast<DWORD>(offsetof(Mount, names) + names), nullptr, 0, &got, nullptr) != 0;
}

TEST(Atk28, AJunctionOnTheWayIsRefused) {
  const test::Scratch scratch;
  std::filesystem::create_directory(scratch / "inner");
  test::set_mode(scratch / "inner", 0700);
  scratch.write("inner/file", "contents", 0600);
  if (!make_junction(scratch / "junction", scratch / "inner")) {
    GTEST_SKIP() << "this file system makes no reparse points (Windows error " << ::GetLastError() << ")";
  }
  EXPECT_EQ(read_error(scratch / "junction/file"), Error::policy_unsafe);
  EXPECT_TRUE(mentions(sentence(scratch / "junction/file"), "reparse point"));
}

// The drive that Wine shows the whole Unix tree as: /tmp there may be written by everybody.
TEST(Atk28, ADirectoryOfAllUsersIsRefused) {
  const auto attributes = ::GetFileAttributesW(L"Z:\\tmp");
  if (attributes == INVALID_FILE_ATTRIBUTES) GTEST_SKIP() << "not under Wine";
  EXPECT_EQ(read_error("Z:\\tmp\\no-such-file"), Error::policy_unsafe);
}

}  // namespace
}  // namespace penstock::crypto
