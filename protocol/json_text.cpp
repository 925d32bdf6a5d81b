#include "protocol/json_text.hpp"

#include <fmt/format.h>

#include "protocol/utf8.hpp"

namespace penstock::protocol {

void append_json_text(std::string& out, std::string_view text) {
  const bool cut = text.size() > longest_json_text;
  if (cut) text = text.substr(0, longest_json_text);
  out += '"';
  while (!text.empty()) {
    const auto point = first_code_point(text);
    if (point.size == 0 || point.value == '\\') {
      // The JSON escape of a backslash, and then the byte: a reader sees \xHH.
      fmt::format_to(std::back_inserter(out), "\\\\x{:02x}", static_cast<unsigned char>(text.front()));
      text.remove_prefix(1);
      continue;
    }
    if (point.value == '"') {
      out += "\\\"";
    } else if (acts_on_display(point.value)) {
      // All of these lie below U+10000: one escape is enough.
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(point.value));
    } else {
      out += text.substr(0, point.size);
    }
    text.remove_prefix(point.size);
  }
  out += cut ? "…\"" : "\"";
}

}  // namespace penstock::protocol
