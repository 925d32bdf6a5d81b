// One command line of many arguments, so that CommandLineToArgvW and the C runtime take it apart again as it was.
#pragma once

#include <string>
#include <string_view>

namespace penstock::tool {

/// `argument` as one word. Source: "Parsing C Command-Line Arguments": backslashes mean themselves unless they stand before a
/// quotation mark.
[[nodiscard]] inline std::wstring quoted_argument(std::wstring_view argument) {
  if (!argument.empty() && argument.find_first_of(L" \t\n\v\"") == std::wstring_view::npos) return std::wstring(argument);
  std::wstring out = L"\"";
  std::size_t backslashes = 0;
  for (const wchar_t c : argument) {
    if (c == L'"') out.append(backslashes + 1, L'\\');
    backslashes = c == L'\\' ? backslashes + 1 : 0;
    out += c;
  }
  out.append(backslashes, L'\\');
  return out + L'"';
}

}  // namespace penstock::tool
