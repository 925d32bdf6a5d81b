// Compiled where gRPC was not found, or PENSTOCK_BENCH_GRPC is off.
#include "bench/contender.hpp"

namespace penstock::bench {

void add_grpc(std::vector<Contender>& /*list*/) {}

}  // namespace penstock::bench
