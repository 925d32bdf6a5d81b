#include "tool/dde_command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "protocol/utf8.hpp"

namespace penstock::tool {
namespace {

using protocol::first_code_point;

bool is_name(char c) noexcept { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; }

bool is_visible(char c) noexcept { return c > ' ' && c < 0x7F && std::string_view("[](),\"").find(c) == std::string_view::npos; }

/// Reads from front to back, and stops where the grammar ends.
class Parser {
 public:
  explicit Parser(std::string_view text) : all_(text), left_(text) {}

  result<std::vector<DdeCommand>> text() {
    std::vector<DdeCommand> commands;
    do {
      if (commands.size() == most_dde_commands) return wrong("there are more than 32 commands", Error::message_too_large);
      auto one = command();
      if (!one) return one.error();
      commands.push_back(std::move(*one));
    } while (!left_.empty());
    return commands;
  }

 private:
  result<DdeCommand> command() {
    DdeCommand out;
    if (!skip('[')) return wrong("a command begins with [");
    const auto end = std::ranges::find_if_not(left_, is_name);
    out.name.assign(left_.begin(), end);
    if (out.name.size() > longest_dde_name) return wrong("a command's name has more than 32 letters");
    if (out.name.empty()) return wrong("a command's name has letters, digits and _ alone");
    left_.remove_prefix(out.name.size());
    if (skip('(')) {
      if (auto read = arguments(out.arguments); !read) return read.error();
    }
    if (!skip(']')) return wrong("a command ends with ]");
    return out;
  }

  result<void> arguments(std::vector<std::string>& out) {
    if (skip(')')) return {};
    do {
      if (out.size() == most_dde_arguments) return wrong("a command has more than 16 arguments", Error::message_too_large);
      skip_spaces();
      auto one = skip('"') ? quoted() : token();
      if (!one) return one.error();
      out.push_back(std::move(*one));
      skip_spaces();
    } while (skip(','));
    if (!skip(')')) return wrong("an argument is followed by , or )");
    return {};
  }

  result<std::string> quoted() {
    std::string out;
    while (!left_.empty()) {
      if (skip('"')) {
        if (!skip('"')) return out;
        out += '"';
        continue;
      }
      const auto point = first_code_point(left_);
      if (point.size == 0) return wrong("this is no UTF-8");
      if (protocol::acts_on_display(point.value)) return wrong("a control character cannot be in an argument");
      out += left_.substr(0, point.size);
      left_.remove_prefix(point.size);
    }
    return wrong("a quote is not closed");
  }

  result<std::string> token() {
    const auto end = std::ranges::find_if_not(left_, is_visible);
    std::string out(left_.begin(), end);
    if (out.empty()) return wrong("an argument is missing, or needs quotes");
    left_.remove_prefix(out.size());
    return out;
  }

  bool skip(char c) noexcept {
    if (left_.empty() || left_.front() != c) return false;
    left_.remove_prefix(1);
    return true;
  }
  void skip_spaces() noexcept {
    while (skip(' ')) {
    }
  }

  [[nodiscard]] Failure wrong(const char* what, Error error = Error::message_malformed) const {
    const auto before = all_.substr(0, all_.size() - left_.size());
    const auto characters = std::ranges::count_if(before, [](char c) { return (static_cast<unsigned char>(c) & 0xC0u) != 0x80; });
    return Failure(error, fmt::format("Character {}: {}.", characters + 1, what));
  }

  std::string_view all_, left_;
};

void append_utf8(std::string& out, char32_t c) {
  const auto byte = [&](char32_t bits) { out += static_cast<char>(static_cast<unsigned char>(bits)); };
  if (c < 0x80) return byte(c);
  if (c < 0x800) {
    byte(0xC0 | (c >> 6));
    return byte(0x80 | (c & 0x3F));
  }
  if (c < 0x10000) {
    byte(0xE0 | (c >> 12));
  } else {
    byte(0xF0 | (c >> 18));
    byte(0x80 | ((c >> 12) & 0x3F));
  }
  byte(0x80 | ((c >> 6) & 0x3F));
  byte(0x80 | (c & 0x3F));
}

unsigned byte_at(bytes_view bytes, std::size_t at) noexcept { return std::to_integer<unsigned>(bytes[at]); }

Failure malformed(const char* what) { return Failure(Error::message_malformed, what); }

Failure too_large() { return Failure(Error::message_too_large, "The text has more than 8,192 bytes of UTF-8."); }

void append_number(std::vector<std::byte>& out, std::size_t number, int bytes) {
  for (int i = 0; i < bytes; ++i) out.push_back(static_cast<std::byte>(number >> (8 * i)));
}

std::optional<std::size_t> take_number(bytes_view& left, std::size_t bytes) {
  if (left.size() < bytes) return std::nullopt;
  std::size_t number = 0;
  for (std::size_t i = bytes; i-- > 0;) number = (number << 8) | byte_at(left, i);
  left = left.subspan(bytes);
  return number;
}

bool well_formed(std::string_view text) noexcept {
  while (!text.empty()) {
    const auto size = first_code_point(text).size;
    if (size == 0) return false;
    text.remove_prefix(size);
  }
  return true;
}

}  // namespace

result<std::vector<DdeCommand>> parse_dde_commands(std::string_view utf8) {
  if (utf8.size() > largest_dde_text) return too_large();
  return Parser(utf8).text();
}

std::string to_dde_text(const DdeCommand& command) {
  std::string out = '[' + command.name;
  for (std::size_t at = 0; at < command.arguments.size(); ++at) {
    out += at == 0 ? "(\"" : ",\"";
    for (const char c : command.arguments[at]) out += c == '"' ? "\"\"" : std::string(1, c);
    out += '"';
  }
  return out + (command.arguments.empty() ? "]" : ")]");
}

result<std::string> dde_text_of_utf16(bytes_view memory) {
  std::string out;
  for (std::size_t at = 0; at + 1 < memory.size(); at += 2) {
    const char32_t unit = byte_at(memory, at) | (byte_at(memory, at + 1) << 8);
    if (unit == 0) return out;
    char32_t point = unit;
    if (unit >= 0xD800 && unit <= 0xDFFF) {
      if (unit >= 0xDC00 || at + 3 >= memory.size()) return malformed("The text is no UTF-16: half a character.");
      at += 2;
      const char32_t low = byte_at(memory, at) | (byte_at(memory, at + 1) << 8);
      if (low < 0xDC00 || low > 0xDFFF) return malformed("The text is no UTF-16: half a character.");
      point = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
    }
    append_utf8(out, point);
    if (out.size() > largest_dde_text) return too_large();
  }
  return malformed("The text is no UTF-16 that ends in a zero.");
}

result<std::string> dde_text_of_ansi(bytes_view memory) {
  std::string out;
  for (const auto byte : memory) {
    const auto c = std::to_integer<unsigned char>(byte);
    if (c == 0) return out;
    if (c > 0x7F) return malformed("The sender's window is not Unicode and its text not ASCII: nobody can tell which letters are meant.");
    if (out.size() == largest_dde_text) return too_large();
    out += static_cast<char>(c);
  }
  return malformed("The text does not end in a zero.");
}

std::vector<std::byte> encode_dde_arguments(const std::vector<std::string>& arguments) {
  std::vector<std::byte> out;
  append_number(out, arguments.size(), 2);
  for (const auto& argument : arguments) {
    append_number(out, argument.size(), 4);
    const auto bytes = as_bytes(argument);
    out.insert(out.end(), bytes.begin(), bytes.end());
  }
  return out;
}

result<std::vector<std::string>> decode_dde_arguments(bytes_view body) {
  auto count = take_number(body, 2);
  if (!count || *count > most_dde_arguments) return Error::message_malformed;
  std::vector<std::string> out;
  for (; *count > 0; --*count) {
    const auto size = take_number(body, 4);
    if (!size || *size > body.size() || *size > largest_dde_text) return Error::message_malformed;
    out.emplace_back(as_text(body.first(*size)));
    if (!well_formed(out.back())) return Error::message_malformed;
    body = body.subspan(*size);
  }
  if (!body.empty()) return Error::message_malformed;
  return out;
}

}  // namespace penstock::tool
