// Linux has no DDE.
#include "transports/dde/dde.hpp"

namespace penstock::transport {
namespace {

Failure no_dde() { return Failure(Error::unsupported, "DDE is a part of Windows: use the carrier pipe here."); }

}  // namespace

result<std::unique_ptr<Carrier>> connect_dde(const Endpoint&, const PeerCheck&, Deadline, DdeOptions) { return no_dde(); }

result<std::unique_ptr<DdeListener>> DdeListener::open(const Endpoint&, DdeOptions) { return no_dde(); }

}  // namespace penstock::transport
