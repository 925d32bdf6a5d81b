// A window names the process of the thread that made it. That is all that is asked, and all that can be: a message says which window it is
// from, and anybody can write that. Source: GetWindowThreadProcessId.
#include <fmt/format.h>

#include "transports/dde/link_windows.hpp"
#include "transports/duplicate.hpp"
#include "transports/identify_windows.hpp"

namespace penstock::transport::dde {
namespace {

// By number, but it must be the very process that is held (ATK-04).
Handle open_into(const PeerIdentity& peer) {
  const auto pid = static_cast<std::uint32_t>(peer.pid);
  auto into = os().open_for_handles(pid);
  if (!into) return into;
  const auto created = os().creation_time(into.get());
  if (!created || process_key_of(pid, *created) != peer.process_key) into.reset();
  return into;
}

}  // namespace

result<ClaimedPeer> identify_window(HWND window) {
  const auto pid = os().window_process(window);
  if (!pid) return pid.error();
  auto peer = identify_process(*pid);
  if (!peer) return peer.error();
  // It is held now, and its number nobody else's: does the window still belong to it?
  const auto again = os().window_process(window);
  if (!again) return Error::peer_gone;
  if (*again != *pid) return Error::peer_changed;
  if (peer->other_session) {
    return Failure(Error::peer_out_of_scope,
                   fmt::format("The window belongs to process {} of another session: DDE is for one desktop session.", *pid));
  }
  // One handle for the thread that runs the windows, one that goes with the identity.
  auto copy = duplicate(peer->process.get());
  if (!copy) return copy.error();
  ClaimedPeer out;
  out.into = open_into(*peer);
  out.process = std::move(*copy);
  out.identity = std::move(*peer);
  out.identity.strength = Strength::claimed;
  return out;
}

}  // namespace penstock::transport::dde
