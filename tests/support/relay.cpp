#include "tests/support/relay.hpp"

#include <mutex>
#include <thread>

namespace penstock::test {

void relay_frames(RawEnd& connector, RawEnd& listener, const Tamper& tamper) {
  std::mutex one_at_a_time;
  const auto pass = [&](bool up) {
    const auto& from = up ? connector : listener;
    const auto& to = up ? listener : connector;
    for (std::size_t number = 0;; ++number) {
      auto frame = from.read_frame();
      if (frame.empty()) return;
      std::optional<std::vector<std::byte>> passed;
      {
        const std::lock_guard lock(one_at_a_time);
        passed = tamper(up, number, std::move(frame));
      }
      if (!passed || (!passed->empty() && !to.write(*passed))) return;
    }
  };
  const auto run = [&](bool up) {
    pass(up);
    connector.end();
    listener.end();
  };
  std::thread down([&] { run(false); });
  run(true);
  down.join();
}

}  // namespace penstock::test
