// A descriptor is closed exactly once.
#include <fcntl.h>
#include <gtest/gtest.h>

#include "penstock/handle.hpp"

namespace penstock {
namespace {

TEST(HandleClose, ClosesOnceAndForgets) {
  Handle handle(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  ASSERT_TRUE(handle.valid());
  const int raw = handle.get();
  handle.reset();
  EXPECT_FALSE(handle.valid());
  EXPECT_EQ(::fcntl(raw, F_GETFD), -1);

  // The number is another's now: a second reset must not touch it.
  const Handle other(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  ASSERT_EQ(other.get(), raw);
  handle.reset();
  EXPECT_NE(::fcntl(raw, F_GETFD), -1);
}

}  // namespace
}  // namespace penstock
