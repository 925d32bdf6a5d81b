#include "tool/terminal.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
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

Paint::Paint(int stream) {
  // NOLINTBEGIN(concurrency-mt-unsafe): the command has one thread
  const char* none = std::getenv("NO_COLOR");
  const char* kind = std::getenv("TERM");
  // NOLINTEND(concurrency-mt-unsafe)
  const bool wanted = none == nullptr || *none == '\0';
  const bool able = kind != nullptr && std::string_view(kind) != "dumb";
  on_ = wanted && able && ::isatty(stream) == 1;
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

bool print(std::string_view text) {
  while (!text.empty()) {
    const auto written = ::write(STDOUT_FILENO, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace penstock::tool
