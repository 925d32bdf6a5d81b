// A program between two pipes, on an event loop.
#pragma once

#include <memory>

#include "tool/condition.hpp"
#include "tool/local_end.hpp"
#include "tool/program_system.hpp"
#include "tool/spawn.hpp"

namespace penstock::tool {

class Program {
 public:
  /// `spec.stdio` says where standard error goes; the other two become pipes.
  [[nodiscard]] static result<std::unique_ptr<Program>> start(const asio::any_io_executor& executor, SpawnSpec spec);
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  [[nodiscard]] LocalEnd& input() noexcept { return input_; }
  [[nodiscard]] LocalEnd& output() noexcept { return output_; }

  /// Completes when it has ended. Once. With `and_group`, asked at that moment, what is left of its process group is asked to
  /// end too.
  template <class AndGroup>
  asio::awaitable<Ended> wait(AndGroup and_group) {
    co_await watch_.ended();
    // Before it is waited for: its number, and so its group's, can be nobody else's until then.
    if (and_group()) child_.ask_to_end();
    co_return reap();
  }
  /// See Spawned.
  void ask_to_end() const noexcept {
    if (!reaped_) child_.ask_to_end();
  }
  void end_now() const noexcept {
    if (!reaped_) child_.end_now();
  }

 private:
  Program(const asio::any_io_executor& executor, Spawned child, Handle input, Handle output);
  Ended reap();

  Spawned child_;
  ProcessWatch watch_;
  LocalEnd input_;
  LocalEnd output_;
  bool reaped_ = false;
};

}  // namespace penstock::tool
