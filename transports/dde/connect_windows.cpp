// The client's way in: a broadcast, exactly one answer, its process, scope, policy; and only then is anything posted to it.
#include <fmt/format.h>

#include "transports/dde/carrier_windows.hpp"
#include "transports/scope_check.hpp"

namespace penstock::transport {
namespace {

using namespace dde;

Failure explain(const Endpoint& endpoint, const Failure& failure) {
  const auto name = endpoint.describe();
  if (failure == Error::not_found)
    return Failure(Error::not_found, fmt::format("No program of this desktop session answers for {} over DDE: start it first.", name));
  if (failure == Error::socket_unsafe) {
    return Failure(Error::socket_unsafe,
                   fmt::format("More than one window answers for {} over DDE, so one of them pretends: end it and try again.", name));
  }
  if (failure == Error::deadline_exceeded) {
    return Failure(Error::deadline_exceeded,
                   fmt::format("The listener of {} was not found and linked over DDE in time: the windows of this desktop answer slowly, or "
                               "that program does. Try again.", name));
  }
  return failure;
}

result<void> check_server(const Endpoint& endpoint, const PeerIdentity& peer, const PeerIdentity& self, const PeerCheck& check,
                          const DdeOptions& options) {
  if (!options.allow_own_process) {
    if (auto other = check_not_self(peer, self); !other) return other;
  }
  if (auto in_scope = check_scope(endpoint.scope(), peer, self); !in_scope) return in_scope;
  return check ? check(peer) : result<void>();
}

}  // namespace

result<std::unique_ptr<Carrier>> connect_dde(const Endpoint& endpoint, const PeerCheck& check, Deadline deadline, DdeOptions options) {
  auto place = MeetingPlace::of(endpoint);
  if (!place) return place.error();
  auto& pump = *place->pump;
  const auto topic = place->topic.number();
  // Our listener does not answer us, so whoever does, if anybody, pretends.
  const bool to_itself = !options.allow_own_process && pump.call([&] { return pump.listens_on(topic); });
  if (to_itself) return connected_to_itself();
  const auto link = std::make_shared<Link>(Role::client, place->names, options.timeouts);
  // Whatever is refused from here on, the carrier's destructor ends.
  auto carrier = std::make_unique<LinkCarrier>(place->pump, link, place->self);
  const auto server = pump.call([&] { return link->find_server(pump, place->application.number(), topic, deadline); });
  if (!server) return explain(endpoint, server.error());
  auto peer = identify_window(*server);
  if (!peer) return peer.error();
  // ATK-01: nothing but the name has left, and nothing will to another.
  if (auto admitted = check_server(endpoint, peer->identity, carrier->self(), check, options); !admitted) return admitted.error();
  pump.call([&] {
    link->begin(std::move(*peer));
    return true;
  });
  if (auto connected = link->wait_connected(deadline); !connected) return explain(endpoint, connected.error());
  return carrier;
}

}  // namespace penstock::transport
