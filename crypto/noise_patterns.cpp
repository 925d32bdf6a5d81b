#include "crypto/noise_patterns.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>

namespace penstock::crypto {
namespace {

constexpr MessagePattern message(std::initializer_list<Token> tokens) {
  MessagePattern made;
  for (const auto token : tokens) made.tokens[made.size++] = token;
  return made;
}

enum class Known { neither, initiator, responder, both };

constexpr HandshakePattern pattern(std::string_view name, Known known, std::initializer_list<MessagePattern> messages) {
  HandshakePattern made;
  made.name = name;
  made.initiator_known = known == Known::initiator || known == Known::both;
  made.responder_known = known == Known::responder || known == Known::both;
  for (const auto& one : messages) made.messages[made.size++] = one;
  return made;
}

using enum Token;

// Section 7.4 (one-way) and section 7.5 (interactive), in the order of the specification.
constexpr std::array table = {
    pattern("N", Known::responder, {message({e, es})}),
    pattern("K", Known::both, {message({e, es, ss})}),
    pattern("X", Known::responder, {message({e, es, s, ss})}),

    pattern("NN", Known::neither, {message({e}), message({e, ee})}),
    pattern("NK", Known::responder, {message({e, es}), message({e, ee})}),
    pattern("NX", Known::neither, {message({e}), message({e, ee, s, es})}),
    pattern("XN", Known::neither, {message({e}), message({e, ee}), message({s, se})}),
    pattern("XK", Known::responder, {message({e, es}), message({e, ee}), message({s, se})}),
    pattern("XX", Known::neither, {message({e}), message({e, ee, s, es}), message({s, se})}),
    pattern("KN", Known::initiator, {message({e}), message({e, ee, se})}),
    pattern("KK", Known::both, {message({e, es, ss}), message({e, ee, se})}),
    pattern("KX", Known::initiator, {message({e}), message({e, ee, se, s, es})}),
    pattern("IN", Known::neither, {message({e, s}), message({e, ee, se})}),
    pattern("IK", Known::responder, {message({e, es, s, ss}), message({e, ee, se})}),
    pattern("IX", Known::neither, {message({e, s}), message({e, ee, se, s, es})}),
};

void append(MessagePattern& to, Token token) noexcept {
  to.tokens[to.size++] = token;
}

void prepend(MessagePattern& to, Token token) noexcept {
  std::shift_right(to.tokens.begin(), to.tokens.end(), 1);
  to.tokens.front() = token;
  ++to.size;
}

Failure unknown(std::string_view text) {
  return Failure(
      Error::invalid_argument,
      fmt::format("\"{}\" is no Noise pattern that Penstock knows: use a name such as XX, NN or NNpsk0, with psk "
                  "modifiers in ascending order joined by \"+\".",
                  text));
}

// Section 9.4: psk0 stands at the beginning of the first message, pskN at the end of the Nth.
bool add_psk(HandshakePattern& pattern, unsigned place) noexcept {
  if (place > pattern.size) return false;
  if (place == 0) {
    prepend(pattern.messages[0], psk);
  } else {
    append(pattern.messages[place - 1], psk);
  }
  ++pattern.psks;
  return true;
}

}  // namespace

bool HandshakePattern::needs_static(bool initiator) const noexcept {
  if (initiator ? initiator_known : responder_known) return true;
  for (std::size_t i = initiator ? 0 : 1; i < size; i += 2) {
    if (std::ranges::count(messages[i], s) != 0) return true;
  }
  return false;
}

result<HandshakePattern> parse_pattern(std::string_view text) {
  constexpr std::string_view modifier = "psk";
  const auto base = text.substr(0, text.find(modifier));
  const auto* const found = std::ranges::find(table, base, &HandshakePattern::name);
  if (found == table.end()) return unknown(text);

  HandshakePattern made = *found;
  int previous = -1;
  for (auto rest = text.substr(base.size()); !rest.empty();) {
    // "pskN", and between two of them a "+". Ascending, so that a handshake has one name only and no psk is there
    // twice.
    if (previous >= 0) {
      if (!rest.starts_with('+')) return unknown(text);
      rest.remove_prefix(1);
    }
    if (!rest.starts_with(modifier) || rest.size() <= modifier.size()) return unknown(text);
    const int place = rest[modifier.size()] - '0';
    if (place < 0 || place > 9 || place <= previous) return unknown(text);
    if (!add_psk(made, static_cast<unsigned>(place))) return unknown(text);
    previous = place;
    rest.remove_prefix(modifier.size() + 1);
  }
  return made;
}

}  // namespace penstock::crypto
