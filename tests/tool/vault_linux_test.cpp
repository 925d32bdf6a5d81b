// What only Linux has: descriptors and their flags, symbolic links.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "examples/file_broker/vault.hpp"
#include "tests/support/temp_directory.hpp"

namespace file_broker {
namespace {

TEST(Vault, DescriptorIsForReadingAndNotInherited) {
  const penstock::test::TempDirectory here;
  std::ofstream(here.file("a")) << "text";
  const Vault vault(here.path(), {"a"});
  ASSERT_TRUE(vault.is_open());
  const auto opened = vault.open("a");
  ASSERT_EQ(opened.outcome, Outcome::opened);
  EXPECT_EQ(::fcntl(opened.file.get(), F_GETFL) & O_ACCMODE, O_RDONLY);
  EXPECT_NE(::fcntl(opened.file.get(), F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_EQ(::write(opened.file.get(), "x", 1), -1);
}

TEST(Vault, NoLinkIsFollowedAnywhere) {
  const penstock::test::TempDirectory here;
  ::mkdir(here.file("docs").c_str(), 0700);
  std::ofstream(here.file("docs/file")) << "file";
  ASSERT_EQ(::symlink("file", here.file("docs/last").c_str()), 0);
  ASSERT_EQ(::symlink("docs", here.file("first").c_str()), 0);
  const Vault vault(here.path(), {"docs/*", "first/*"});
  EXPECT_EQ(vault.open("docs/last").outcome, Outcome::outside);
  EXPECT_EQ(vault.open("first/file").outcome, Outcome::outside);
}

}  // namespace
}  // namespace file_broker
