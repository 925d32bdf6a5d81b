// An application that starts its own helper: no name in any directory, a secret that only the two have.
#pragma once

#include <string>
#include <vector>

#include "penstock/blocking.hpp"
#include "penstock/options.hpp"

namespace penstock {

/// The helper to start.
struct LaunchOptions {
  std::string program;                   ///< absolute path
  std::vector<std::string> arguments;    ///< without argv[0]
  std::vector<std::string> environment;  ///< NAME=value; complete: nothing else is inherited (ATK-21)
  Suite suite = Suite::automatic;
  DataPlane data_plane = DataPlane::pipe;       ///< pipe: the inherited connection
  std::shared_ptr<AuditSink> audit;
  std::chrono::milliseconds deadline{5'000};
  ChannelOptions channel;
  std::vector<std::string> operations = {"*"};  ///< what the other end may call
};

/// The helper's process. Destruction neither kills nor waits.
struct HelperProcess {
  Handle process;        ///< Linux: a pidfd, readable when the helper has ended
  std::int64_t pid = 0;  ///< wait for it with waitpid(2), or waitid(P_PIDFD) on `process`
};

/// A started helper and the channel to it.
struct LaunchedChannel {
  blocking::Channel channel;
  HelperProcess helper;
};

/// Starts `program` with one end of a socketpair (descriptor 3) and a launch secret on a pipe (4), 0–2 as ours, nothing else
/// open; then runs NNpsk0 bound to the very child that was made. The application is the initiator.
[[nodiscard]] result<LaunchedChannel> launch(const LaunchOptions& options);

/// The helper's side, once per process: takes what launch() left. launch_invalid when this process was not launched so.
struct AdoptOptions {
  bool allow_pipe = true;            ///< the data planes accepted from the launcher
  bool allow_shared_memory = false;
  std::shared_ptr<AuditSink> audit;
  std::chrono::milliseconds deadline{5'000};
  ChannelOptions channel;
  std::vector<std::string> operations = {"*"};
};
[[nodiscard]] result<blocking::Channel> adopt(const AdoptOptions& options = {});

}  // namespace penstock
