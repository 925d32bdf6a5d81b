// What the demo's processes need of the platform: to be started with pipes, listened to and interrupted.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "tool/spawn.hpp"

namespace penstock::tool {

/// Requests to end, Ctrl-C among them, as something to wait for, so that whatever happens the stage is cleared.
class Interrupts {
 public:
  Interrupts();
  /// To wait for. Borrowed.
  [[nodiscard]] native_handle handle() const noexcept { return handle_; }

 private:
  Handle owned_;
  native_handle handle_ = no_handle;
};

/// What one of a process's streams has said so far.
struct DemoStream {
  bool open = true;
  std::string text;
};

/// A running process whose standard output and error are gathered.
class DemoProcess {
 public:
  /// As spawn(), with an environment of what programs need to start.
  [[nodiscard]] static result<std::unique_ptr<DemoProcess>> start(SpawnSpec spec);
  virtual ~DemoProcess() = default;
  DemoProcess(const DemoProcess&) = delete;
  DemoProcess& operator=(const DemoProcess&) = delete;

  /// Waits for bytes, an end or an interrupt, no longer than `longest`, and takes what is there: would_block when nothing came,
  /// cancelled for an interrupt, io_error.
  [[nodiscard]] virtual result<void> pump(const Interrupts& interrupts, std::chrono::milliseconds longest) = 0;
  virtual void ask_to_end() = 0;

  Spawned child;
  DemoStream output, errors;

 protected:
  explicit DemoProcess(Spawned own) : child(std::move(own)) {}
};

}  // namespace penstock::tool
