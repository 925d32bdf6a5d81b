// The text of an EXECUTE: what it means, and every way in which it is none.
#include "tool/dde_command.hpp"

#include <gtest/gtest.h>

namespace penstock::tool {
namespace {

using namespace std::string_view_literals;
using Commands = std::vector<DdeCommand>;

std::string repeated(std::string_view text, std::size_t times) {
  std::string out;
  while (times-- > 0) out += text;
  return out;
}

TEST(DdeCommand, WhatTextsMean) {
  const struct {
    std::string_view text;
    Commands commands;
  } table[] = {
      {"[open]", {{"open", {}}}},
      {"[open()]", {{"open", {}}}},
      {R"([open("C:\a b.txt")])", {{"open", {R"(C:\a b.txt)"}}}},
      {R"([open("")])", {{"open", {""}}}},
      {R"([open("a""b")])", {{"open", {"a\"b"}}}},
      {R"([open("""")])", {{"open", {"\""}}}},
      {R"([open("""""")])", {{"open", {"\"\""}}}},
      {R"([open("[x]("",),")])", {{"open", {"[x](\",),"}}}},
      {"[ViewFolder(\"%l\", %I, 5)]", {{"ViewFolder", {"%l", "%I", "5"}}}},
      {"[a( x , \" y \" )]", {{"a", {"x", " y "}}}},
      {"[a(-5,results.txt,:12:34)]", {{"a", {"-5", "results.txt", ":12:34"}}}},
      {"[connect][download(query1,\"x\")][disconnect]", {{"connect", {}}, {"download", {"query1", "x"}}, {"disconnect", {}}}},
      {"[A_z09]", {{"A_z09", {}}}},
      {"[a(\"\xC3\xBC\xE2\x82\xAC\xF0\x9F\x98\x80\")]", {{"a", {"\xC3\xBC\xE2\x82\xAC\xF0\x9F\x98\x80"}}}},
  };
  for (const auto& row : table) {
    const auto found = parse_dde_commands(row.text);
    ASSERT_TRUE(found) << row.text << ": " << found.error().sentence();
    EXPECT_EQ(*found, row.commands) << row.text;
    // The one form says the same.
    std::string canonical;
    for (const auto& command : *found) canonical += to_dde_text(command);
    const auto again = parse_dde_commands(canonical);
    ASSERT_TRUE(again) << canonical;
    EXPECT_EQ(*again, row.commands) << canonical;
  }
}

TEST(DdeCommand, WhatIsRefusedAndWhere) {
  const struct {
    std::string_view text;
    std::size_t character;
    std::string_view why;
  } table[] = {
      {"", 1, "begins with ["},
      {"open", 1, "begins with ["},
      {" [open]", 1, "begins with ["},
      {"(open)", 1, "begins with ["},
      {"\"[open]\"", 1, "begins with ["},
      {"[", 2, "letters, digits"},
      {"[]", 2, "letters, digits"},
      {"[ open]", 2, "letters, digits"},
      {"[[open]]", 2, "letters, digits"},
      {"[(\"a\")]", 2, "letters, digits"},
      {"[\"open\"]", 2, "letters, digits"},
      {"[\xC3\xBC]", 2, "letters, digits"},
      {"[open", 6, "ends with ]"},
      {"[open ]", 6, "ends with ]"},
      {"[open-x]", 6, "ends with ]"},
      {"[open.x]", 6, "ends with ]"},
      {"[open(]", 7, "missing"},
      {"[open(", 7, "missing"},
      {"[open()", 8, "ends with ]"},
      {"[open() ]", 8, "ends with ]"},
      {"[open())]", 8, "ends with ]"},
      {"[open( )]", 8, "missing"},
      {"[open(,)]", 7, "missing"},
      {"[open(a,)]", 9, "missing"},
      {"[open(a,,b)]", 9, "missing"},
      {"[open(,a)]", 7, "missing"},
      {"[open(a b)]", 9, "followed by"},
      {"[open(\"a\"b)]", 10, "followed by"},
      {"[open(\"a\" \"b\")]", 11, "followed by"},
      {"[open(a\"b\")]", 8, "followed by"},
      {"[open(a]", 8, "followed by"},
      {"[open(a(b))]", 8, "followed by"},
      {"[open(a[b])]", 8, "followed by"},
      {"[open((a))]", 7, "missing"},
      {"[open([a])]", 7, "missing"},
      {"[open(\"a)]", 11, "not closed"},
      {"[open(\"a\"\")]", 13, "not closed"},
      {"[open(\"", 8, "not closed"},
      {"[open(a)", 9, "ends with ]"},
      {"[open(a)](b)", 10, "begins with ["},
      {"[open]x", 7, "begins with ["},
      {"[open] ", 7, "begins with ["},
      {"[open]\n", 7, "begins with ["},
      {"[open] [close]", 7, "begins with ["},
      {"[open];[close]", 7, "begins with ["},
      {"[open][", 8, "letters, digits"},
      {"[open]]", 7, "begins with ["},
      {"[open(\"a\tb\")]", 9, "control"},
      {"[open(\"a\nb\")]", 9, "control"},
      {"[open(\"\x1b[2J\")]", 8, "control"},
      {"[open(\"\x7f\")]", 8, "control"},
      {"[open(\"\xC2\x85\")]", 8, "control"},
      {"[open(\"\xE2\x80\xAEtxt.exe\")]", 8, "control"},
      {"[open(\"\xE2\x80\xA8\")]", 8, "control"},
      {"[open(\"a\0b\")]"sv, 9, "control"},
      {"[open(\xC3\xBC)]", 7, "missing"},
      {"[open(a\xC3\xBC)]", 8, "followed by"},
      {"[open(\t\"a\")]", 7, "missing"},
      {"[open\0]"sv, 6, "ends with ]"},
      // Counted in characters, not in bytes.
      {"[open(\"\xC3\xBC\xE2\x82\xAC\")x", 12, "ends with ]"},
  };
  for (const auto& row : table) {
    const auto found = parse_dde_commands(row.text);
    ASSERT_FALSE(found) << row.text;
    EXPECT_EQ(found.error(), Error::message_malformed) << row.text;
    const auto sentence = found.error().sentence();
    EXPECT_TRUE(sentence.starts_with("Character " + std::to_string(row.character) + ": ")) << row.text << ": " << sentence;
    EXPECT_NE(sentence.find(row.why), std::string_view::npos) << row.text << ": " << sentence;
  }
}

TEST(DdeCommand, WhatIsNoUtf8) {
  for (const auto bad : {"\x80"sv, "\xC3"sv, "\xC0\xAF"sv, "\xED\xA0\x80"sv, "\xF4\x90\x80\x80"sv, "\xFF"sv, "\xE2\x82"sv}) {
    const auto found = parse_dde_commands("[a(\"" + std::string(bad) + "\")]");
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error(), Error::message_malformed);
  }
}

// Every control character, at every place of a text that is right without it.
TEST(DdeCommand, NoControlCharacterPassesAnywhere) {
  const std::string sound = R"([open("a",b)][close])";
  for (int c = 0; c < 256; ++c) {
    if (c >= ' ' && c < 0x7F) continue;
    for (std::size_t at = 0; at <= sound.size(); ++at) {
      auto text = sound;
      text.insert(at, 1, static_cast<char>(c));
      EXPECT_FALSE(parse_dde_commands(text)) << c << " at " << at;
    }
  }
}

TEST(DdeCommand, NoBeginningOfACommandIsOne) {
  const std::string sound = R"([open("C:\a.txt", 5)][close])";
  ASSERT_TRUE(parse_dde_commands(sound));
  for (std::size_t size = 0; size < sound.size(); ++size) {
    const auto found = parse_dde_commands(std::string_view(sound).substr(0, size));
    EXPECT_EQ(found.has_value(), size == sound.find("[close]")) << size;
  }
}

TEST(DdeCommand, Bounds) {
  EXPECT_TRUE(parse_dde_commands(repeated("[a]", 32)));
  EXPECT_EQ(parse_dde_commands(repeated("[a]", 33)).error(), Error::message_too_large);
  EXPECT_TRUE(parse_dde_commands("[a(1" + repeated(",1", 15) + ")]"));
  EXPECT_EQ(parse_dde_commands("[a(1" + repeated(",1", 16) + ")]").error(), Error::message_too_large);
  EXPECT_TRUE(parse_dde_commands('[' + repeated("n", 32) + ']'));
  EXPECT_EQ(parse_dde_commands('[' + repeated("n", 33) + ']').error(), Error::message_malformed);
  EXPECT_TRUE(parse_dde_commands("[a(\"" + repeated("x", 8192 - 7) + "\")]"));
  EXPECT_EQ(parse_dde_commands("[a(\"" + repeated("x", 8192 - 6) + "\")]").error(), Error::message_too_large);
}

std::vector<std::byte> utf16(std::u16string_view text) {
  std::vector<std::byte> out;
  for (const auto unit : text) {
    out.push_back(static_cast<std::byte>(unit & 0xFF));
    out.push_back(static_cast<std::byte>(unit >> 8));
  }
  return out;
}

TEST(DdeText, Utf16IsReadToItsZero) {
  const auto whole = [](std::u16string_view text) {
    const auto found = dde_text_of_utf16(utf16(text));
    return found ? *found : "(refused)";
  };
  EXPECT_EQ(whole(u"[a]\0"sv), "[a]");
  EXPECT_EQ(whole(u"[a]\0garbage"sv), "[a]");
  EXPECT_EQ(whole(u"\0"sv), "");
  EXPECT_EQ(whole(u"\u00FC\u20AC\U0001F600\uFFFD\0"sv), "\xC3\xBC\xE2\x82\xAC\xF0\x9F\x98\x80\xEF\xBF\xBD");
  auto odd = utf16(u"[a]\0"sv);
  odd.push_back(std::byte{1});  // the rounding of the memory
  EXPECT_TRUE(dde_text_of_utf16(odd));
}

TEST(DdeText, Utf16ThatIsNone) {
  const char16_t high[] = {u'a', 0xD83D, 0};
  const char16_t low[] = {u'a', 0xDE00, 0};
  const char16_t reversed[] = {0xDE00, 0xD83D, 0};
  const char16_t twice[] = {0xD83D, 0xD83D, 0xDE00, 0};
  const char16_t last[] = {0xD83D};
  const char16_t letter[] = {0xD83D, u'a', u'b', 0};
  const char16_t zeros[] = {0xD83D, 0, 0, 0};
  for (const auto text : {std::u16string_view(high, 3), std::u16string_view(low, 3), std::u16string_view(reversed, 3),
                          std::u16string_view(twice, 4), std::u16string_view(last, 1), std::u16string_view(letter, 4),
                          std::u16string_view(zeros, 4), u"[a]"sv, u""sv}) {
    const auto found = dde_text_of_utf16(utf16(text));
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error(), Error::message_malformed);
  }
  auto odd = utf16(u"[a]"sv);
  odd.push_back(std::byte{0});  // half a zero
  EXPECT_FALSE(dde_text_of_utf16(odd));
  EXPECT_EQ(dde_text_of_utf16(utf16(std::u16string(8193, u'x'))).error(), Error::message_too_large);
  EXPECT_EQ(dde_text_of_utf16(utf16(std::u16string(2731, u'\u20AC'))).error(), Error::message_too_large);
}

TEST(DdeText, AnsiIsAsciiOrNothing) {
  const auto whole = [](std::string_view text) { return dde_text_of_ansi(as_bytes(text)); };
  EXPECT_EQ(*whole("[a]\0rest"sv), "[a]");
  EXPECT_EQ(*whole("\0"sv), "");
  for (const auto text : {"[a]"sv, ""sv, "[a(\"\xFC\")]\0"sv, "\xC3\xBC\0"sv}) {
    ASSERT_FALSE(whole(text)) << text;
    EXPECT_EQ(whole(text).error(), Error::message_malformed);
  }
  EXPECT_EQ(whole(std::string(8193, 'x') + '\0').error(), Error::message_too_large);
  EXPECT_TRUE(whole(std::string(8192, 'x') + '\0'));
}

// A text read the other way never becomes a command.
TEST(DdeText, TheOtherEncodingIsNoCommand) {
  const auto wide = utf16(u"[open(\"a\")]\0"sv);
  const auto as_ansi = dde_text_of_ansi(wide);
  EXPECT_FALSE(as_ansi && parse_dde_commands(*as_ansi));
  const auto as_wide = dde_text_of_utf16(as_bytes("[open(\"a\")]\0\0\0"sv));
  EXPECT_FALSE(as_wide && parse_dde_commands(*as_wide));
}

TEST(DdeBody, OneFormThereAndBack) {
  EXPECT_EQ(as_text(encode_dde_arguments({"ab", ""})), "\x02\0\x02\0\0\0ab\0\0\0\0"sv);
  for (const auto& arguments : {std::vector<std::string>{}, {"a"}, {"", "\xC3\xBC", "x\"y"}})
    EXPECT_EQ(*decode_dde_arguments(encode_dde_arguments(arguments)), arguments);
  for (const auto body : {""sv, "\x01"sv, "\x01\0"sv, "\0\0x"sv, "\x01\0\x05\0\0\0ab"sv, "\x01\0\x01\0\0\0\xFF"sv, "\x11\0"sv,
                          "\x01\0\xFF\xFF\xFF\xFF"sv, "\x01\0\x01\0\0\0ab"sv})
    EXPECT_FALSE(decode_dde_arguments(as_bytes(body)));
}

}  // namespace
}  // namespace penstock::tool
