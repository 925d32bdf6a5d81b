// GoogleTest's main, and the way into a second process's role.
#include <gtest/gtest.h>

#include "tests/support/child.hpp"

int main(int argc, char** argv) {
  penstock::test::run_role_if_told(argc, argv);
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
