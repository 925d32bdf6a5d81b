// What `penstock doctor` finds, one at a time.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace penstock::tool {

enum class State : std::uint8_t {
  proven,   ///< tried just now, and it is there
  lacking,  ///< something Penstock offers does not work, or is weaker, on this machine or for this user
  note,     ///< worth knowing; nothing is lacking
};

struct Finding {
  const char* id;     ///< for scripts; never changes
  const char* title;  ///< for people
  State state{};
  std::string found;    ///< what was seen
  std::string meaning;  ///< lacking, note: what it means
  std::string remedy;   ///< lacking: what to do
};

// Each group tries things and appends. Nothing is left behind.
void examine_kernel(std::vector<Finding>& findings);        ///< finding_kernel_PLATFORM.cpp, and so on
void examine_memory(std::vector<Finding>& findings);
void examine_places(std::vector<Finding>& findings);
void examine_surroundings(std::vector<Finding>& findings);

}  // namespace penstock::tool
