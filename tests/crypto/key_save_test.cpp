// A saved key appears whole or not at all, for its owner only, and replaces nothing.
#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>

#include "penstock/keys.hpp"
#include "tests/crypto/child.hpp"
#include "tests/crypto/print.hpp"
#include "tests/crypto/scratch.hpp"

namespace penstock {
namespace {

TEST(KeySave, WritesOneFileThatLoadsAgain) {
  const test::Scratch scratch;
  const auto keys = StaticKeys::generate();
  ASSERT_TRUE(keys);
  const auto before = ::umask(0);  // the mode must not depend on it
  const auto saved = keys->save(scratch / "key");
  const auto saved_public = keys->public_key().save(scratch / "key.pub");
  ::umask(before);
  ASSERT_TRUE(saved) << saved.error().sentence();
  ASSERT_TRUE(saved_public);
  EXPECT_EQ(test::mode_of(scratch / "key"), 0600u);
  EXPECT_EQ(test::mode_of(scratch / "key.pub"), 0644u);
  EXPECT_EQ(scratch.files(), 2u);
  EXPECT_EQ(test::contents_of(scratch / "key").size(), 89u);
  EXPECT_EQ(test::contents_of(scratch / "key.pub"), "penstock-public-key-v1 " + keys->public_key().to_hex() + "\n");

  const auto loaded = StaticKeys::load(scratch / "key");
  ASSERT_TRUE(loaded) << loaded.error().sentence();
  EXPECT_EQ(loaded->public_key(), keys->public_key());
  EXPECT_EQ(*PublicKey::load(scratch / "key.pub"), keys->public_key());
}

TEST(KeySave, AClosedUmaskStillLeavesThePublicKeyReadable) {
  const test::Scratch scratch;
  const auto before = ::umask(0777);
  const auto saved = PublicKey().save(scratch / "key.pub");
  ::umask(before);
  ASSERT_TRUE(saved) << saved.error().sentence();
  EXPECT_EQ(test::mode_of(scratch / "key.pub"), 0644u);
}

TEST(KeySave, NeverReplacesWhatStandsThere) {
  const test::Scratch scratch;
  const auto keys = StaticKeys::generate();
  ASSERT_TRUE(keys);
  const auto path = scratch.write("key", "precious", 0600);
  std::filesystem::create_symlink("elsewhere", scratch / "link");
  for (const char* const name : {"key", "link"}) {
    const auto saved = keys->save(scratch / name);
    ASSERT_FALSE(saved) << name;
    EXPECT_EQ(saved.error(), Error::invalid_argument);
    EXPECT_NE(saved.error().sentence().find("never overwritten"), std::string_view::npos);
  }
  EXPECT_EQ(test::contents_of(path), "precious");
  EXPECT_EQ(scratch.files(), 2u);
}

TEST(Atk28, NoKeyIsSavedWhereOthersMayWrite) {
  const test::Scratch scratch;
  const auto keys = StaticKeys::generate();
  ASSERT_TRUE(keys);
  ::chmod(scratch.path().c_str(), 0770);
  EXPECT_EQ(keys->save(scratch / "key").error(), Error::key_unsafe);
  EXPECT_EQ(scratch.files(), 0u);
  ::chmod(scratch.path().c_str(), 0700);
  EXPECT_EQ(keys->save(scratch / "missing/key").error(), Error::key_unreadable);
  EXPECT_EQ(scratch.files(), 0u);
}

// The write fails in its middle: the process may write no more than 40 bytes to a file.
TEST(Atk28, AWriteThatFailsHalfWayLeavesNothingBehind) {
  const test::Scratch scratch;
  const auto ending = test::in_child([&] {
    const auto keys = StaticKeys::generate();
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit small{40, 40};
    if (!keys || ::setrlimit(RLIMIT_FSIZE, &small) != 0) return 1;
    const auto saved = keys->save(scratch / "key");
    if (saved) return 2;
    if (!(saved.error() == Error::resource_exhausted)) return 3;
    return saved.error().sentence().find("nothing was left behind") != std::string_view::npos ? 0 : 4;
  });
  EXPECT_TRUE(ending.exited_with(0)) << ending.status;
  EXPECT_EQ(scratch.files(), 0u);
}

// A real full disk, where this user may mount one.
TEST(Atk28, AFullDiskLeavesNothingBehind) {
  const test::Scratch scratch;
  const auto ending = test::in_child([&] {
    constexpr int not_allowed = 77;
    if (::unshare(CLONE_NEWNS) != 0) return not_allowed;
    if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return not_allowed;
    if (::mount("none", scratch.path().c_str(), "tmpfs", 0, "size=16k,mode=0700") != 0) return not_allowed;
    const int filler = ::open((scratch / "filler").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    const std::string page(4096, 'x');
    while (::write(filler, page.data(), page.size()) > 0) continue;
    ::close(filler);

    const auto keys = StaticKeys::generate();
    if (!keys) return 1;
    if (!(keys->save(scratch / "key").error() == Error::resource_exhausted)) return 2;
    if (scratch.files() != 1) return 3;
    ::unlink((scratch / "filler").c_str());
    return keys->save(scratch / "key") ? 0 : 4;
  });
  if (ending.exited_with(77)) GTEST_SKIP() << "this user may not mount a small disk";
  EXPECT_TRUE(ending.exited_with(0)) << ending.status;
}

TEST(KeySave, ADirectoryThatWeMayNotWriteIsSaidSo) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to be somebody else";
  const test::Scratch scratch;
  ::chmod(scratch.path().c_str(), 0755);
  const auto ending = test::in_child([&] {
    if (::setgroups(0, nullptr) != 0 || ::setgid(65534) != 0 || ::setuid(65534) != 0) return 1;
    return PublicKey().save(scratch / "key.pub").error() == Error::permission_denied ? 0 : 2;
  });
  EXPECT_TRUE(ending.exited_with(0)) << ending.status;
}

}  // namespace
}  // namespace penstock
