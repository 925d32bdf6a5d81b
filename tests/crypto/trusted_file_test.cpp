// ATK-28: files that decide who is trusted, in every state in which somebody else could have written them.
#include "crypto/trusted_file.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/crypto/print.hpp"
#include "tests/crypto/scratch.hpp"

namespace penstock::crypto {
namespace {

constexpr TrustedFileRules rules{
    .secret = false, .max_size = 100, .unreadable = Error::policy_unreadable, .unsafe_ = Error::policy_unsafe};
constexpr unsigned nobody = 65534;

Error read_error(const std::string& path) {
  const auto contents = read_trusted_file(path, rules);
  return contents ? Error::none : contents.error().code();
}

std::string sentence(const std::string& path) {
  const auto contents = read_trusted_file(path, rules);
  return contents ? "" : std::string(contents.error().sentence());
}

bool mentions(const std::string& text, const std::string& word) {
  return text.find(word) != std::string::npos;
}

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
  ::chmod(scratch.path().c_str(), 0777);
  EXPECT_EQ(read_error("file"), Error::policy_unsafe);
  EXPECT_EQ(read_error("./file"), Error::policy_unsafe);
  std::filesystem::current_path(before);
}

TEST(Atk28, AFileThatOthersMayWriteIsRefused) {
  const test::Scratch scratch;
  for (const unsigned mode : {0664u, 0646u, 0666u, 0620u, 0602u}) {
    const auto path = scratch.write("file", "contents", mode);
    EXPECT_EQ(read_error(path), Error::policy_unsafe) << mode;
    EXPECT_TRUE(mentions(sentence(path), path) && mentions(sentence(path), "chmod go-w"));
  }
}

TEST(Atk28, ASecretThatOthersMayReadIsRefused) {
  const test::Scratch scratch;
  auto secret = rules;
  secret.secret = true;
  for (const unsigned mode : {0640u, 0604u, 0610u, 0601u, 0644u}) {
    const auto opened = open_trusted_file(scratch.write("file", "contents", mode), secret);
    ASSERT_FALSE(opened) << mode;
    EXPECT_EQ(opened.error(), Error::policy_unsafe);
    EXPECT_TRUE(mentions(std::string(opened.error().sentence()), "chmod 600"));
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
    ::chmod(inner.c_str(), mode);
    EXPECT_EQ(read_error(path), Error::policy_unsafe) << mode;
    EXPECT_TRUE(mentions(sentence(path), "chmod go-w " + inner)) << sentence(path);
  }
  ::chmod(inner.c_str(), 0755);
  EXPECT_EQ(read_error(path), Error::none);

  // A parent as well: who may write it may put another "inner" there. Unless it is sticky, as /tmp is.
  ::chmod(scratch.path().c_str(), 0777);
  EXPECT_EQ(read_error(path), Error::policy_unsafe);
  ::chmod(scratch.path().c_str(), 01777);
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
