// A program between two pipes, on an event loop.
#pragma once

#include <boost/asio/posix/stream_descriptor.hpp>
#include <csignal>
#include <memory>

#include "tool/condition.hpp"
#include "tool/local_end.hpp"
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

  /// Completes when it has ended, with its status of waitpid(2). Once. With `and_group`, asked at that moment, what is
  /// left of its process group is ended too.
  template <class AndGroup>
  asio::awaitable<int> wait(AndGroup and_group) {
    co_await watch_.async_wait(asio::posix::stream_descriptor::wait_read, asio::as_tuple(asio::use_awaitable));
    // Before it is waited for: its number, and so its group's, can be nobody else's until then.
    if (and_group()) child_.signal(SIGTERM);
    co_return reap();
  }
  void signal(int number) const noexcept {
    if (!reaped_) child_.signal(number);
  }

 private:
  Program(const asio::any_io_executor& executor, Spawned child, Handle input, Handle output);
  int reap();

  Spawned child_;
  asio::posix::stream_descriptor watch_;
  LocalEnd input_;
  LocalEnd output_;
  bool reaped_ = false;
};

}  // namespace penstock::tool
