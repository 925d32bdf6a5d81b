// The inherited carrier: an application starts its helper with one end of a socketpair and a launch secret.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "crypto/secret.hpp"
#include "transports/carrier.hpp"

namespace penstock::transport {

/// What the child is given besides 0, 1 and 2: descriptor 3 is the socket, 4 the pipe with the secret; nothing else
/// is open in it (ATK-21). The variable PENSTOCK_LAUNCH says so ("3,4").
struct LaunchSpec {
  std::string program;                 ///< absolute path
  std::vector<std::string> arguments;  ///< without argv[0]
  std::vector<std::string> environment;///< NAME=value, complete: nothing is inherited that is not named here
};

/// The parent's side. The child's identity is pinned from the clone that made it, not looked up by number.
struct Launched {
  std::unique_ptr<Carrier> carrier;
  crypto::Secret<32> secret;
  Handle process;  ///< pidfd of the child; readable when it has ended. The caller waits for it.
  std::int64_t pid = 0;
};
[[nodiscard]] result<Launched> launch(const LaunchSpec& spec);

/// The child's side: takes descriptors 3 and 4, reads the secret, closes the pipe, clears the variable, sets
/// close-on-exec. launch_invalid when this process was not launched so, or for a second call.
struct Adopted {
  std::unique_ptr<Carrier> carrier;
  crypto::Secret<32> secret;
};
[[nodiscard]] result<Adopted> adopt();

}  // namespace penstock::transport
