// ATK-28: files that decide who is trusted, in every state in which somebody else could have written them.
#include "crypto/trusted_file.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/crypto/print.hpp"
#include "tests/crypto/trusted_file_testing.hpp"
#include "tests/support/scratch.hpp"

namespace penstock::crypto {
namespace {

using test::mentions;
using test::read_error;
using test::rules;
using test::sentence;

TEST(TrustedFile, ReadsWhatIsSafe) {
  const test::Scratch scratch;
  EXPECT_EQ(*read_trusted_file(scratch.write("file", "contents", 0644), rules), "contents");
  EXPECT_EQ(*read_trusted_file(scratch.write("empty", "", 0600), rules), "");
  EXPECT_EQ(read_trusted_file(scratch.write("full", std::string(100, 'x'), 0600), rules)->size(), 100u);
  std::filesystem::create_directory(scratch / "directory");
  EXPECT_EQ(*read_trusted_file(scratch / "directory/.././/file", rules), "contents");
}

TEST(TrustedFile, ARelativePathIsWalkedFromTheRootToo) {
  const test::Scratch scratch;
  scratch.write("file", "contents", 0644);
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(scratch.path());
  EXPECT_EQ(read_error("file"), Error::none);
  test::set_mode(scratch.path(), 0777);
  EXPECT_EQ(read_error("file"), Error::policy_unsafe);
  EXPECT_EQ(read_error("./file"), Error::policy_unsafe);
  std::filesystem::current_path(before);
}

TEST(Atk28, AFileThatOthersMayWriteIsRefused) {
  const test::Scratch scratch;
  for (const unsigned mode : {0664u, 0646u, 0666u, 0620u, 0602u}) {
    const auto path = scratch.write("file", "contents", mode);
    EXPECT_EQ(read_error(path), Error::policy_unsafe) << mode;
    EXPECT_TRUE(mentions(sentence(path), path) && mentions(sentence(path), test::remedy("go-w", path)));
  }
}

TEST(Atk28, ASecretThatOthersMayReadIsRefused) {
  const test::Scratch scratch;
  auto secret = rules;
  secret.secret = true;
  for (const unsigned mode : {0640u, 0604u, 0644u}) {
    const auto path = scratch.write("file", "contents", mode);
    const auto opened = open_trusted_file(path, secret);
    ASSERT_FALSE(opened) << mode;
    EXPECT_EQ(opened.error(), Error::policy_unsafe);
    EXPECT_TRUE(mentions(std::string(opened.error().sentence()), test::remedy("600", path)));
  }
  EXPECT_TRUE(open_trusted_file(scratch.write("file", "contents", 0600), secret));
  EXPECT_TRUE(open_trusted_file(scratch.write("file", "contents", 0400), secret));
}

TEST(Atk28, ADirectoryThatOthersMayWriteIsRefused) {
  const test::Scratch scratch;
  std::filesystem::create_directory(scratch / "inner");
  const auto path = scratch.write("inner/file", "contents", 0600);
  const auto inner = scratch / "inner";
  for (const unsigned mode : {0770u, 0707u, 0777u, 01777u}) {
    test::set_mode(inner, mode);
    EXPECT_EQ(read_error(path), Error::policy_unsafe) << mode;
    EXPECT_TRUE(mentions(sentence(path), test::remedy("go-w", inner))) << sentence(path);
  }
  test::set_mode(inner, 0755);
  EXPECT_EQ(read_error(path), Error::none);

  // A parent as well: who may write it may put another "inner" there.
  test::set_mode(scratch.path(), 0777);
  EXPECT_EQ(read_error(path), Error::policy_unsafe);
}

TEST(Atk28, MissingTooLargeAndNamelessFilesAreUnreadable) {
  const test::Scratch scratch;
  EXPECT_EQ(read_error(scratch / "missing"), Error::policy_unreadable);
  EXPECT_EQ(read_error(scratch / "missing/file"), Error::policy_unreadable);
  EXPECT_EQ(read_error(scratch.write("large", std::string(101, 'x'), 0600)), Error::policy_unreadable);
  for (const std::string& name : {std::string(), scratch.path() + "/", std::string("."), std::string("/.."),
                                  (scratch / "large") + std::string(1, '\0') + ".txt"}) {
    EXPECT_EQ(read_error(name), Error::policy_unreadable) << name;
  }
  EXPECT_TRUE(mentions(sentence(scratch / "missing"), scratch / "missing"));
}

}  // namespace
}  // namespace penstock::crypto
