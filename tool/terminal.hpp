// What is printed for people: colours only on a terminal, and nothing that others wrote may act on it.
#pragma once

#include <string>
#include <string_view>

#include "tool/standard_streams.hpp"

namespace penstock::tool {

/// Text that another process or a file chose, for a terminal: control characters, and marks that turn the direction of
/// text, are shown as '?'. Newlines too.
[[nodiscard]] std::string printable(std::string_view text);

/// ANSI sequences for one stream, or nothing where it is no terminal, TERM is dumb or NO_COLOR is set (no-color.org).
class Paint {
 public:
  explicit Paint(Stream stream);
  [[nodiscard]] bool on() const noexcept { return on_; }
  [[nodiscard]] std::string bold(std::string_view text) const { return with("1", text); }
  [[nodiscard]] std::string dim(std::string_view text) const { return with("2", text); }
  [[nodiscard]] std::string green(std::string_view text) const { return with("32", text); }
  [[nodiscard]] std::string red(std::string_view text) const { return with("31", text); }
  [[nodiscard]] std::string yellow(std::string_view text) const { return with("33", text); }

 private:
  [[nodiscard]] std::string with(const char* code, std::string_view text) const;
  bool on_;
};

/// Breaks `text` at spaces so that no line is wider than `width` columns; further lines begin with `indent` spaces.
[[nodiscard]] std::string wrapped(std::string_view text, std::size_t indent, std::size_t width = 100);

}  // namespace penstock::tool
