// ATK-28: a policy file that is unreadable, half-written, or in a place where others could have put it.
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/crypto/child.hpp"
#include "tests/crypto/scratch.hpp"
#include "tests/protocol/policy_testing.hpp"

namespace penstock {
namespace {

using test::mentions;

const std::string whole = R"(# who may use the broker
version = 1

[[rule]]
name = "administrators"
trust = "os-identity"
users = [0, 1000]
login_session = 31
cgroup = "/user.slice/*"
binding = "user"
operations = ["open", "message"]

[[rule]]
name = "tray"
trust = "static-key"
users = [
  1001,   # alice
  1002,
]
public_keys = ["1111111111111111111111111111111111111111111111111111111111111111"]
min_strength = "pinned"
operations = ["message"]   # and no more

[[rule]]
name = "helper"
trust = "launch-secret"
operations = ["*"]
)";

Error load_error(const std::string& path) {
  const auto policy = Policy::load(path);
  return policy ? Error::none : policy.error().code();
}

TEST(Atk28, APolicyFileCutAnywhereIsRefusedOrGrantsLess) {
  const test::Scratch scratch;
  const auto full = Policy::load(scratch.write("whole.toml", whole, 0644));
  ASSERT_TRUE(full) << full.error().sentence();
  ASSERT_EQ(full->rules().size(), 3u);
  std::size_t refused = 0;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto path = scratch.write("cut.toml", whole.substr(0, size), 0644);
    const auto cut = Policy::load(path);
    if (!cut) {
      EXPECT_EQ(cut.error().code(), Error::policy_invalid) << size;
      ++refused;
      continue;
    }
    // What is left is the first rules, each whole: none has lost a restriction.
    ASSERT_LE(cut->rules().size(), full->rules().size()) << size;
    for (std::size_t at = 0; at < cut->rules().size(); ++at) EXPECT_EQ(cut->rules()[at], full->rules()[at]) << size;
  }
  // Accepted only between a whole rule and the header of the next.
  EXPECT_GT(refused, whole.size() * 3 / 4);
}

// Without the order that is demanded of a rule, this cut would have widened it to every user.
TEST(Atk28, ARestrictionAfterTheGrantIsRefusedBecauseACutWouldLoseIt) {
  const std::string text =
      "version = 1\n[[rule]]\nname = \"r\"\ntrust = \"os-identity\"\noperations = [\"*\"]\nusers = [0]\n";
  EXPECT_FALSE(Policy::parse(text));
  EXPECT_TRUE(mentions(Policy::parse(text).error().sentence(), "operations must be the last key"));
}

TEST(Atk28, APolicyFileThatOthersMayWriteIsRefused) {
  const test::Scratch scratch;
  for (const unsigned mode : {0664u, 0646u, 0666u, 0777u}) {
    EXPECT_EQ(load_error(scratch.write("policy.toml", whole, mode)), Error::policy_unsafe) << mode;
  }
  for (const unsigned mode : {0600u, 0644u, 0444u}) {
    EXPECT_EQ(load_error(scratch.write("policy.toml", whole, mode)), Error::none) << mode;
  }
}

TEST(Atk28, APolicyFileInADirectoryThatOthersMayWriteIsRefused) {
  const test::Scratch scratch;
  std::filesystem::create_directory(scratch / "etc");
  const auto path = scratch.write("etc/policy.toml", whole, 0644);
  ASSERT_EQ(load_error(path), Error::none);
  for (const unsigned mode : {0775u, 0757u, 01777u}) {
    ::chmod((scratch / "etc").c_str(), mode);
    EXPECT_EQ(load_error(path), Error::policy_unsafe) << mode;
  }
  ::chmod((scratch / "etc").c_str(), 0755);
  ::chmod(scratch.path().c_str(), 0777);
  EXPECT_EQ(load_error(path), Error::policy_unsafe);
}

TEST(Atk28, APolicyFileBehindALinkIsRefused) {
  const test::Scratch scratch;
  std::filesystem::create_directory(scratch / "etc");
  scratch.write("etc/policy.toml", whole, 0644);
  std::filesystem::create_symlink("etc/policy.toml", scratch / "link.toml");
  std::filesystem::create_symlink("etc", scratch / "linked");
  EXPECT_EQ(load_error(scratch / "link.toml"), Error::policy_unsafe);
  EXPECT_EQ(load_error(scratch / "linked/policy.toml"), Error::policy_unsafe);
}

TEST(Atk28, WhatIsNoRegularFileIsRefusedAtOnce) {
  const test::Scratch scratch;
  ASSERT_EQ(::mkfifo((scratch / "fifo").c_str(), 0600), 0);
  EXPECT_EQ(load_error(scratch / "fifo"), Error::policy_unsafe);
  EXPECT_EQ(load_error(scratch.path()), Error::policy_unsafe);
  EXPECT_NE(load_error("/dev/null"), Error::none);
  EXPECT_EQ(load_error(scratch / "missing.toml"), Error::policy_unreadable);
  EXPECT_EQ(load_error(scratch / "missing/policy.toml"), Error::policy_unreadable);
  EXPECT_EQ(load_error(""), Error::policy_unreadable);
}

TEST(Atk28, AHugePolicyFileIsNotRead) {
  const test::Scratch scratch;
  std::string text = whole;
  text.resize(std::size_t{1} << 20, '\n');
  EXPECT_EQ(load_error(scratch.write("policy.toml", text, 0600)), Error::none);
  text += '\n';
  EXPECT_EQ(load_error(scratch.write("policy.toml", text, 0600)), Error::policy_unreadable);
}

TEST(Atk28, APolicyFileOfAnotherUserOrOneThatMayNotBeReadIsRefused) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to give files away and to become another user";
  constexpr uid_t mallory = 54322;
  const test::Scratch scratch;
  const auto path = scratch.write("policy.toml", whole, 0644);
  ASSERT_EQ(::chown(path.c_str(), mallory, 0), 0);
  EXPECT_EQ(load_error(path), Error::policy_unsafe);

  // Root's file, which the helper's user may not read.
  const auto own = scratch.write("root.toml", whole, 0600);
  ::chmod(scratch.path().c_str(), 0755);
  const auto ending = test::in_child([&] {
    if (::setresuid(mallory, mallory, mallory) != 0) return 2;
    return load_error(own) == Error::policy_unreadable ? 0 : 1;
  });
  EXPECT_TRUE(ending.exited_with(0)) << ending.status;
}

}  // namespace
}  // namespace penstock
