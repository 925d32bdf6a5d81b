// "Did you mean …?" for a key or a word that somebody mistyped.
#pragma once

#include <span>
#include <string_view>

namespace penstock::protocol {

/// The known word that takes the fewest single-letter changes (Levenshtein), or empty when none is near: more than a
/// third of the word's letters would have to change.
[[nodiscard]] std::string_view nearest(std::string_view word, std::span<const std::string_view> known);

}  // namespace penstock::protocol
