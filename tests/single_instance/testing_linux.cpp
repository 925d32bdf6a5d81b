#include "tests/channel/pair.hpp"
#include "tests/single_instance/testing.hpp"

namespace penstock::test {

SingleInstanceOptions instance_options(const std::string& directory) {
  SingleInstanceOptions options;
  options.scope = Scope::user;
  options.directory = directory;
  options.data_plane = data_plane();
  return options;
}

}  // namespace penstock::test
