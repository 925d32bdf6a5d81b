// The DDE carrier: sealed frames over Dynamic Data Exchange between hidden windows of one desktop session. For joining the single
// instance of a program in that session, and no boundary against code in it: anybody there can end a conversation, and forge who
// says what. What keeps them out is above: the tags of the records, and a key of the handshake.
//
// Application "penstock", topic SCOPE\NAME as in a pipe's name, item "frames" (docs/PROTOCOL.md, "DDE"). Windows only; on Linux
// everything here is unsupported.
//
// One hidden thread. A DDE window belongs to the thread that made it: only that one gets its messages, and a window that is not
// served within the others' time-outs stalls whoever broadcasts on this desktop. An executor may be busy, or run by nobody, for any
// time. So a process with a DdeListener or a Carrier has exactly one thread more, shared by all of them, that runs the windows and
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

// A conversation's carrier. Its ends have answered each other's challenge, or said that they cannot. peer() has the strength `claimed`: a
// window names its process, and anybody can name a window. Each send() is one datagram of at most dde::largest_datagram bytes, that must
// hold whole frames: datagrams may be delivered in another order than they were sent in. One receive() never has bytes of two.
//
// What Carrier::challenge_secret() proves, once a handshake keyed with it has succeeded: the other end could read what is behind a handle
// that was put into the claimed process and into no other. So it is that process, or one that may duplicate handles out of it or read
// its memory: its own user's programs at its integrity level, and whoever stands above. Not which of those. Where it is
// permission_denied only a static key helps. After challenge_was_answered() peer() is `pinned`, with the process handle that was held
// since the window was looked at.

/// Broadcasts, and takes the one window that answers. Checks then its process: not this one, same session, `endpoint`'s scope, `check`;
/// before that, nothing but the endpoint's name leaves. Blocks: each window of the desktop is asked, and then waited for, for at most
/// `deadline` or the time-outs, whichever is first; where not all could be asked nobody is taken (deadline_exceeded). not_found; socket_unsafe: more than one window answers (ATK-01); peer_*,
/// deadline_exceeded, truncated, resource_exhausted, invalid_argument (the topic is longer than 237 characters), unsupported.
[[nodiscard]] result<std::unique_ptr<Carrier>> connect_dde(const Endpoint& endpoint, const PeerCheck& check, Deadline deadline,
                                                              DdeOptions options = {});

/// The name's window. Answers a broadcast only when it names application and topic, both (no wildcard), and comes from a process that
/// may be a peer. At most 64 conversations of a listener that nobody has accepted yet, 8 of them of one process.
/// accept() hands out what is past its challenge, and what has ended since: what it sent before is there, and then its end. It fails for each
/// that ended before, and for each that was not answered (at most 64 of these are kept), with refused() where the process is known.
class DdeListener : public CarrierListener {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "dde"; }
  /// name_in_use: something else answers for this name or has claimed it; deadline_exceeded: not all windows could be asked
  /// (Timeouts::broadcast); invalid_argument, resource_exhausted, unsupported.
  [[nodiscard]] static result<std::unique_ptr<DdeListener>> open(const Endpoint& endpoint, DdeOptions options = {});
};

}  // namespace penstock::transport
