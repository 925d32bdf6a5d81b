// HandshakeState of Noise revision 34, section 5.3: one engine for every pattern of the table.
#include "crypto/noise.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "crypto/noise_patterns.hpp"
#include "crypto/noise_symmetric.hpp"

namespace penstock::crypto {
namespace {

constexpr std::size_t dh_size = 32;
constexpr std::size_t psk_size = 32;
constexpr std::size_t max_noise_message = 65535;  // section 3

const char* cipher_name(Cipher cipher) noexcept {
  return cipher == Cipher::aes256_gcm ? "AESGCM" : "ChaChaPoly";
}

const char* hash_name(HashKind kind) noexcept {
  switch (kind) {
    case HashKind::sha256:
      return "SHA256";
    case HashKind::sha512:
      return "SHA512";
    case HashKind::blake2b:
      return "BLAKE2b";
  }
  return "";
}

Failure mismatch(const NoiseConfig& config, const char* what) {
  return Failure(Error::invalid_argument,
                 fmt::format("The Noise pattern {} as {} {}; give exactly the keys that the pattern asks for.",
                             config.pattern, config.initiator ? "initiator" : "responder", what));
}

// Exactly the keys the pattern uses: a key that is given but not used would be a check that its owner believes in and
// that nobody makes.
result<void> check_keys(const NoiseConfig& config, const HandshakePattern& pattern) {
  const bool needs_static = pattern.needs_static(config.initiator);
  const bool needs_remote = pattern.needs_remote_static(config.initiator);
  if (needs_static && config.static_key == nullptr) return mismatch(config, "needs a static key");
  if (!needs_static && config.static_key != nullptr) return mismatch(config, "has no use for a static key");
  if (needs_remote && !config.remote_static) return mismatch(config, "needs the peer's static key beforehand");
  if (!needs_remote && config.remote_static) return mismatch(config, "has no use for the peer's static key beforehand");
  if (config.psks.size() != pattern.psks * psk_size) return mismatch(config, "takes another number of 32-byte psks");
  return {};
}

}  // namespace

struct NoiseHandshake::State {
  enum class Phase { running, split, failed };

  State(SymmetricState symmetric_state, const HandshakePattern& handshake_pattern, bool is_initiator)
      : symmetric(std::move(symmetric_state)), pattern(handshake_pattern), initiator(is_initiator) {}

  SymmetricState symmetric;
  HandshakePattern pattern;
  bool initiator;
  Phase phase = Phase::running;
  std::size_t next = 0;  // message
  KeyPair s, e;
  std::optional<byte_array<dh_size>> rs, re;
  SecretSlot psks;
  std::size_t psks_used = 0;

  [[nodiscard]] bool finished() const noexcept { return next == pattern.size; }
  [[nodiscard]] bool our_turn() const noexcept { return (next % 2 == 0) == initiator; }
  [[nodiscard]] std::size_t overhead() const noexcept;

  [[nodiscard]] result<void> take_keys(const NoiseConfig& config);
  void mix_pre_messages();
  [[nodiscard]] result<void> mix_ephemeral(const byte_array<dh_size>& public_key);
  [[nodiscard]] result<void> mix_psk();
  [[nodiscard]] result<void> mix_dh(Token token);

  [[nodiscard]] result<std::size_t> write(bytes_view payload, bytes_span out);
  [[nodiscard]] result<void> write_token(Token token, bytes_span& out);
  [[nodiscard]] result<std::size_t> read(bytes_view message, bytes_span payload);
  [[nodiscard]] result<void> read_token(Token token, bytes_view& message);

  void wipe_keys() noexcept {
    symmetric.reset();
    s.private_key.reset();
    e.private_key.reset();
    psks.reset();
  }
  // Forward only: whatever went wrong, the keys are gone and no second attempt has anything to work with.
  Failure fail(Failure failure) noexcept {
    phase = Phase::failed;
    wipe_keys();
    rs.reset();
    return failure;
  }
};

std::size_t NoiseHandshake::State::overhead() const noexcept {
  if (finished()) return 0;
  bool keyed = symmetric.overhead() != 0;
  std::size_t sum = 0;
  for (const auto token : pattern.messages[next]) {
    if (token == Token::e) {
      sum += dh_size;
      keyed = keyed || pattern.psks != 0;
    } else if (token == Token::s) {
      sum += dh_size + (keyed ? tag_size : 0);
    } else {
      keyed = true;
    }
  }
  return sum + (keyed ? tag_size : 0);
}

result<void> NoiseHandshake::State::take_keys(const NoiseConfig& config) {
  if (config.static_key != nullptr) {
    auto copy = config.static_key->clone();
    if (!copy) return copy.error();
    s = std::move(*copy);
  }
  auto ephemeral = config.ephemeral != nullptr ? config.ephemeral->clone() : KeyPair::generate();
  if (!ephemeral) return ephemeral.error();
  e = std::move(*ephemeral);
  rs = config.remote_static;
  if (config.psks.empty()) return {};
  auto slot = SecretSlot::allocate(config.psks.size());
  if (!slot) return slot.error();
  psks = std::move(*slot);
  std::ranges::copy(config.psks, psks.bytes().begin());
  return {};
}

void NoiseHandshake::State::mix_pre_messages() {
  if (pattern.initiator_known) symmetric.mix_hash(initiator ? s.public_key : *rs);
  if (pattern.responder_known) symmetric.mix_hash(initiator ? *rs : s.public_key);
}

// Section 9.2: in a psk handshake the ephemeral key is mixed into the key too, so that no two handshakes share one.
result<void> NoiseHandshake::State::mix_ephemeral(const byte_array<dh_size>& public_key) {
  symmetric.mix_hash(public_key);
  if (pattern.psks == 0) return {};
  return symmetric.mix_key(public_key);
}

result<void> NoiseHandshake::State::mix_psk() {
  if (!psks.alive()) return Error::forked;
  const auto psk = psks.bytes().subspan(psks_used * psk_size, psk_size);
  ++psks_used;
  return symmetric.mix_key_and_hash(psk);
}

// The first letter of a DH token names the initiator's key, the second the responder's.
result<void> NoiseHandshake::State::mix_dh(Token token) {
  const bool initiator_static = token == Token::se || token == Token::ss;
  const bool responder_static = token == Token::es || token == Token::ss;
  const bool own_static = initiator ? initiator_static : responder_static;
  const bool their_static = initiator ? responder_static : initiator_static;
  const auto& theirs = their_static ? rs : re;
  if (!theirs) return Error::internal;
  auto shared = diffie_hellman(own_static ? s : e, *theirs);
  if (!shared) return shared.error();
  return symmetric.mix_key(shared->bytes());
}

result<void> NoiseHandshake::State::write_token(Token token, bytes_span& out) {
  switch (token) {
    case Token::e:
      std::ranges::copy(e.public_key, out.begin());
      out = out.subspan(dh_size);
      return mix_ephemeral(e.public_key);
    case Token::s: {
      const std::size_t size = dh_size + symmetric.overhead();
      auto sealed = symmetric.encrypt_and_hash(s.public_key, out.first(size));
      out = out.subspan(size);
      return sealed;
    }
    case Token::psk:
      return mix_psk();
    default:
      return mix_dh(token);
  }
}

result<std::size_t> NoiseHandshake::State::write(bytes_view payload, bytes_span out) {
  if (finished() || !our_turn()) return Error::handshake_malformed;
  const std::size_t added = overhead();
  if (payload.size() > max_noise_message - added || out.size() < payload.size() + added) {
    return Error::handshake_malformed;
  }
  auto rest = out.first(payload.size() + added);
  for (const auto token : pattern.messages[next]) {
    if (auto done = write_token(token, rest); !done) return done.error();
  }
  if (auto sealed = symmetric.encrypt_and_hash(payload, rest); !sealed) return sealed.error();
  ++next;
  return payload.size() + added;
}

result<void> NoiseHandshake::State::read_token(Token token, bytes_view& message) {
  switch (token) {
    case Token::e:
      re.emplace();
      std::ranges::copy(message.first(dh_size), re->begin());
      message = message.subspan(dh_size);
      return mix_ephemeral(*re);
    case Token::s: {
      const std::size_t size = dh_size + symmetric.overhead();
      rs.emplace();
      auto opened = symmetric.decrypt_and_hash(message.first(size), *rs);
      message = message.subspan(size);
      return opened;
    }
    case Token::psk:
      return mix_psk();
    default:
      return mix_dh(token);
  }
}

result<std::size_t> NoiseHandshake::State::read(bytes_view message, bytes_span payload) {
  if (finished() || our_turn()) return Error::handshake_malformed;
  const std::size_t added = overhead();
  if (message.size() < added || message.size() > max_noise_message || payload.size() < message.size() - added) {
    return Error::handshake_malformed;
  }
  const std::size_t size = message.size() - added;
  for (const auto token : pattern.messages[next]) {
    if (auto done = read_token(token, message); !done) return done.error();
  }
  if (auto opened = symmetric.decrypt_and_hash(message, payload.first(size)); !opened) return opened.error();
  ++next;
  return size;
}

NoiseHandshake::NoiseHandshake(std::unique_ptr<State> state) : state_(std::move(state)) {}
NoiseHandshake::NoiseHandshake(NoiseHandshake&&) noexcept = default;
NoiseHandshake& NoiseHandshake::operator=(NoiseHandshake&&) noexcept = default;
NoiseHandshake::~NoiseHandshake() = default;

result<NoiseHandshake> NoiseHandshake::make(const NoiseConfig& config) {
  auto pattern = parse_pattern(config.pattern);
  if (!pattern) return pattern.error();
  if (auto checked = check_keys(config, *pattern); !checked) return checked.error();
  const auto name =
      fmt::format("Noise_{}_25519_{}_{}", config.pattern, cipher_name(config.cipher), hash_name(config.hash));
  auto symmetric = SymmetricState::make(name, config.cipher, config.hash);
  if (!symmetric) return symmetric.error();

  auto state = std::make_unique<State>(std::move(*symmetric), *pattern, config.initiator);
  if (auto taken = state->take_keys(config); !taken) return taken.error();
  state->symmetric.mix_hash(config.prologue);
  state->mix_pre_messages();
  return NoiseHandshake(std::move(state));
}

bool NoiseHandshake::finished() const noexcept {
  return state_ && state_->phase != State::Phase::failed && state_->finished();
}

bool NoiseHandshake::writes_next() const noexcept {
  return state_ && state_->phase == State::Phase::running && !state_->finished() && state_->our_turn();
}

std::size_t NoiseHandshake::overhead() const noexcept {
  return state_ && state_->phase == State::Phase::running ? state_->overhead() : 0;
}

result<std::size_t> NoiseHandshake::write(bytes_view payload, bytes_span out) {
  if (!state_ || state_->phase != State::Phase::running) return Error::handshake_failed;
  auto written = state_->write(payload, out);
  if (!written) return state_->fail(written.error());
  return written;
}

result<std::size_t> NoiseHandshake::read(bytes_view message, bytes_span payload) {
  if (!state_ || state_->phase != State::Phase::running) return Error::handshake_failed;
  auto size = state_->read(message, payload);
  if (!size) return state_->fail(size.error());
  return size;
}

std::optional<byte_array<32>> NoiseHandshake::remote_static() const {
  return state_ ? state_->rs : std::nullopt;
}

result<NoiseResult> NoiseHandshake::split() {
  if (!state_ || state_->phase != State::Phase::running) return Error::handshake_failed;
  if (!state_->finished()) return state_->fail(Error::handshake_malformed);
  auto keys = state_->symmetric.split();
  if (!keys) return state_->fail(keys.error());
  state_->phase = State::Phase::split;
  state_->wipe_keys();
  return keys;
}

}  // namespace penstock::crypto
