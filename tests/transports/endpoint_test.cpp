// Names that are refused.
#include "penstock/endpoint.hpp"

#include <gtest/gtest.h>

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

TEST(Endpoint, SentencesHoldNoControlCharacters) {
  const auto endpoint = Endpoint::make("a\x1b[2Jb", Scope::machine);
  ASSERT_FALSE(endpoint.has_value());
  EXPECT_EQ(std::string(endpoint.error().sentence()).find('\x1b'), std::string::npos);
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
