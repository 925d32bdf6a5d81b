// A carrier moves opaque frames and says who is at the other end. Nothing above this line knows which carrier it is.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/system/error_code.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

#include "crypto/secret.hpp"
#include "penstock/bytes.hpp"
#include "penstock/completion.hpp"
#include "penstock/handle.hpp"
#include "penstock/identity.hpp"
#include "penstock/result.hpp"

namespace penstock::transport {

/// What differs between carriers, as constants of each. The ids stand on the wire (docs/PROTOCOL.md, "Carriers").
struct CarrierTraits {
  std::uint8_t id;           ///< 1 pipe, 2 inherited, 3 shared memory, 4 DDE
  const char* name;          ///< "pipe", …
  bool ordered;              ///< true: exactly the next sequence number; false: a replay window of 8,192
  bool passes_handles;
  bool in_memory = false;    ///< reserve() and readable() may give memory
  bool own_listener = false; ///< comes only from a listener that its `allow_` option has opened; else `allow_pipe` is asked
};

/// `either` is for Carrier::wait alone.
enum class Readiness : std::uint8_t { readable, writable, either };

/// Wait::yes sleeps in the kernel until something moves; Wait::no answers would_block at once.
enum class Wait : std::uint8_t { no, yes };

/// A point on the steady clock, or none for "however long it takes".
using Deadline = std::optional<std::chrono::steady_clock::time_point>;

/// The kernel's word on who sent the bytes of one receive, during the handshake (Linux: SCM_CREDENTIALS, SCM_PIDFD; Windows: the
/// pipe's process id, and to a server the token that the client wrote with).
struct MessageSender {
  std::int64_t pid = 0;
  user_id uid{};                  ///< Linux: the real user; a PeerIdentity has the effective one. They differ in setuid programs
  user_id gid{};                  ///< likewise the real group
  std::uint64_t process_key = 0;  ///< as PeerIdentity's; 0 where the kernel does not tell
};

/// What one receive brought.
struct Received {
  std::size_t size = 0;                  ///< bytes written to the buffer; never 0
  std::optional<MessageSender> sender;   ///< while sender_checks(true); none = the kernel named nobody
};

using WaitHandler = Completion<void(boost::system::error_code)>;

/// One connection. Not thread-safe: one strand or one thread at a time. Move-only through unique_ptr.
class Carrier {
 public:
  virtual ~Carrier() = default;

  [[nodiscard]] virtual const CarrierTraits& traits() const noexcept = 0;

  /// The process at the other end. Valid as long as the carrier.
  [[nodiscard]] virtual const PeerIdentity& peer() const noexcept = 0;
  /// This process, as it sees itself; the same facts that the peer's kernel query must give.
  [[nodiscard]] virtual const PeerIdentity& self() const noexcept = 0;

  /// While on, each receive stops where the sending process changes and names it. On from the start; the channel
  /// turns it off once keys are agreed, since from then on the tag says who speaks.
  [[nodiscard]] virtual result<void> sender_checks(bool on) = 0;

  /// Where the peer is only claimed: the secret that both ends hold once each has put its half into the other's claimed process, and
  /// 32 bytes for NNpsk0. Valid as long as the carrier. unsupported: this carrier has no need of it; permission_denied: one of the two
  /// may not put handles into the other. What a handshake keyed with it proves: transports/dde/dde.hpp.
  [[nodiscard]] virtual result<const crypto::Secret<32>*> challenge_secret() const noexcept { return Error::unsupported; }
  /// Such a handshake has succeeded: peer() is `pinned` from then on. peer_gone when the process has ended; unsupported, peer_unidentified
  /// without a secret.
  [[nodiscard]] virtual result<void> challenge_was_answered() { return Error::unsupported; }

  /// Sends a prefix of `bytes`, at least one byte, and returns its length. A carrier that is not ordered takes whole frames, all of
  /// them, one send() at a time. `handles` travel with the first byte,
  /// are borrowed, and have been sent exactly when the call succeeds. `bytes` is not empty.
  /// would_block (Wait::no only), truncated (the other end is gone), resource_exhausted, io_error.
  [[nodiscard]] virtual result<std::size_t> send(bytes_view bytes, std::span<const native_handle> handles, Wait wait) = 0;

  /// Memory of the carrier's own, `size` bytes of it, into which a frame may be sealed without a copy; then commit() sends them.
  /// Empty where the carrier has none such now: send() then. What is not committed was never there.
  [[nodiscard]] virtual bytes_span reserve(std::size_t /*size*/) noexcept { return {}; }
  /// Will reserve(size) give memory once the peer has read on, with nothing sent in between?
  [[nodiscard]] virtual bool may_reserve(std::size_t /*size*/) const noexcept { return false; }
  /// Sends the first `size` bytes of what reserve() gave, with nothing in between. Cannot fail.
  virtual void commit(std::size_t /*size*/) noexcept {}

  /// Where the platform takes bytes later than send() does (Windows): has it taken all? would_block (Wait::no only), or how the
  /// last send ended. The other end's reader may still be far behind.
  [[nodiscard]] virtual result<void> finish_sends(Wait) { return {}; }

  /// Receives at least one byte into `buffer`; handles that came with these bytes are appended to `handles`, all
  /// close-on-exec. would_block (Wait::no only), truncated (end of stream), handles_limit (more than fit, or the
  /// kernel cut them off: those that came are closed), resource_exhausted, io_error.
  [[nodiscard]] virtual result<Received> receive(bytes_span buffer, HandleList& handles, Wait wait) = 0;

  /// What has arrived and stands, in one piece, in memory that the *peer can write at any time* (ATK-13): each byte is copied before
  /// anything looks at it, and once. Empty where the carrier has no such memory, or nothing there: receive() then.
  [[nodiscard]] virtual bytes_view readable() noexcept { return {}; }
  /// The first `size` bytes of what readable() gave, with nothing in between, are done with. frame_malformed: the peer lies about
  /// what it wrote.
  [[nodiscard]] virtual result<void> take(std::size_t /*size*/) noexcept { return {}; }

  /// Sleeps until ready or the deadline (deadline_exceeded). The other end's going counts as ready.
  [[nodiscard]] virtual result<void> wait(Readiness readiness, Deadline deadline) = 0;

  /// Binds the carrier to an executor; async_wait may be used from then on. Once only.
  [[nodiscard]] virtual result<void> attach(const boost::asio::any_io_executor& executor) = 0;
  /// Undoes attach, so that Wait::yes may be used. Outstanding waits end with operation_aborted.
  virtual void detach() = 0;
  /// Completes through the attached executor, never inside this call, when ready or closed (operation_aborted).
  /// At most one wait of each kind at a time.
  virtual void async_wait(Readiness readiness, WaitHandler handler) = 0;
  /// Ends outstanding waits with operation_aborted.
  virtual void cancel_waits() noexcept = 0;

  /// The descriptor to poll(2) beside others, or no_handle where the carrier has none. Borrowed.
  [[nodiscard]] virtual native_handle native() const noexcept = 0;

  /// Closes at once; final. Everything afterwards answers Error::closed.
  virtual void close() noexcept = 0;
};

}  // namespace penstock::transport
