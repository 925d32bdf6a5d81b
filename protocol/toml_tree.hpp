// A TOML file as plain values that know their lines: what the strict readers of policy and gate files share. One file of ours knows the
// TOML library, toml_tree.cpp.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "penstock/result.hpp"

namespace penstock::protocol {

struct TomlEntry;

struct TomlValue {
  enum class Kind : std::uint8_t { table, list, text, number, fraction, truth, moment };
  Kind kind = Kind::table;
  std::size_t line = 1;
  std::string text;
  std::int64_t number = 0;
  bool truth = false;
  std::vector<TomlValue> list;
  bool in_braces = false;        ///< a table on one line: half of it is no TOML, unlike half of one below a [heading]
  std::vector<TomlEntry> table;  ///< in the order of the file: the first mistake is the one that is reported

  /// A table's entry; null when there is none.
  [[nodiscard]] const TomlValue* find(std::string_view key) const noexcept;
  /// Where the key stands; the table's own line when there is none.
  [[nodiscard]] std::size_t line_of(std::string_view key) const noexcept;
};

struct TomlEntry {
  std::string key;
  std::size_t line = 1;
  TomlValue value;
};

/// Reads one file's values. Every refusal is policy_invalid and names file and line. `source` is borrowed.
class TomlReader {
 public:
  explicit TomlReader(std::string_view source) : source_(source) {}

  /// The root table. Duplicate keys are no TOML. toml_text.hpp says what is refused besides.
  [[nodiscard]] result<TomlValue> parse(std::string_view toml) const;

  [[nodiscard]] Failure fail(std::size_t line, std::string_view sentence) const;
  [[nodiscard]] Failure wrong_kind(const TomlValue& value, const char* wanted) const;
  [[nodiscard]] Failure unknown_key(const TomlEntry& entry, std::span<const std::string_view> known) const;

  [[nodiscard]] result<std::string> text(const TomlValue& value) const;
  /// Within least and most, both included.
  [[nodiscard]] result<std::int64_t> integer(const TomlValue& value, std::int64_t least, std::int64_t most) const;
  /// 0 to 0xFFFFFFFF.
  [[nodiscard]] result<std::uint32_t> number(const TomlValue& value) const;
  [[nodiscard]] result<bool> truth(const TomlValue& value) const;
  /// Not empty: an empty list could be read as "nobody" or as "anybody", and is neither.
  [[nodiscard]] result<const std::vector<TomlValue>*> list(const TomlValue& value) const;
  /// One of the words that `to_string` has for the enumerators.
  template <class T, std::size_t N>
  [[nodiscard]] result<T> word(const TomlValue& value, const std::array<T, N>& values) const {
    const auto found = text(value);
    if (!found) return found.error();
    std::array<std::string_view, N> words;
    for (std::size_t at = 0; at < N; ++at) {
      words[at] = to_string(values[at]);
      if (words[at] == *found) return values[at];
    }
    return unknown_word(value.line, *found, words);
  }
  /// Is the file's version, `version = 1` at its root, there and ours?
  [[nodiscard]] result<void> version(const TomlValue& root) const;

  /// Text of the file inside a sentence, in quotes: what would act on a terminal is shown as '?'.
  [[nodiscard]] static std::string quoted(std::string_view text);
  /// "did you mean …?", or all that is known.
  [[nodiscard]] static std::string advice(std::string_view wrong, std::span<const std::string_view> known);

 private:
  [[nodiscard]] Failure unknown_word(std::size_t line, std::string_view found, std::span<const std::string_view> words) const;
  std::string_view source_;
};

}  // namespace penstock::protocol
