// ATK-28: what Linux has besides: links, FIFOs, sticky directories, files of other users.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "tests/crypto/print.hpp"
#include "tests/crypto/trusted_file_testing.hpp"
#include "tests/support/scratch.hpp"

namespace penstock::crypto {
namespace {

using test::mentions;
using test::read_error;
using test::sentence;

constexpr unsigned nobody = 65534;

TEST(Atk28, ASecretThatOthersMayOnlyExecuteIsRefusedToo) {
  const test::Scratch scratch;
  auto secret = test::rules;
  secret.secret = true;
  for (const unsigned mode : {0610u, 0601u}) {
    const auto opened = open_trusted_file(scratch.write("file", "contents", mode), secret);
    ASSERT_FALSE(opened) << mode;
    EXPECT_EQ(opened.error(), Error::policy_unsafe);
  }
}

// Who may write a parent may put another directory there. Unless it is sticky, as /tmp is.
TEST(Atk28, AParentThatEverybodyMayWriteIsAcceptedIfItIsSticky) {
  const test::Scratch scratch;
  std::filesystem::create_directory(scratch / "inner");
  const auto path = scratch.write("inner/file", "contents", 0600);
  test::set_mode(scratch / "inner", 0755);
  test::set_mode(scratch.path(), 0777);
  EXPECT_EQ(read_error(path), Error::policy_unsafe);
  test::set_mode(scratch.path(), 01777);
  EXPECT_EQ(read_error(path), Error::none);
}

TEST(Atk28, LinksAreRefusedAsTheFileAndOnTheWay) {
  const test::Scratch scratch;
  std::filesystem::create_directory(scratch / "inner");
  scratch.write("inner/file", "contents", 0600);
  std::filesystem::create_symlink("inner/file", scratch / "link");
  std::filesystem::create_directory_symlink("inner", scratch / "shortcut");
  for (const char* const name : {"link", "shortcut/file"}) {
    EXPECT_EQ(read_error(scratch / name), Error::policy_unsafe) << name;
    EXPECT_TRUE(mentions(sentence(scratch / name), "symbolic link"));
  }
}

TEST(Atk28, OnlyRegularFilesAreRead) {
  const test::Scratch scratch;
  ASSERT_EQ(::mkfifo((scratch / "fifo").c_str(), 0600), 0);
  std::filesystem::create_directory(scratch / "directory");
  EXPECT_EQ(read_error(scratch / "fifo"), Error::policy_unsafe);  // and does not hang
  EXPECT_EQ(read_error(scratch / "directory"), Error::policy_unsafe);
  EXPECT_EQ(read_error("/dev/null"), Error::policy_unsafe);
}

TEST(Atk28, AnotherUsersFileOrDirectoryIsRefused) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  const test::Scratch scratch;
  std::filesystem::create_directory(scratch / "inner");
  const auto path = scratch.write("inner/file", "contents", 0600);
  ASSERT_EQ(::chown(path.c_str(), nobody, nobody), 0);
  EXPECT_EQ(read_error(path), Error::policy_unsafe);
  EXPECT_TRUE(mentions(sentence(path), "belongs to user 65534") && mentions(sentence(path), "chown 0 " + path));
  ASSERT_EQ(::chown(path.c_str(), 0, 0), 0);
  ASSERT_EQ(::chown((scratch / "inner").c_str(), nobody, nobody), 0);
  EXPECT_EQ(read_error(path), Error::policy_unsafe);
}

}  // namespace
}  // namespace penstock::crypto
