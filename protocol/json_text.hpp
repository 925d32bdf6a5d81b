// Text of any origin as a JSON string (RFC 8259 section 7), on one line, whatever bytes it holds.
#pragma once

#include <string>
#include <string_view>

namespace penstock::protocol {

/// The longest text that is written whole, in bytes: a path's greatest length. What is longer is cut, and ends in "…".
inline constexpr std::size_t longest_json_text = 4096;

/// Appends `text` with its quotes. Well-formed UTF-8 stays as it is, but for what JSON must escape and for characters
/// that act on a display instead of being seen, which become \uXXXX. A byte that is no UTF-8 becomes the four
/// characters
/// `\xHH`, and so does a backslash (`\x5c`), which makes the text's own bytes always recoverable.
void append_json_text(std::string& out, std::string_view text);

}  // namespace penstock::protocol
