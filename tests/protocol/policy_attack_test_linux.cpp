// ATK-28: what Linux has besides: links, FIFOs, files of other users.
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "tests/crypto/child_linux.hpp"
#include "tests/protocol/policy_attack_testing.hpp"
#include "tests/protocol/policy_testing.hpp"
#include "tests/support/scratch.hpp"

namespace penstock {
namespace {

using test::load_error;

const std::string sound = test::whole_policy();

TEST(Atk28, APolicyFileBehindALinkIsRefused) {
  const test::Scratch scratch;
  std::filesystem::create_directory(scratch / "etc");
  scratch.write("etc/policy.toml", sound, 0644);
  std::filesystem::create_symlink("etc/policy.toml", scratch / "link.toml");
  std::filesystem::create_symlink("etc", scratch / "linked");
  EXPECT_EQ(load_error(scratch / "link.toml"), Error::policy_unsafe);
  EXPECT_EQ(load_error(scratch / "linked/policy.toml"), Error::policy_unsafe);
}

TEST(Atk28, AFifoIsRefusedAtOnce) {
  const test::Scratch scratch;
  ASSERT_EQ(::mkfifo((scratch / "fifo").c_str(), 0600), 0);
  EXPECT_EQ(load_error(scratch / "fifo"), Error::policy_unsafe);
}

TEST(Atk28, APolicyFileOfAnotherUserOrOneThatMayNotBeReadIsRefused) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to give files away and to become another user";
  constexpr uid_t mallory = 54322;
  const test::Scratch scratch;
  const auto path = scratch.write("policy.toml", sound, 0644);
  ASSERT_EQ(::chown(path.c_str(), mallory, 0), 0);
  EXPECT_EQ(load_error(path), Error::policy_unsafe);

  // Root's file, which the helper's user may not read.
  const auto own = scratch.write("root.toml", sound, 0600);
  test::set_mode(scratch.path(), 0755);
  const auto ending = test::in_child([&] {
    if (::setresuid(mallory, mallory, mallory) != 0) return 2;
    return load_error(own) == Error::policy_unreadable ? 0 : 1;
  });
  EXPECT_TRUE(ending.exited_with(0)) << ending.status;
}

}  // namespace
}  // namespace penstock
