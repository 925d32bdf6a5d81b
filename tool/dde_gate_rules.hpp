// What a DDE gate lets through: its file (docs/DDE.md has one, and what each key means), and the check of one command against it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "penstock/endpoint.hpp"
#include "tool/dde_command.hpp"

namespace penstock::tool {

struct DdeArgumentRule {
  enum class Kind : std::uint8_t { path, text, integer, word };
  std::string name;  ///< for people: 1 to 32 of A-Z a-z 0-9 _
  Kind kind = Kind::text;
  std::size_t max_length = 0;       ///< path, text: bytes of UTF-8
  bool network = false;             ///< path: also one of another machine
  std::int64_t min = 0, max = 0;    ///< integer
  std::vector<std::string> words{}; ///< word
};
[[nodiscard]] const char* to_string(DdeArgumentRule::Kind kind) noexcept;

struct DdeCommandRule {
  std::string name;
  std::string operation;  ///< on the channel; dde/NAME unless the file says otherwise
  std::vector<DdeArgumentRule> arguments;
};

struct DdeGateRules {
  std::string application, topic;
  std::string endpoint;  ///< a name that Endpoint::make takes
  Scope scope = Scope::user;
  std::chrono::milliseconds deadline{5'000};
  std::uint32_t per_second = 0, burst = 0;
  std::vector<DdeCommandRule> commands;

  /// policy_invalid; the sentence names source and line. A text that was cut short is refused, or allows no more than the whole.
  [[nodiscard]] static result<DdeGateRules> parse(std::string_view toml, std::string_view source = "gate");
  /// policy_unreadable, policy_unsafe (others could have written it, ATK-28), policy_invalid.
  [[nodiscard]] static result<DdeGateRules> load(const std::string& path);

  /// The rule that the command fulfils to the last argument, valid as long as this. operation_refused; the sentence names command and
  /// argument, and repeats nothing of what the argument holds.
  [[nodiscard]] result<const DdeCommandRule*> check(const DdeCommand& command) const;

  /// For people, several lines.
  [[nodiscard]] std::string describe() const;
};

}  // namespace penstock::tool
