#include "attackers.hpp"
#include "raw_connection.hpp"

namespace file_broker {

int run_squatter(const Options& options) {
  auto listener = listen_at(options.one("at"));
  if (!listener) return no_channel;
  std::cout << "ready" << std::endl;  // flushed: somebody waits for it
  const auto victim = accept_one(listener);
  std::size_t received = 0;
  for (auto loot = take(victim.connection); !loot.bytes.empty(); loot = take(victim.connection)) received += loot.bytes.size();
  std::cout << "peer=" << victim.pid << " received=" << received << std::endl;
  return done;
}

}  // namespace file_broker
