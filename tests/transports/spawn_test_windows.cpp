// One command line out of many arguments, taken apart by Windows again.
#include "transports/spawn_windows.hpp"

#include <gtest/gtest.h>
#include <windows.h>

#include <shellapi.h>

namespace penstock::transport {
namespace {

std::vector<std::wstring> take_apart(const std::wstring& line) {
  int count = 0;
  wchar_t** const words = ::CommandLineToArgvW(line.c_str(), &count);
  std::vector<std::wstring> out(words, words + count);
  ::LocalFree(words);
  return out;
}

/// Every text of up to `length` characters of those that mean something.
void for_each_text(std::size_t length, const std::wstring& text, const auto& visit) {
  visit(text);
  if (length == 0) return;
  for (const wchar_t c : {L'a', L' ', L'\t', L'"', L'\\'}) for_each_text(length - 1, text + c, visit);
}

TEST(Spawn, EveryArgumentArrivesAsItWas) {
  int count = 0;
  for_each_text(5, L"", [&](const std::wstring& text) {
    ++count;
    const std::vector<std::wstring> want{L"program.exe", text, L"end"};
    ASSERT_EQ(take_apart(L"program.exe " + quote_argument(text) + L" end"), want) << count;
  });
  EXPECT_EQ(count, 3906);
}

TEST(Spawn, TwoArgumentsStayTwo) {
  for_each_text(3, L"", [&](const std::wstring& text) {
    const std::vector<std::wstring> want{L"program.exe", text, text};
    ASSERT_EQ(take_apart(L"program.exe " + quote_argument(text) + L' ' + quote_argument(text)), want);
  });
}

}  // namespace
}  // namespace penstock::transport
