// The handshake as a machine that does no I/O: frames in, frames out, a Session at the end. It only moves forward.
//
//   initiator                                      responder
//     precheck policy on the kernel's word            precheck policy on the kernel's word
//     H0: preamble, Noise message 0     ──────────▶   pattern, suite, binding: take or close
//     admit (key included)              ◀──────────   H1: Noise message 1
//     H2 (XX only): Noise message 2     ──────────▶
//     confirm record                    ──────────▶   admit (key included), alive, same program, audit
//     alive, same program, audit        ◀──────────   confirm record
//
// Every frame's sender is compared with the connection's process (ATK-05).
#pragma once

#include <memory>

#include "crypto/noise.hpp"
#include "protocol/channel_settings.hpp"
#include "protocol/prologue.hpp"
#include "protocol/session.hpp"

namespace penstock::protocol {

/// The largest frame of a handshake, with room to spare for none.
inline constexpr std::size_t max_handshake_frame = header_size + 96;

/// What one end brings. Everything pointed to outlives the handshake.
struct HandshakeContext {
  bool initiator = false;
  const Policy* policy = nullptr;
  const crypto::KeyPair* static_key = nullptr;
  const crypto::Secret<32>* launch_secret = nullptr;
  transport::Carrier* carrier = nullptr;  ///< identities, traits, and the secret of a challenge
  EndpointBinding endpoint;
  const ChannelSettings* channel = nullptr;  ///< its limits are announced; its sink is told of the admission before the
                                             ///< last confirm leaves
  Trust trust{};                    ///< initiator: the one pattern it names
  Suite suite{};                    ///< initiator: the one suite it names, resolved
  bool allow_aesgcm = true;         ///< responder
  bool allow_chachapoly = true;     ///< responder
  DataPlane data_plane = DataPlane::pipe;  ///< initiator: what it asks for
  bool allow_pipe = true;                  ///< responder
  bool allow_shared_memory = false;        ///< responder
};

/// Where frames to send are collected.
struct HandshakeOutput {
  std::array<std::byte, 2 * max_handshake_frame> bytes{};
  std::size_t size = 0;
  [[nodiscard]] bytes_view view() const noexcept { return {bytes.data(), size}; }
};

class Handshake {
 public:
  /// Asks policy about the kernel's word first: a peer that cannot be admitted gets no byte (ATK-01).
  /// peer_refused, peer_too_weak, invalid_argument (no key, no policy), suite_unavailable, memory_unlocked.
  [[nodiscard]] static result<Handshake> make(HandshakeContext context);
  Handshake(Handshake&&) noexcept;
  Handshake& operator=(Handshake&&) noexcept;
  ~Handshake();

  /// Initiator: the first frame. Call once, first.
  [[nodiscard]] result<void> start(HandshakeOutput& out);
  /// One whole frame, and the kernel's word on who sent it. Appends what is to be sent to `out`. Any failure is final.
  [[nodiscard]] result<void> on_frame(bytes_view frame, const std::optional<transport::MessageSender>& sender,
                                      HandshakeOutput& out);
  [[nodiscard]] bool finished() const noexcept;
  /// Has everything been exchanged but the peer's confirm record?
  [[nodiscard]] bool awaits_confirm() const noexcept;
  /// Have both agreed that records go through shared memory? Valid when finished.
  [[nodiscard]] bool shares_memory() const noexcept;
  /// The session, once, when finished and `out` has been sent.
  [[nodiscard]] result<Session> take_session();

  /// Facts for the audit event of a refusal, as far as known.
  [[nodiscard]] const PublicKey* peer_key() const noexcept;
  [[nodiscard]] const Trust* trust() const noexcept;
  [[nodiscard]] std::string_view suite() const noexcept;

  /// Makes the next ephemeral key of this thread ahead of need. Called while the peer computes; each is used once.
  static void prepare_ephemeral();

 private:
  struct State;
  explicit Handshake(std::unique_ptr<State> state) noexcept;
  std::unique_ptr<State> state_;
};

/// Length of the frame whose header stands in `bytes` (32 of them); checks that a handshake may carry it now.
[[nodiscard]] result<std::size_t> handshake_frame_size(std::span<const std::byte, header_size> bytes);

}  // namespace penstock::protocol
