#include "protocol/handshake.hpp"

#include "protocol/thread_state.hpp"
#include "protocol/wire.hpp"
#include "transports/traits.hpp"

namespace penstock::protocol {
namespace {

constexpr std::size_t confirm_payload = 16;

// A key that a fork inherited reads as dead and is dropped.
std::optional<crypto::KeyPair>& prepared_ephemeral() { return thread_state().ephemeral; }

std::optional<crypto::KeyPair> take_ephemeral() {
  auto taken = std::exchange(prepared_ephemeral(), std::nullopt);
  if (taken && !taken->private_key.alive()) return std::nullopt;
  return taken;
}

// Roles come from who accepted, never from a message (ATK-22): a reflected frame meets a machine that awaits another one.
enum class Phase : std::uint8_t { start, first, second, third, confirm, finished, spent };

}  // namespace

struct Handshake::State {
  explicit State(HandshakeContext given) : context(std::move(given)) {}

  HandshakeContext context;
  Phase phase = Phase::start;
  Binding binding{};
  Preamble preamble;
  bool trust_known = false;
  std::optional<crypto::KeyPair> ephemeral;
  std::optional<crypto::NoiseHandshake> noise;
  std::optional<PublicKey> peer_key;
  std::optional<PeerVerified> verified;
  std::optional<TranscriptConfirmed> confirmed;
  Sealer sealer;
  Opener opener;
  ChannelInfo info;
  PeerParameters parameters;

  [[nodiscard]] const PeerIdentity& peer() const { return context.carrier->peer(); }
  /// Of what the records will go through.
  [[nodiscard]] const transport::CarrierTraits& data_traits() const {
    return preamble.carrier == transport::shared_memory_traits.id ? transport::shared_memory_traits : context.carrier->traits();
  }
  [[nodiscard]] Subject subject() const { return {peer(), preamble.trust, peer_key ? &*peer_key : nullptr}; }

  [[nodiscard]] result<void> check_sender(const std::optional<transport::MessageSender>& sender) const;
  [[nodiscard]] result<void> check_carrier(std::uint8_t chosen) const;
  [[nodiscard]] result<void> make_noise();
  [[nodiscard]] result<void> write_noise(std::uint64_t index, HandshakeOutput& out);
  [[nodiscard]] result<void> read_noise(bytes_view frame, std::uint64_t index, std::size_t skip);
  [[nodiscard]] result<void> on_first(bytes_view frame, HandshakeOutput& out);
  [[nodiscard]] result<void> on_second(bytes_view frame, HandshakeOutput& out);
  [[nodiscard]] result<void> on_confirm(bytes_view frame, HandshakeOutput& out);
  [[nodiscard]] result<void> split();
  [[nodiscard]] result<void> seal_confirm(HandshakeOutput& out);
  [[nodiscard]] result<void> record_admission();
};

Handshake::Handshake(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
Handshake::Handshake(Handshake&&) noexcept = default;
Handshake& Handshake::operator=(Handshake&&) noexcept = default;
Handshake::~Handshake() = default;

result<Handshake> Handshake::make(HandshakeContext context) {
  if (context.policy == nullptr || context.policy->rules().empty()) {
    return Failure(Error::invalid_argument, "no policy: say who may be at the other end (Policy::load, Policy::user)");
  }
  if (context.channel == nullptr || context.carrier == nullptr) return Error::internal;
  auto state = std::make_unique<State>(std::move(context));
  auto& at = *state;
  if (at.context.initiator) {
    if (at.context.trust == Trust::static_key && at.context.static_key == nullptr) {
      return Failure(Error::invalid_argument, "trust static-key needs a key pair: give one (penstock keygen)");
    }
    at.preamble.trust = at.context.trust;
    at.preamble.suite = at.context.suite;
    const bool shared = at.context.data_plane == DataPlane::shared_memory;
    at.preamble.carrier = shared ? transport::shared_memory_traits.id : at.context.carrier->traits().id;
    at.trust_known = true;
    auto binding = at.context.policy->precheck(at.subject());
    if (!binding) return binding.error();
    at.preamble.binding = at.binding = *binding;
  }
  at.phase = at.context.initiator ? Phase::start : Phase::first;
  return Handshake(std::move(state));
}

// ATK-05: the kernel names the sender of every handshake frame; another process than the connection's is refused, even
// one that holds the same socket.
result<void> Handshake::State::check_sender(const std::optional<transport::MessageSender>& sender) const {
  if (!sender) return Error::peer_changed;
  if (sender->uid != peer().uid) return Error::peer_changed;
  if (peer().strength == Strength::pinned) {
    return sender->process_key == peer().process_key ? result<void>() : Error::peer_changed;
  }
  return sender->pid == peer().pid && sender->gid == peer().gid ? result<void>() : Error::peer_changed;
}

result<void> Handshake::State::make_noise() {
  const auto& initiator = context.initiator ? context.carrier->self() : context.carrier->peer();
  const auto& responder = context.initiator ? context.carrier->peer() : context.carrier->self();
  const auto prologue = make_prologue(preamble, context.endpoint, initiator, responder);
  if (!prologue) return prologue.error();

  ephemeral = take_ephemeral();
  crypto::NoiseConfig config;
  config.pattern = pattern_of(preamble.trust);
  config.cipher = cipher_of(preamble.suite);
  config.hash = hash_of(preamble.suite);
  config.initiator = context.initiator;
  config.prologue = *prologue;
  config.ephemeral = ephemeral ? &*ephemeral : nullptr;
  if (preamble.trust == Trust::static_key) config.static_key = context.static_key;
  if (preamble.trust == Trust::launch_secret) config.psks = context.launch_secret->bytes();
  if (preamble.trust == Trust::challenge) {
    const auto secret = context.carrier->challenge_secret();
    if (!secret) return secret.error();
    config.psks = (*secret)->bytes();
  }
  auto made = crypto::NoiseHandshake::make(config);
  if (!made) return made.error();
  noise.emplace(std::move(*made));
  return {};
}

result<void> Handshake::State::write_noise(std::uint64_t index, HandshakeOutput& out) {
  const std::size_t extra = index == 0 ? preamble_size : 0;
  const std::size_t length = extra + noise->overhead();
  if (out.bytes.size() - out.size < header_size + length) return Error::internal;
  const std::span<std::byte> frame = std::span(out.bytes).subspan(out.size, header_size + length);

  Header header;
  header.type = FrameType::handshake;
  header.sequence = index;
  header.length = static_cast<std::uint32_t>(length);
  encode(header, frame.first<header_size>());
  if (index == 0) encode(preamble, frame.subspan<header_size, preamble_size>());
  const auto written = noise->write({}, frame.subspan(header_size + extra));
  if (!written) return written.error();
  out.size += frame.size();
  return {};
}

// A handshake header has no freedom: every field but the length is a constant, and the length is the pattern's. So nothing in
// it needs a key to be believed (ATK-25).
result<void> Handshake::State::read_noise(bytes_view frame, std::uint64_t index, std::size_t skip) {
  const auto header = decode(frame.first<header_size>());
  if (!header) return header.error();
  if (header->type != FrameType::handshake || header->sequence != index) return Error::handshake_malformed;
  if (header->epoch != 0 || header->time != 0) return Error::handshake_malformed;
  if (header->length != skip + noise->overhead()) return Error::handshake_malformed;
  std::array<std::byte, 1> nothing;
  const auto payload = noise->read(frame.subspan(header_size + skip), std::span(nothing).first(0));
  if (!payload) return payload.error();
  return *payload == 0 ? result<void>() : Error::handshake_malformed;
}

// What comes on a listener of its own was allowed when that was opened; the others share the pipe that they begin on.
result<void> Handshake::State::check_carrier(std::uint8_t chosen) const {
  const auto& below = context.carrier->traits();
  if (chosen == transport::shared_memory_traits.id) {
    return context.allow_shared_memory && below.ordered ? result<void>() : Error::carrier_refused;
  }
  if (chosen != below.id) return Error::handshake_malformed;
  return context.allow_pipe || below.own_listener ? result<void>() : Error::carrier_refused;
}

// Responder: what the initiator chose is taken or refused; there is no answer that proposes less (ATK-25).
result<void> Handshake::State::on_first(bytes_view frame, HandshakeOutput& out) {
  if (frame.size() < header_size + preamble_size) return Error::handshake_malformed;
  const auto chosen = decode_preamble(frame.subspan<header_size, preamble_size>());
  if (!chosen) return chosen.error();
  if (auto allowed = check_carrier(chosen->carrier); !allowed) return allowed.error();
  if (!context.policy->accepts(chosen->trust)) return Error::pattern_refused;
  if (chosen->trust == Trust::static_key && context.static_key == nullptr) return Error::pattern_refused;
  if (chosen->trust == Trust::launch_secret && context.launch_secret == nullptr) return Error::pattern_refused;
  if (chosen->trust == Trust::challenge && !context.carrier->challenge_secret()) return Error::pattern_refused;
  const bool allowed = chosen->suite == Suite::aesgcm_sha256 ? context.allow_aesgcm : context.allow_chachapoly;
  if (!allowed || !crypto::available(cipher_of(chosen->suite))) return Error::suite_refused;
  preamble = *chosen;
  trust_known = true;
  const auto wanted = context.policy->precheck(subject());
  if (!wanted) return wanted.error();
  if (*wanted != chosen->binding) return Error::pattern_refused;
  binding = *wanted;

  if (auto made = make_noise(); !made) return made.error();
  if (auto read = read_noise(frame, 0, preamble_size); !read) return read.error();
  if (auto written = write_noise(1, out); !written) return written.error();
  if (preamble.trust == Trust::static_key) {
    phase = Phase::third;
    return {};
  }
  phase = Phase::confirm;
  return split();
}

// Initiator: the responder's answer. Its key is known now, so that the whole policy can speak before ours is shown.
result<void> Handshake::State::on_second(bytes_view frame, HandshakeOutput& out) {
  if (auto read = read_noise(frame, 1, 0); !read) return read.error();
  if (const auto key = noise->remote_static()) peer_key = PublicKey(*key);
  auto proof = PeerVerified::verify(*context.policy, subject(), binding);
  if (!proof) return proof.error();
  verified.emplace(std::move(*proof));
  if (preamble.trust == Trust::static_key) {
    if (auto written = write_noise(2, out); !written) return written.error();
  }
  if (auto keys = split(); !keys) return keys.error();
  phase = Phase::confirm;
  return seal_confirm(out);
}

result<void> Handshake::State::split() {
  auto keys = noise->split();
  if (!keys) return keys.error();
  const bool initiator = context.initiator;
  info.trust = preamble.trust;
  info.suite = suite_name(preamble.suite);
  const auto& records = data_traits();
  info.carrier = records.name;
  info.initiator = initiator;
  info.peer_key = peer_key;
  info.transcript = keys->hash;
  info.transcript_size = keys->hash_size;
  auto& own = initiator ? keys->initiator_to_responder : keys->responder_to_initiator;
  auto& theirs = initiator ? keys->responder_to_initiator : keys->initiator_to_responder;
  sealer = Sealer(std::move(own), context.channel->options.rekey);
  opener = Opener(std::move(theirs), records.ordered, context.channel->options.limits);
  noise.reset();
  ephemeral.reset();
  return {};
}

result<void> Handshake::State::seal_confirm(HandshakeOutput& out) {
  std::array<std::byte, confirm_payload> payload{};
  put(payload.data(), std::min(context.channel->options.limits.max_message, message_ceiling));
  payload[8] = static_cast<std::byte>(std::min(context.channel->options.limits.max_handles, max_handles_per_message));
  Outgoing record;
  record.type = FrameType::confirm;
  record.body = payload;
  const auto written = sealer.seal(record, std::span(out.bytes).subspan(out.size), monotonic_time());
  if (!written) return written.error();
  out.size += *written;
  return {};
}

// What opens here was sealed under keys that depend on every byte of the transcript and on both identities.
result<void> Handshake::State::on_confirm(bytes_view frame, HandshakeOutput& out) {
  std::array<std::byte, max_handshake_frame> plain;
  if (frame.size() != record_overhead + confirm_payload) return Error::handshake_malformed;
  const auto opened = opener.open(frame, plain.data(), monotonic_time());
  if (!opened) return opened.error().code() == Error::record_forged ? Error::handshake_failed : opened.error();
  if (opened->header.type != FrameType::confirm || opened->header.epoch != 0) return Error::handshake_malformed;
  const auto payload = opened->payload;
  parameters.max_message = get<std::uint64_t>(payload.data());
  parameters.max_handles = std::to_integer<std::uint8_t>(payload[8]);
  if (parameters.max_message > message_ceiling) return Error::handshake_malformed;
  if (parameters.max_handles > max_handles_per_message) return Error::handshake_malformed;
  for (const auto reserved : payload.subspan(9)) {
    if (reserved != std::byte{}) return Error::handshake_malformed;
  }
  confirmed.emplace(TranscriptConfirmed());
  // Only who read what was put into the claimed process could seal this: now it is more than a claim.
  if (preamble.trust == Trust::challenge) {
    if (auto raised = context.carrier->challenge_was_answered(); !raised) return raised.error();
  }

  // Both sides ask again now, after everything the identity was used for: the initiator a second time (ATK-05, ATK-06).
  auto proof = PeerVerified::verify(*context.policy, subject(), binding);
  if (!proof) return proof.error();
  verified.emplace(std::move(*proof));
  if (auto kept = record_admission(); !kept) return kept.error();
  phase = Phase::finished;
  if (context.initiator) return {};
  return seal_confirm(out);
}

// An admission that cannot be recorded does not happen (ATK-28).
result<void> Handshake::State::record_admission() {
  if (!context.channel->audit) return {};
  AuditEvent event;
  event.kind = AuditKind::peer_admitted;
  event.role = context.initiator ? "connector" : "listener";
  event.endpoint = context.channel->endpoint_text;
  event.carrier = info.carrier;
  event.peer = &peer();
  event.peer_key = peer_key ? &*peer_key : nullptr;
  event.admission = &verified->admission();
  event.trust = &preamble.trust;
  event.suite = info.suite;
  event.transcript = std::span(info.transcript).first(info.transcript_size);
  return context.channel->audit->record(event);
}

result<void> Handshake::start(HandshakeOutput& out) {
  if (state_->phase != Phase::start) return Error::internal;
  auto made = state_->make_noise();
  if (made) made = state_->write_noise(0, out);
  state_->phase = made ? Phase::second : Phase::spent;
  return made;
}

result<void> Handshake::on_frame(bytes_view frame, const std::optional<transport::MessageSender>& sender,
                                 HandshakeOutput& out) {
  auto& at = *state_;
  const auto step = [&]() -> result<void> {
    if (auto same = at.check_sender(sender); !same) return same.error();
    switch (at.phase) {
      case Phase::first: return at.on_first(frame, out);
      case Phase::second: return at.on_second(frame, out);
      case Phase::third: {
        if (auto read = at.read_noise(frame, 2, 0); !read) return read.error();
        if (const auto key = at.noise->remote_static()) at.peer_key = PublicKey(*key);
        at.phase = Phase::confirm;
        return at.split();
      }
      case Phase::confirm: return at.on_confirm(frame, out);
      default: return Error::handshake_malformed;
    }
  };
  auto done = step();
  if (done) return done;
  at.phase = Phase::spent;
  at.noise.reset();
  at.ephemeral.reset();
  at.sealer.reset();
  at.opener.reset();
  out.size = 0;
  return done;
}

bool Handshake::awaits_confirm() const noexcept { return state_->phase == Phase::confirm; }

bool Handshake::finished() const noexcept { return state_->phase == Phase::finished; }

bool Handshake::shares_memory() const noexcept { return state_->preamble.carrier == transport::shared_memory_traits.id; }

result<Session> Handshake::take_session() {
  auto& at = *state_;
  if (at.phase != Phase::finished || !at.verified || !at.confirmed) return Error::internal;
  at.phase = Phase::spent;
  return Session(std::move(*at.verified), std::move(*at.confirmed), std::move(at.sealer), std::move(at.opener),
                 std::move(at.info), at.parameters);
}

const PublicKey* Handshake::peer_key() const noexcept { return state_->peer_key ? &*state_->peer_key : nullptr; }
const Trust* Handshake::trust() const noexcept { return state_->trust_known ? &state_->preamble.trust : nullptr; }
std::string_view Handshake::suite() const noexcept {
  return state_->trust_known ? suite_name(state_->preamble.suite) : std::string_view();
}

void Handshake::prepare_ephemeral() {
  auto& prepared = prepared_ephemeral();
  if (prepared && prepared->private_key.alive()) return;
  if (auto made = crypto::KeyPair::generate()) prepared.emplace(std::move(*made));
}

result<std::size_t> handshake_frame_size(std::span<const std::byte, header_size> bytes) {
  const auto header = decode(bytes);
  if (!header) return header.error();
  if (header->type != FrameType::handshake && header->type != FrameType::confirm) return Error::handshake_malformed;
  if (header->handles != 0) return Error::handshake_malformed;
  if (header->length > max_handshake_frame - header_size) return Error::handshake_malformed;
  return header_size + header->length;
}

}  // namespace penstock::protocol
