#include <fstream>
#include <iterator>

#include "attackers.hpp"
#include "raw_connection.hpp"

namespace file_broker {

int run_replayer(const Options& options) {
  std::ifstream file(options.path("recording"), std::ios::binary);
  Loot recording;
  recording.bytes.assign(std::istreambuf_iterator<char>(file), {});
  if (recording.bytes.empty()) {
    std::cerr << "replay: the recording is empty or cannot be read.\n";
    return wrong_usage;
  }
  const auto helper = connect_to(options.one("target"));
  if (!helper) return no_channel;
  // The handshake, the proof that it was confirmed, and the request, byte for byte as the genuine application sent
  // them.
  const bool sent = pass_on(helper, recording);
  finish_sending(helper);
  std::size_t received = 0;
  std::size_t descriptors = 0;
  for (auto loot = take(helper); !loot.bytes.empty(); loot = take(helper)) {
    received += loot.bytes.size();
    descriptors += loot.descriptors.size();
  }
  std::cout << "sent=" << (sent ? recording.bytes.size() : 0) << " received=" << received
            << " descriptors=" << descriptors << std::endl;
  return done;
}

}  // namespace file_broker
