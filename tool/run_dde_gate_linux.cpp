#include "tool/exit_code.hpp"
#include "tool/run_dde_gate.hpp"

namespace penstock::tool {

int run_dde_gate(DdeGateRules, ChannelWords, std::int64_t) {
  return complain(Failure(Error::unsupported, "DDE is Windows' own: run the gate there; --check reads the file here, and `penstock call` "
                                              "speaks to the real program"));
}

}  // namespace penstock::tool
