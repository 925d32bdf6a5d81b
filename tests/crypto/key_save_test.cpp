// A saved key appears whole or not at all, for its owner only, and replaces nothing.
#include <gtest/gtest.h>

#include <filesystem>

#include "penstock/keys.hpp"
#include "tests/crypto/print.hpp"
#include "tests/support/scratch.hpp"

namespace penstock {
namespace {

TEST(KeySave, WritesOneFileThatLoadsAgain) {
  const test::Scratch scratch;
  const auto keys = StaticKeys::generate();
  ASSERT_TRUE(keys);
  const test::Umask open(0);  // the mode must not depend on it
  const auto saved = keys->save(scratch / "key");
  const auto saved_public = keys->public_key().save(scratch / "key.pub");
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

TEST(KeySave, NeverReplacesWhatStandsThere) {
  const test::Scratch scratch;
  const auto keys = StaticKeys::generate();
  ASSERT_TRUE(keys);
  const auto path = scratch.write("key", "precious", 0600);
  std::filesystem::create_directory(scratch / "directory");
  for (const char* const name : {"key", "directory"}) {
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
  test::set_mode(scratch.path(), 0770);
  EXPECT_EQ(keys->save(scratch / "key").error(), Error::key_unsafe);
  EXPECT_EQ(scratch.files(), 0u);
  test::set_mode(scratch.path(), 0700);
  EXPECT_EQ(keys->save(scratch / "missing/key").error(), Error::key_unreadable);
  EXPECT_EQ(scratch.files(), 0u);
}

}  // namespace
}  // namespace penstock
