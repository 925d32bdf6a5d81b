// The words of a command line: read by each start for itself, and again by the first instance for those that come later.
#pragma once

#include <penstock/single_instance.hpp>
#include <span>
#include <string>
#include <vector>

namespace single_instance {

struct Options {
  std::string name = "org.example.single-instance";
  penstock::SingleInstanceOptions how;
  bool quit = false;
  bool wait = false;
  bool done = false;
  bool help = false;
  int status = 0;
  std::vector<std::string> words;  ///< what is to be opened
};

/// Without the program's name. invalid_argument, with a sentence.
[[nodiscard]] penstock::result<Options> read(std::span<const std::string> arguments);

}  // namespace single_instance
