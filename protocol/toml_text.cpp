#include "protocol/toml_text.hpp"

#include <fmt/format.h>

#include <iterator>

#include "protocol/utf8.hpp"

namespace penstock::protocol {
namespace {

enum class Place { plain, comment, basic_text, literal_text };

class Translator {
 public:
  Translator(std::string_view toml, std::string& ascii) : left_(toml), ascii_(ascii) {}

  std::optional<TextFault> run() {
    for (; !left_.empty(); left_.remove_prefix(taken_)) {
      const auto point = first_code_point(left_);
      taken_ = point.size;
      if (point.size == 0) return fault("this is not UTF-8; save the file as UTF-8");
      if (auto wrong = point.size == 1 ? one_ascii(left_.front()) : one_other(point.value)) return wrong;
    }
    return in_text() ? fault("a text has no closing quote; close it") : std::nullopt;
  }

 private:
  [[nodiscard]] std::optional<TextFault> fault(const char* sentence) const { return TextFault{line_, sentence}; }
  [[nodiscard]] bool in_text() const noexcept { return place_ == Place::basic_text || place_ == Place::literal_text; }

  std::optional<TextFault> one_ascii(char c) {
    if (c == '\n') {
      if (in_text()) return fault("a text has no closing quote; close it on its own line");
      place_ = Place::plain;
      ++line_;
    }
    if (place_ == Place::plain && (left_.starts_with(R"(""")") || left_.starts_with("'''"))) {
      return fault("texts of several lines are not used here; write it in single quotes of one kind, on one line");
    }
    // A backslash takes the next character with it, so that \" does not close the text.
    if (place_ == Place::basic_text && c == '\\' && left_.size() > 1 && left_[1] != '\n') {
      if (static_cast<unsigned char>(left_[1]) >= 0x80) return fault("there is no such escape; take the backslash out");
      ascii_ += left_.substr(0, taken_ = 2);
      return {};
    }
    ascii_ += c;
    place_ = after(c);
    return {};
  }

  [[nodiscard]] Place after(char c) const noexcept {
    switch (place_) {
      case Place::plain:
        return c == '#'    ? Place::comment
               : c == '"'  ? Place::basic_text
               : c == '\'' ? Place::literal_text
                           : Place::plain;
      case Place::basic_text:
        return c == '"' ? Place::plain : place_;
      case Place::literal_text:
        return c == '\'' ? Place::plain : place_;
      case Place::comment:
        return place_;
    }
    return place_;
  }

  std::optional<TextFault> one_other(char32_t value) {
    switch (place_) {
      case Place::comment:
        ascii_ += '?';
        return {};
      case Place::basic_text:
        fmt::format_to(std::back_inserter(ascii_), "\\U{:08X}", static_cast<unsigned>(value));
        return {};
      case Place::literal_text:
        return fault("a text in ' quotes may hold only ASCII; write it in \" quotes");
      case Place::plain:
        return fault("a character beyond ASCII stands outside of quotes; take it out, or put the text in \" quotes");
    }
    return {};
  }

  std::string_view left_;
  std::string& ascii_;
  std::size_t taken_ = 0;
  std::size_t line_ = 1;
  Place place_ = Place::plain;
};

}  // namespace

std::optional<TextFault> to_ascii_toml(std::string_view toml, std::string& ascii) {
  ascii.clear();
  ascii.reserve(toml.size());
  return Translator(toml, ascii).run();
}

}  // namespace penstock::protocol
