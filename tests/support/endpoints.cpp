#include "tests/support/endpoints.hpp"

#include "transports/scope_directory.hpp"

namespace penstock::test {

std::string address_of(const Endpoint& endpoint) {
  return transport::endpoint_path(endpoint.directory(), endpoint.name());
}

}  // namespace penstock::test
