// The text of a DDE EXECUTE, strictly: what an old shell association sends, and nothing that merely looks like it. Without a platform.
//
//   text      = command , { command } ;
//   command   = "[" , name , [ "(" , [ arguments ] , ")" ] , "]" ;
//   arguments = argument , { "," , argument } ;
//   argument  = { " " } , ( quoted | token ) , { " " } ;
//   quoted    = '"' , { character | '""' } , '"' ;           (* '""' stands for one quote *)
//   token     = visible , { visible } ;
//   name      = 1 to 32 of A-Z a-z 0-9 _ ;
//   character = any code point but the quote and what acts instead of being seen: controls, line and paragraph separators, marks
//               that turn the direction of writing ;
//   visible   = a character from "!" to "~" but [ ] ( ) , and the quote ;
//
// [name] and [name()] say the same. Nothing stands between commands, before the first or behind the last.
// Source of the form: WM_DDE_EXECUTE, "Remarks".
#pragma once

#include <string>
#include <vector>

#include "penstock/bytes.hpp"
#include "penstock/result.hpp"

namespace penstock::tool {

inline constexpr std::size_t most_dde_commands = 32;
inline constexpr std::size_t most_dde_arguments = 16;
inline constexpr std::size_t longest_dde_name = 32;
/// All of the text, in bytes of UTF-8.
inline constexpr std::size_t largest_dde_text = 8192;

/// One command: the one form of it, whatever quotes and spaces stood around its arguments.
struct DdeCommand {
  std::string name;
  std::vector<std::string> arguments;  ///< UTF-8
  friend bool operator==(const DdeCommand&, const DdeCommand&) = default;
};

/// All of the text or nothing. message_malformed or message_too_large; the sentence says what is wrong and at which character,
/// counted from 1 in code points, and repeats nothing of the text.
[[nodiscard]] result<std::vector<DdeCommand>> parse_dde_commands(std::string_view utf8);

/// The command as the grammar has it, each argument in quotes: parses to itself.
[[nodiscard]] std::string to_dde_text(const DdeCommand& command);

/// The text in the memory of an EXECUTE between two Unicode windows: UTF-16, little-endian, up to its zero. What stands behind that is
/// the rounding of the memory's size, and looked at by nobody. message_malformed: no zero, an odd byte, an unpaired surrogate;
/// message_too_large.
[[nodiscard]] result<std::string> dde_text_of_utf16(bytes_view memory);

/// The same where a window of the two is none of Unicode's: bytes of some code page. Which one is the sender's own choice, and
/// told nobody, so that only ASCII is sure to mean what was meant; else message_malformed.
[[nodiscard]] result<std::string> dde_text_of_ansi(bytes_view memory);

/// What is forwarded, little-endian: number of arguments (2 bytes), then for each its length in bytes (4) and its UTF-8. The name is the
/// operation's matter. At most 2 + 4 * 16 + 8,192 bytes.
[[nodiscard]] std::vector<std::byte> encode_dde_arguments(const std::vector<std::string>& arguments);

/// The way back, for tests and as a model for the real program: message_malformed for anything that encode does not write.
[[nodiscard]] result<std::vector<std::string>> decode_dde_arguments(bytes_view body);

}  // namespace penstock::tool
