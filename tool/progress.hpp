// A line on standard error for what takes more than two seconds, on a terminal only.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>

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

/// Says after two seconds that the command still waits, and for what, each second anew: on standard error, on a terminal only,
/// where a thread of its own counts. Gone with the object.
class Waiting {
 public:
  explicit Waiting(std::string what);
  ~Waiting();
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;

 private:
  void run();

  std::string what_;
  std::mutex mutex_;
  std::condition_variable ended_;
  bool over_ = false;
  std::thread thread_;
};

}  // namespace penstock::tool
