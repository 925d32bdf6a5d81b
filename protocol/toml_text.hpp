// TOML as the policy file has it, before the TOML library sees it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace penstock::protocol {

/// What is wrong with a text, and on which line (from 1).
struct TextFault {
  std::size_t line = 1;
  const char* sentence = "";
};

/// Writes to `ascii` the same TOML with the same lines in nothing but ASCII: other characters become \U escapes in
/// texts, and
/// '?' in comments. Refuses what is no UTF-8, such a character anywhere else, and texts of several lines (""" and '''),
/// which no policy needs.
///
/// Why: toml++ 3.3 meets undefined behaviour on characters beyond ASCII (is_non_ascii_horizontal_whitespace has no
/// answer for most of U+00A1 to U+0499), and a policy is not the place for that.
[[nodiscard]] std::optional<TextFault> to_ascii_toml(std::string_view toml, std::string& ascii);

}  // namespace penstock::protocol
