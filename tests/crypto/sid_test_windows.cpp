// Security identifiers as text and as bytes: one form each.
#include <gtest/gtest.h>
#include <windows.h>

#include <sddl.h>

#include <array>
#include <cstring>
#include <string>
#include <vector>

#include "crypto/file_access_windows.hpp"
#include "crypto/windows_text.hpp"
#include "penstock/native.hpp"

namespace penstock {
namespace {

TEST(Sid, WhatWindowsWritesIsReadAndWrittenAlike) {
  for (const char* const text : {"S-1-0-0", "S-1-1-0", "S-1-5-18", "S-1-5-32-544", "S-1-5-21-1-2-3-1000", "S-1-16-8192",
                                 "S-1-5-21-4294967295-0-1-2", "S-1-0x010000000000-7", "S-1-15-2-1-2-3-4-5-6-7"}) {
    const auto sid = Sid::parse(text);
    ASSERT_TRUE(sid) << text;
    EXPECT_EQ(to_text(*sid), text);
    EXPECT_EQ(Sid::from_bytes(sid->bytes()), sid);
    if (std::string_view(text).find('x') != std::string_view::npos) continue;  // Wine 8 drops the upper digits
    PSID theirs = nullptr;
    ASSERT_TRUE(::ConvertStringSidToSidW(to_wide(text)->c_str(), &theirs)) << text;
    EXPECT_EQ(::GetLengthSid(theirs), sid->bytes().size());
    EXPECT_EQ(std::memcmp(theirs, sid->bytes().data(), sid->bytes().size()), 0) << text;
    ::LocalFree(theirs);
  }
}

TEST(Sid, WhatIsNoSidIsRefused) {
  for (const char* const text : {"",
                                 "S",
                                 "S-1",
                                 "S-1-",
                                 "S-1--5",
                                 "S-2-5-18",
                                 "S-1-5-",
                                 "S-1-5-18-",
                                 " S-1-5-18",
                                 "S-1-5-18 ",
                                 "s-1-5-18",
                                 "S-1-5-+1",
                                 "S-1-5--1",
                                 "S-1-5-4294967296",
                                 "S-1-5-0x12",
                                 "S-1-0x5-18",
                                 "S-1-281474976710656-1",
                                 "S-1-5-1-2-3-4-5-6-7-8-9-10-11-12-13-14-15-16",
                                 "Administrators",
                                 "S-1-5-18\n"}) {
    EXPECT_FALSE(Sid::parse(text)) << text;
  }
  EXPECT_FALSE(Sid::parse(std::string_view("S-1-5-18\0", 9)));
  const auto system = Sid::parse("S-1-5-18").value();
  auto bytes = std::vector<std::byte>(system.bytes().begin(), system.bytes().end());
  EXPECT_TRUE(Sid::from_bytes(bytes));
  bytes.push_back(std::byte{});
  EXPECT_FALSE(Sid::from_bytes(bytes));
  bytes.resize(bytes.size() - 2);
  EXPECT_FALSE(Sid::from_bytes(bytes));
  EXPECT_FALSE(Sid::from_bytes({}));
  bytes.assign(12, std::byte{1});
  bytes[0] = std::byte{2};  // a revision that nobody knows
  EXPECT_FALSE(Sid::from_bytes(bytes));
}

TEST(Sid, NobodyEqualsNobodyElse) {
  EXPECT_FALSE(no_user.valid());
  EXPECT_EQ(to_text(no_user), "nobody");
  EXPECT_NE(no_user, *Sid::parse("S-1-0-0"));
  EXPECT_LT(no_user, *Sid::parse("S-1-0-0"));
  EXPECT_TRUE(crypto::process_user().valid());
}

}  // namespace
}  // namespace penstock
