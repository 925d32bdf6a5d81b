// The handshake patterns of Noise revision 34 as data (sections 7.4 and 7.5), and the psk modifiers (section 9).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "penstock/bytes.hpp"
#include "penstock/result.hpp"

namespace penstock::crypto {

enum class Token : std::uint8_t { e, s, ee, es, se, ss, psk };

inline constexpr std::size_t max_pattern_messages = 3;
inline constexpr std::size_t max_pattern_psks = max_pattern_messages + 1;

/// The tokens of one message, in order. The longest is five tokens and a psk at either end.
struct MessagePattern {
  std::array<Token, 7> tokens{};
  std::uint8_t size = 0;
  [[nodiscard]] constexpr const Token* begin() const noexcept { return tokens.data(); }
  [[nodiscard]] constexpr const Token* end() const noexcept { return tokens.data() + size; }
};

/// Messages alternate; the initiator writes the first.
struct HandshakePattern {
  std::string_view name;
  bool initiator_known = false;  ///< pre-message "-> s": the responder knows the initiator's static key
  bool responder_known = false;  ///< pre-message "<- s"
  std::array<MessagePattern, max_pattern_messages> messages{};
  std::uint8_t size = 0;  ///< of them
  std::uint8_t psks = 0;  ///< psk tokens

  /// Does this role own a static key?
  [[nodiscard]] bool needs_static(bool initiator) const noexcept;
  /// Must this role be told the other's static key beforehand?
  [[nodiscard]] bool needs_remote_static(bool initiator) const noexcept {
    return initiator ? responder_known : initiator_known;
  }
};

/// "XX", "NNpsk0", "XXpsk0+psk3": a name of the table, then modifiers in ascending order. `name` of what is returned
/// is the base name. invalid_argument, with a sentence.
[[nodiscard]] result<HandshakePattern> parse_pattern(std::string_view text);

}  // namespace penstock::crypto
