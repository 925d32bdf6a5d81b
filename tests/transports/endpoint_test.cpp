// Names that are refused, and where the others lie.
#include "penstock/endpoint.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

namespace penstock {
namespace {

using namespace std::string_literals;

TEST(Atk10, AbstractAndOtherwiseStrangeNamesAreRefused) {
  for (const auto& name : {""s, "\0helper"s, "helper\0"s, "@helper\n"s, "a/b"s, "../x"s, ".hidden"s, ".."s, "ünicode"s,
                           "a b"s, std::string(65, 'a')}) {
    const auto endpoint = Endpoint::make(name, Scope::machine);
    ASSERT_FALSE(endpoint.has_value()) << name;
    EXPECT_EQ(endpoint.error(), Error::name_invalid);
    EXPECT_FALSE(std::string(endpoint.error().sentence()).empty());
  }
}

TEST(Atk10, AbstractDirectoriesAreRefused) {
  for (const auto& directory : {"\0/tmp"s, "@/tmp"s, "tmp"s, "/tmp/../etc"s, "/tmp/./x"s, "/tmp/x\0y"s, "/"s, "//"s,
                                "/" + std::string(5000, 'a')}) {
    const auto endpoint = Endpoint::make("helper", Scope::machine, directory);
    ASSERT_FALSE(endpoint.has_value()) << directory;
    EXPECT_EQ(endpoint.error(), Error::invalid_argument);
  }
}

TEST(Endpoint, SentencesHoldNoControlCharacters) {
  const auto endpoint = Endpoint::make("a\x1b[2Jb", Scope::machine);
  ASSERT_FALSE(endpoint.has_value());
  EXPECT_EQ(std::string(endpoint.error().sentence()).find('\x1b'), std::string::npos);
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

TEST(Endpoint, ScopesHaveNames) {
  for (const Scope scope : {Scope::session, Scope::user, Scope::machine}) {
    const auto parsed = parse_scope(to_string(scope));
    ASSERT_TRUE(parsed.has_value());
    EXPECT_EQ(*parsed, scope);
  }
  for (const char* text : {"", "Session", "machine ", "all"})
    EXPECT_EQ(parse_scope(text).error(), Error::invalid_argument);
}

}  // namespace
}  // namespace penstock
