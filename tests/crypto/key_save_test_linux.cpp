// Saving keys where the disk, the umask or the directory's owner stand in the way.
#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "penstock/keys.hpp"
#include "tests/crypto/child_linux.hpp"
#include "tests/crypto/print.hpp"
#include "tests/support/scratch.hpp"

namespace penstock {
namespace {

TEST(KeySave, AClosedUmaskStillLeavesThePublicKeyReadable) {
  const test::Scratch scratch;
  const auto before = ::umask(0777);
  const auto saved = PublicKey().save(scratch / "key.pub");
  ::umask(before);
  ASSERT_TRUE(saved) << saved.error().sentence();
  EXPECT_EQ(test::mode_of(scratch / "key.pub"), 0644u);
}

TEST(KeySave, NeverReplacesALinkEither) {
  const test::Scratch scratch;
  std::filesystem::create_symlink("elsewhere", scratch / "link");
  const auto saved = PublicKey().save(scratch / "link");
  ASSERT_FALSE(saved);
  EXPECT_EQ(saved.error(), Error::invalid_argument);
  EXPECT_EQ(scratch.files(), 1u);
}

TEST(Atk28, AKeyFileThatIsALinkOrAFifoIsRefused) {
  const test::Scratch scratch;
  const auto keys = StaticKeys::generate();
  ASSERT_TRUE(keys);
  ASSERT_TRUE(keys->save(scratch / "key"));
  std::filesystem::create_symlink("key", scratch / "link");
  EXPECT_EQ(StaticKeys::load(scratch / "link").error(), Error::key_unsafe);
  ASSERT_EQ(::mkfifo((scratch / "fifo").c_str(), 0600), 0);
  EXPECT_EQ(StaticKeys::load(scratch / "fifo").error(), Error::key_unsafe);
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
