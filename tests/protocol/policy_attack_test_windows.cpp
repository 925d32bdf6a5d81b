// ATK-28: what Windows has besides: a policy that is read by whoever, written by its editor, or in a stream.
#include <windows.h>

#include "crypto/windows_text.hpp"
#include "penstock/handle.hpp"
#include "tests/protocol/policy_attack_testing.hpp"
#include "tests/protocol/policy_testing.hpp"
#include "tests/support/scratch.hpp"

namespace penstock {
namespace {

using test::load_error;

TEST(Atk28, APolicyFileThatAnEditorStillWritesIsUnreadable) {
  const test::Scratch scratch;
  const auto path = scratch.write("policy.toml", test::whole_policy(), 0644);
  Handle editor(::CreateFileW(to_wide(path)->c_str(), GENERIC_WRITE,
                              FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, nullptr, OPEN_EXISTING, 0,
                              nullptr));
  EXPECT_EQ(load_error(path), Error::policy_unreadable);
  editor.reset();
  EXPECT_EQ(load_error(path), Error::none);
}

TEST(Atk28, APolicyIsNoStreamOfAnotherFile) {
  const test::Scratch scratch;
  const auto path = scratch.write("policy.toml", test::whole_policy(), 0644);
  EXPECT_EQ(load_error(path + ":other"), Error::policy_unreadable);
  EXPECT_EQ(load_error(path + "::$DATA"), Error::policy_unreadable);
  EXPECT_EQ(load_error(scratch.path() + ":$I30:$INDEX_ALLOCATION"), Error::policy_unreadable);
}

}  // namespace
}  // namespace penstock
