// What has to be so before a command does anything.
#pragma once

#include <string>
#include <vector>

namespace penstock::tool {

/// All three standard streams are there, and a peer or a pipe that goes is an error to report, not the end of the process.
/// False when that cannot be had.
[[nodiscard]] bool prepare_process();

/// The arguments without the program's name. UTF-8.
[[nodiscard]] std::vector<std::string> arguments_of(int count, char** arguments);

}  // namespace penstock::tool
