#include "tests/channel/pair.hpp"
#include "tests/single_instance/testing.hpp"

namespace penstock::test {

// Pipes have no directories: the name is the test's own (endpoint_in).
SingleInstanceOptions instance_options(const std::string& /*directory*/) {
  SingleInstanceOptions options;
  options.scope = Scope::user;
  options.data_plane = data_plane();
  return options;
}

}  // namespace penstock::test
