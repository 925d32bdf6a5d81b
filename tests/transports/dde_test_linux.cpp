#include <gtest/gtest.h>

#include "tests/support/endpoints.hpp"
#include "transports/dde/dde.hpp"

namespace penstock::transport {
namespace {

TEST(Dde, IsRefusedWhereThereIsNone) {
  const test::TempDirectory directory;
  const auto endpoint = test::endpoint_in(directory);
  EXPECT_EQ(DdeListener::open(endpoint).error(), Error::unsupported);
  EXPECT_EQ(connect_dde(endpoint, {}, {}).error(), Error::unsupported);
}

}  // namespace
}  // namespace penstock::transport
