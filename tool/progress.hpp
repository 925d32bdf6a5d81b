// A line on standard error for what takes more than two seconds, on a terminal only.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace penstock::tool {

class Progress {
 public:
  explicit Progress(std::string verb);
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  /// So many more bytes are done. Costs a look at the clock.
  void advance(std::uint64_t bytes);
  /// Takes the line away again.
  void clear();

 private:
  std::string verb_;
  bool on_;
  bool shown_ = false;
  std::uint64_t bytes_ = 0;
  std::chrono::steady_clock::time_point next_;
};

}  // namespace penstock::tool
