#include "tool/wrapped.hpp"

#include <fmt/format.h>

#include <charconv>

namespace penstock::tool {

std::string last_word(const Ended& ended) {
  return fmt::format("{} {}", ended.killed ? "killed" : "exited", ended.number);
}

std::optional<int> read_last_word(std::string_view text) {
  constexpr std::string_view exited = "exited ";
  constexpr std::string_view killed = "killed ";
  const bool by_signal = text.starts_with(killed);
  if (!by_signal && !text.starts_with(exited)) return std::nullopt;
  text.remove_prefix(exited.size());
  int number = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), number);
  const int largest = by_signal ? 127 : 255;
  if (wrong != std::errc() || end != text.data() + text.size() || number < 0 || number > largest) return std::nullopt;
  return by_signal ? 128 + number : number;
}

}  // namespace penstock::tool
