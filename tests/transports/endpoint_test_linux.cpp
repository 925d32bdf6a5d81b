// Where endpoints lie: directories.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include "penstock/endpoint.hpp"

namespace penstock {
namespace {

using namespace std::string_literals;

TEST(Atk10, AbstractDirectoriesAreRefused) {
  for (const auto& directory : {"\0/tmp"s, "@/tmp"s, "tmp"s, "/tmp/../etc"s, "/tmp/./x"s, "/tmp/x\0y"s, "/"s, "//"s,
                                "/" + std::string(5000, 'a')}) {
    const auto endpoint = Endpoint::make("helper", Scope::machine, directory);
    ASSERT_FALSE(endpoint.has_value()) << directory;
    EXPECT_EQ(endpoint.error(), Error::invalid_argument);
  }
}

TEST(Endpoint, EqualDirectoriesAreEqualStrings) {
  const auto endpoint = Endpoint::make("A.b_c-9", Scope::user, "//srv///x/");
  ASSERT_TRUE(endpoint.has_value());
  EXPECT_EQ(endpoint->directory(), "/srv/x");
  EXPECT_EQ(endpoint->describe(), "user:A.b_c-9 (/srv/x/A.b_c-9.sock)");
  EXPECT_TRUE(Endpoint::make(std::string(64, 'a'), Scope::user, "/srv").has_value());
}

TEST(Endpoint, ScopesHaveTheirOwnDirectories) {
  ASSERT_EQ(::setenv("XDG_RUNTIME_DIR", "/run/somewhere/", 1), 0);
  EXPECT_EQ(Endpoint::make("x", Scope::user)->directory(), "/run/somewhere/penstock");
  ASSERT_EQ(::setenv("XDG_RUNTIME_DIR", "relative", 1), 0);
  EXPECT_EQ(Endpoint::make("x", Scope::user)->directory(), "/run/user/" + std::to_string(::geteuid()) + "/penstock");
  ASSERT_EQ(::unsetenv("XDG_RUNTIME_DIR"), 0);
  EXPECT_EQ(Endpoint::make("x")->directory(), "/run/user/" + std::to_string(::geteuid()) + "/penstock");
  EXPECT_EQ(Endpoint::make("x", Scope::machine)->directory(), "/run/penstock");
}

}  // namespace
}  // namespace penstock
