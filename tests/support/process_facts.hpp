// What this process has of what it could leak, and how much of an attack a platform's test machine bears.
#pragma once

#include <cstddef>

#include "penstock/endpoint.hpp"

namespace penstock::test {

[[nodiscard]] std::size_t open_handles();
[[nodiscard]] std::size_t thread_count();
/// Linux: resident; Windows: private. The kernel counts pages.
[[nodiscard]] std::size_t memory_in_use();

/// Is there anything with the endpoint's name? A socket that nobody listens at counts.
[[nodiscard]] bool name_exists(const Endpoint& endpoint);

/// Can tests have a process of another user? Linux: as root.
[[nodiscard]] bool has_second_user();
/// Becomes that user for good. Only where there is one.
[[nodiscard]] bool become_second_user();

/// Connections that come and go (ATK-24).
struct Storm {
  int connections;                    ///< as many as this platform makes in a test's time
  int honest;                         ///< channels that are opened in the middle of it
  std::size_t half_open_per_identity; ///< Windows: storm and honest ones are one user's, and share this
};
[[nodiscard]] Storm storm_for_this_platform();

}  // namespace penstock::test
