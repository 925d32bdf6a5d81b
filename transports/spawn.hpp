// Starts a program with exactly the descriptors it is meant to have (ATK-21).
#pragma once

#include <array>
#include <string>
#include <vector>

#include "penstock/handle.hpp"
#include "penstock/result.hpp"

namespace penstock::transport {

/// argv and environment as execve(2) takes them, made before the child exists: in it, nothing may allocate.
struct SpawnRequest {
  std::string program;
  std::vector<std::string> arguments;    ///< with argv[0]
  std::vector<std::string> environment;  ///< complete
  native_handle descriptor3 = no_handle;
  native_handle descriptor4 = no_handle;
};

/// Holds the numbers 0 to 2 that this process has not, so that nothing it opens meanwhile lands there and is handed to
/// a child as its standard input. Made before the first descriptor of a launch; the numbers are free again when it
/// goes.
class StandardDescriptors {
 public:
  /// resource_exhausted, io_error (no /dev/null).
  [[nodiscard]] static result<StandardDescriptors> hold();

 private:
  std::array<Handle, 3> held_;
};

struct Spawned {
  Handle process;  ///< pidfd, from the clone itself: no number is looked up (ATK-04)
  std::int64_t pid = 0;
};

/// Returns once the program runs: a failed exec is reported here. The child has 0, 1 and 2 as ours (the caller holds
/// StandardDescriptors, so all three are there), 3 and 4 as named, nothing else; default signal dispositions and an
/// empty signal mask. Thread-safe. not_found, permission_denied, invalid_argument (no program), resource_exhausted,
/// unsupported, io_error.
[[nodiscard]] result<Spawned> spawn(const SpawnRequest& request);

}  // namespace penstock::transport
