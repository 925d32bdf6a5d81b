#include "tool/terminal.hpp"

#include <fmt/format.h>

#include <cstdlib>

#include "protocol/utf8.hpp"

namespace penstock::tool {

std::string printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto point = protocol::first_code_point(text);
    const auto size = point.size == 0 ? 1 : point.size;
    const bool shown = point.size != 0 && !protocol::acts_on_display(point.value);
    out += shown ? text.substr(0, size) : "?";
    text.remove_prefix(size);
  }
  return out;
}

Paint::Paint(Stream stream) {
  const char* none = std::getenv("NO_COLOR");  // NOLINT(concurrency-mt-unsafe): the command has one thread
  on_ = (none == nullptr || *none == '\0') && takes_sequences(stream);
}

std::string Paint::with(const char* code, std::string_view text) const {
  return on_ ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : std::string(text);
}

std::string wrapped(std::string_view text, std::size_t indent, std::size_t width) {
  std::string out;
  std::size_t column = indent;
  while (!text.empty()) {
    const auto end = std::min(text.find(' '), text.size());
    const auto word = text.substr(0, end);
    const bool first = column == indent;
    if (!first && column + 1 + word.size() > width) {
      out += '\n' + std::string(indent, ' ');
      column = indent;
    } else if (!first) {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

}  // namespace penstock::tool
