// The connecting end of a bridge: this process's own standard input and output, or a program's.
#pragma once

#include <memory>

#include "penstock/channel.hpp"
#include "tool/program.hpp"

namespace penstock::tool {

class ConnectedPeer {
 public:
  /// `program` may be null: then our own standard input and output are taken over.
  ConnectedPeer(Channel channel, std::unique_ptr<Program> program);

  /// Completes with what to exit with; what went wrong has been said on standard error.
  asio::awaitable<int> run();

 private:
  enum class Side : std::uint8_t { open, ended, failed };

  asio::awaitable<void> to_peer();
  asio::awaitable<void> from_peer();
  asio::awaitable<void> ask_status();
  asio::awaitable<void> await_program();
  asio::awaitable<int> verdict();
  [[nodiscard]] LocalEnd& source() { return program_ ? program_->output() : *input_; }
  [[nodiscard]] LocalEnd& sink() { return program_ ? program_->input() : *output_; }

  Channel channel_;
  std::unique_ptr<Program> program_;
  std::optional<LocalEnd> input_, output_;
  Condition condition_;
  int running_ = 0;  ///< parts that have not returned
  Side incoming_ = Side::open;
  Failure why_;                       ///< of Side::failed
  std::optional<int> remote_status_;  ///< what the program at the other end exited with
  bool status_known_ = false;         ///< the call is over, whatever it brought
  Failure local_failure_;  ///< our side of the bridge: standard output, say
  std::optional<int> local_status_;
};

}  // namespace penstock::tool
