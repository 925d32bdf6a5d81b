#include "tool/process_start.hpp"

#include <csignal>

#include "tool/standard_streams.hpp"

namespace penstock::tool {

bool prepare_process() {
  if (!occupy_standard_streams()) return false;
  // NOLINTBEGIN(cert-err33-c): it cannot fail for signals that exist
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // so is a file that may not grow
  // NOLINTEND(cert-err33-c)
  return true;
}

std::vector<std::string> arguments_of(int count, char** arguments) {
  if (count < 1) return {};
  return {arguments + 1, arguments + count};
}

}  // namespace penstock::tool
