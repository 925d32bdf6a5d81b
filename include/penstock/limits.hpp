// Every bound of a channel and of a listener, with its default. All are finite: nothing a peer sends grows without one.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace penstock {

/// The largest plaintext of one record, in bytes (docs/PROTOCOL.md, "Records"). A constant of the protocol.
inline constexpr std::size_t max_record_payload = 65536;

/// The hard ceiling of Limits::max_message, in bytes.
inline constexpr std::uint64_t message_ceiling = std::uint64_t{1} << 30;

/// Bounds of one channel. Told to the peer where it must know them; enforced here whatever it knows.
struct Limits {
  std::uint64_t max_message = 16u << 20;        ///< bytes of one received message, chunks together
  std::uint64_t max_buffer = std::uint64_t{1} << 30;  ///< bytes of one received sealed buffer
  std::size_t max_handles = 8;                  ///< handles of one received message; ≤ max_handles_per_message
  std::size_t inbound_messages = 64;            ///< received but not yet taken by the application
  std::size_t inbound_bytes = 4u << 20;         ///< likewise, in bytes
  std::size_t inbound_handles = 32;             ///< likewise, handles: a peer's messages do not use up our descriptors
  std::size_t outbound_bytes = 1u << 20;        ///< sealed but not yet taken by the carrier, in bytes
  std::size_t ring_bytes = 256u << 10;          ///< DataPlane::shared_memory: the ring that this end writes; a power of two, 4 KiB to 64 MiB
  std::size_t pending_calls = 256;              ///< calls of ours that wait for a reply
  std::size_t pending_requests = 256;           ///< requests of the peer's that we have not answered
  std::chrono::milliseconds max_age{60'000};    ///< a record older than this when opened closes the channel
  std::chrono::milliseconds max_ahead{1'000};   ///< a record that claims to be sent this far in the future does too
};

/// When a direction changes its key (docs/PROTOCOL.md, "Rekey"). Each is a maximum; whichever comes first.
struct RekeyPolicy {
  std::uint64_t records = std::uint64_t{1} << 20;       ///< records under one key; ceiling 2^24
  std::uint64_t bytes = std::uint64_t{16} << 30;        ///< plaintext bytes under one key; ceiling 2^36
  std::chrono::seconds age{900};                        ///< checked when a record is sealed
  std::chrono::seconds fresh_secret_every{3600};        ///< initiator: a new Diffie-Hellman inside the channel
};

/// Bounds of one listener.
struct ListenerLimits {
  std::chrono::milliseconds handshake_deadline{5'000};  ///< from accept to a channel, whatever the peer does
  std::size_t half_open = 128;                          ///< unfinished handshakes
  std::size_t half_open_per_identity = 16;              ///< of them, of one user
  /// Channels handed out and not yet closed. Each holds two descriptors, so a listener takes fewer where RLIMIT_NOFILE leaves
  /// no room for them: half of that limit is for channels. channels_per_identity shrinks in proportion (ATK-12).
  std::size_t channels = 4096;
  std::size_t channels_per_identity = 1024;             ///< of them, of one user
  std::size_t ready = 64;                               ///< proven channels that nobody has accepted yet
  int backlog = 128;                                    ///< listen(2)
};

/// How a receive waits. `blocking` sleeps in the kernel at once. `latency` first polls for a bounded time that adapts between 0 and
/// ChannelOptions::poll_limit: a shorter round trip for up to that much processor time per wait.
enum class WaitProfile : std::uint8_t { blocking, latency };

}  // namespace penstock
