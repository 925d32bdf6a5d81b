// A saved key's access-control list: its own from the first moment, whatever the directory would pass on.
#include <gtest/gtest.h>
#include <windows.h>

#include <sddl.h>

#include "crypto/file_access_windows.hpp"
#include "crypto/windows_text.hpp"
#include "penstock/handle.hpp"
#include "penstock/keys.hpp"
#include "tests/crypto/print.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/users.hpp"

namespace penstock {
namespace {

// Gives the directory a list that everything made in it would inherit.
void let_everybody_inherit(const std::string& directory) {
  const auto text = "D:P(A;OICI;FA;;;" + to_text(test::own_user()) + ")(A;OICIIO;FA;;;WD)";
  void* descriptor = nullptr;
  ASSERT_TRUE(::ConvertStringSecurityDescriptorToSecurityDescriptorW(to_wide(text)->c_str(), SDDL_REVISION_1,
                                                                     &descriptor, nullptr));
  EXPECT_TRUE(::SetFileSecurityW(to_wide(directory)->c_str(),
                                 DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION, descriptor));
  ::LocalFree(descriptor);
}

TEST(KeySave, InheritsNothing) {
  const test::Scratch scratch;
  let_everybody_inherit(scratch.path());
  const auto keys = StaticKeys::generate();
  ASSERT_TRUE(keys);
  const auto saved = keys->save(scratch / "key");
  ASSERT_TRUE(saved) << saved.error().sentence();
  EXPECT_EQ(test::mode_of(scratch / "key"), 0600u);
  EXPECT_TRUE(StaticKeys::load(scratch / "key"));
}

TEST(KeySave, TheListIsThisOne) {
  const auto user = to_text(test::own_user());
  EXPECT_EQ(crypto::NewFileSecurity::text(false), "O:" + user + "D:P(A;;FA;;;" + user + ")(A;;FA;;;SY)(A;;FA;;;BA)");
  EXPECT_EQ(crypto::NewFileSecurity::text(true), crypto::NewFileSecurity::text(false) + "(A;;FR;;;WD)");
}

TEST(KeySave, ANameThatIsNoFilesIsRefused) {
  const test::Scratch scratch;
  scratch.write("file", "contents", 0600);
  for (const char* const name : {"file:stream", "file::$DATA", "key.", "key ", "k*y", "k?y", "<key>", "k|y", "", "..",
                                 "\x01", "NUL", "con", "COM1"}) {
    const auto saved = PublicKey().save(scratch / name);
    ASSERT_FALSE(saved) << name;
    EXPECT_EQ(saved.error(), Error::key_unreadable) << name;
  }
  EXPECT_EQ(scratch.files(), 1u);
}

// Whoever holds the place open, or made it meanwhile, is not replaced.
TEST(KeySave, AnOpenFileIsNotReplacedEither) {
  const test::Scratch scratch;
  const auto path = scratch.write("key", "precious", 0600);
  Handle open(::CreateFileW(to_wide(path)->c_str(), GENERIC_READ | DELETE,
                            FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, nullptr, OPEN_EXISTING, 0,
                            nullptr));
  const auto saved = PublicKey().save(path);
  ASSERT_FALSE(saved);
  EXPECT_EQ(saved.error(), Error::invalid_argument);
  open.reset();
  EXPECT_EQ(test::contents_of(path), "precious");
  EXPECT_EQ(scratch.files(), 1u);
}

}  // namespace
}  // namespace penstock
