// The DDE carrier: sealed frames over Dynamic Data Exchange between hidden windows of one desktop session. For joining the single
// instance of a program in that session, and no boundary against code in it: anybody there can end a conversation, and forge who
// says what. What keeps them out is above: the tags of the records, and a key of the handshake.
//
// Application "penstock", topic SCOPE\NAME as in a pipe's name, item "frames" (docs/PROTOCOL.md, "DDE"). Windows only; on Linux
// everything here is unsupported.
//
// One hidden thread. A DDE window belongs to the thread that made it: only that one gets its messages, and a window that is not
// served within the others' time-outs stalls whoever broadcasts on this desktop. An executor may be busy, or run by nobody, for any
// time. So a process with a DdeListener or a DdeCarrier has exactly one thread more, shared by all of them, that runs the windows and
// nothing of the application's: completions are posted to the executor. It ends, joined, with the last of them.
#pragma once

#include <memory>

#include "crypto/secret.hpp"
#include "penstock/endpoint.hpp"
#include "transports/dde/conversation.hpp"
#include "transports/pipe.hpp"

namespace penstock::transport {

struct DdeOptions {
  /// As PipeOptions.
  bool allow_own_process = false;
  dde::Timeouts timeouts;
};

/// A conversation whose ends have answered each other's challenge, or said that they cannot. peer() has the strength `claimed`: a window
/// names its process, and anybody can name a window. Each send() is one datagram of at most dde::largest_datagram bytes, that must hold whole
/// frames: datagrams may be delivered in another order than they were sent in. One receive() never has bytes of two.
class DdeCarrier : public Carrier {
 public:
  /// The secret that both ends made for this conversation; 32 bytes, for NNpsk0. Valid as long as the carrier.
  /// permission_denied: one of the two may not put handles into the other; only a static key helps then.
  ///
  /// What it proves, once a handshake keyed with it has succeeded: the other end could read what is behind a handle that was put
  /// into the claimed process and into no other. So it is that process, or one that may duplicate handles out of it or read its
  /// memory: its own user's programs at its integrity level, and whoever stands above. Not which of those.
  [[nodiscard]] virtual result<const crypto::Secret<32>*> challenge_secret() const noexcept = 0;

  /// To be called when such a handshake has succeeded: peer() is `pinned` from then on, with the process handle that was held since
  /// the window was looked at. peer_unidentified without a secret; peer_gone when the process has ended.
  [[nodiscard]] virtual result<void> challenge_was_answered() = 0;
};

/// Broadcasts, and takes the one window that answers. Checks then its process: not this one, same session, `endpoint`'s scope, `check`;
/// before that, nothing but the endpoint's name leaves. Blocks: a broadcast waits for each window of the desktop, and the whole for at most
/// `deadline` or the time-outs, whichever is first. not_found; socket_unsafe: more than one window answers (ATK-01); peer_*,
/// deadline_exceeded, truncated, resource_exhausted, invalid_argument (the topic is longer than 255 characters), unsupported.
[[nodiscard]] result<std::unique_ptr<DdeCarrier>> connect_dde(const Endpoint& endpoint, const PeerCheck& check, Deadline deadline,
                                                              DdeOptions options = {});

/// The name's window. Answers a broadcast only when it names application and topic, both (no wildcard), and comes from a process that
/// may be a peer. At most 64 conversations of a listener that nobody has accepted yet, 8 of them of one process.
class DdeListener {
 public:
  /// name_in_use: something else answers for this name; invalid_argument, resource_exhausted, unsupported.
  [[nodiscard]] static result<std::unique_ptr<DdeListener>> open(const Endpoint& endpoint, DdeOptions options = {});

  virtual ~DdeListener() = default;
  /// The next conversation that is past its challenge: would_block, closed. One that has ended since is handed out
  /// still: what it sent before is there, and then its end.
  [[nodiscard]] virtual result<std::unique_ptr<DdeCarrier>> accept() = 0;
  [[nodiscard]] virtual result<void> attach(const boost::asio::any_io_executor& executor) = 0;
  virtual void async_wait(WaitHandler handler) = 0;
  virtual void cancel_waits() noexcept = 0;
  /// The window goes, and with it what nobody has accepted. Final.
  virtual void close() noexcept = 0;
};

}  // namespace penstock::transport
