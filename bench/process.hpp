// A child process that runs one end of a measurement, pinned to one core, and reports over a pipe.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <string_view>

namespace penstock::bench {

/// What one end has measured. Plain bytes: it crosses a pipe between two copies of the same program.
struct Report {
  bool complete = false;
  double seconds = 0;     ///< of the whole timed part
  double operations = 0;  ///< done in it
  double bytes = 0;
  double p50 = 0, p99 = 0;  ///< seconds, of single operations
  double cpu = 0;           ///< seconds of processor time, user and system, of this end
  double idle_share = -1;   ///< of a core, while nothing passed
  double memory = 0;        ///< bytes of the process's own memory for one idle connection
  char error[600] = {};     ///< a sentence, when not complete
};

/// What a child may do beside its work.
class Parent {
 public:
  explicit Parent(int pipe) : pipe_(pipe) {}
  /// Lets the other end start.
  void ready() const;

 private:
  int pipe_;
};

class Child {
 public:
  using Work = std::function<Report(const Parent&)>;
  /// Forks. The child is pinned to `core`, ends with its parent, and is killed when it takes longer than `seconds`.
  static Child start(const std::string& title, unsigned core, unsigned seconds, const Work& work);
  Child(Child&& other) noexcept;
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  Child& operator=(Child&&) = delete;
  ~Child();

  /// Waits for ready(). Fails with the child's own sentence when it ended instead.
  void wait_ready();
  /// Waits for its end. Fails with its sentence unless it reported a complete measurement.
  Report finish();
  /// The sentence it has failed with already, or will within a second; else empty.
  std::string failure();

 private:
  Child(std::string title, pid_t pid, int pipe) : title_(std::move(title)), pid_(pid), pipe_(pipe) {}
  [[nodiscard]] Report read_report();
  std::string title_;
  pid_t pid_;
  int pipe_;
};

/// Processor seconds of this process so far, all threads, user and system.
double processor_seconds();
/// Bytes of memory that are this process's own and in memory now: heap, stacks, secret pages (Anonymous of
/// smaps_rollup). Program text is not in there, and neither is what the kernel holds for it: sockets, descriptors,
/// pidfds.
double resident_bytes();
/// Bytes of memory that this process shares with others and that are in memory now (RssShmem of status): rings and buffers.
double shared_bytes();
/// Lets this process hold as many descriptors as its hard limit allows, and fails when those are fewer than `needed`.
void raise_descriptor_limit(unsigned needed);

}  // namespace penstock::bench
