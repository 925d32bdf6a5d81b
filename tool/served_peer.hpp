// One peer of `penstock serve` and the program that serves it.
#pragma once

#include <functional>
#include <memory>

#include "penstock/channel.hpp"
#include "tool/program.hpp"

namespace penstock::tool {

/// What every peer's program is started with.
struct ServePlan {
  std::string endpoint;
  std::string program;
  std::vector<std::string> arguments;
  std::vector<std::string> environment_names;
  std::chrono::milliseconds grace{5'000};
};

/// Bridges the channel and the program's standard input and output until both have ended. The program never outlives
/// it.
///
/// The peer goes: if it had said that its input ends, the program may finish within `grace`; if not, its input was cut,
/// so the program gets SIGTERM at once and never sees an end of input that nobody said (ATK-26). SIGKILL follows after
/// `grace`.
class ServedPeer : public std::enable_shared_from_this<ServedPeer> {
 public:
  [[nodiscard]] static result<std::shared_ptr<ServedPeer>> start(Channel channel, const ServePlan& plan);
  /// Completes when the program and the channel have ended.
  asio::awaitable<void> run();
  /// The listener ends: the program gets SIGTERM; the second time, SIGKILL.
  void stop();

  ServedPeer(Channel channel, std::unique_ptr<Program> program, std::chrono::milliseconds grace);

 private:
  asio::awaitable<void> to_peer();
  asio::awaitable<void> from_peer();
  asio::awaitable<void> await_program();
  asio::awaitable<void> end_program();
  asio::awaitable<void> say_last_word();
  asio::awaitable<void> answer(RequestId request, std::uint32_t status, std::string body);

  Channel channel_;
  std::unique_ptr<Program> program_;
  std::chrono::milliseconds grace_;
  Condition condition_;
  asio::steady_timer patience_;     ///< with a peer that takes nothing while the listener ends
  std::optional<Ended> status_;     ///< of the program, once it has ended
  std::optional<RequestId> asked_;  ///< the peer waits for the last word
  bool drained_ = false;            ///< everything the program wrote is sent, or was dropped with the peer
  bool input_ended_ = false;        ///< the peer said so
  bool peer_gone_ = false;
  bool stopping_ = false;
  bool receiving_ = false;
};

}  // namespace penstock::tool
