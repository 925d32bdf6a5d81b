// A process of the demo, and everything it says: audit events and words.
#pragma once

#include <chrono>
#include <csignal>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tool/spawn.hpp"

namespace penstock::tool {

using Json = nlohmann::ordered_json;

/// One line of an audit log.
struct AuditLine {
  Json fields;
};

/// SIGINT, SIGTERM and SIGHUP as something to wait for, so that whatever happens the stage is cleared.
class Interrupts {
 public:
  Interrupts();
  [[nodiscard]] native_handle handle() const noexcept { return handle_.get(); }

 private:
  Handle handle_;
};

class DemoActor {
 public:
  /// Runs `program`, as `user` if one is given, with an environment of nothing but PATH.
  [[nodiscard]] static result<std::unique_ptr<DemoActor>> start(const Interrupts& interrupts,
                                                                const std::string& program,
                                                                std::vector<std::string> arguments,
                                                                std::optional<std::uint32_t> user);
  /// Ends it, whatever it does.
  ~DemoActor();
  DemoActor(const DemoActor&) = delete;
  DemoActor& operator=(const DemoActor&) = delete;

  [[nodiscard]] int pid() const noexcept { return child_.pid; }
  /// The first audit event of this kind; of this peer, if `peer` is not 0. Waits for it: deadline_exceeded, closed (it
  /// has ended without), cancelled (Ctrl-C).
  [[nodiscard]] result<AuditLine> event(std::string_view kind, int peer = 0);
  /// The first line of standard output that begins so; waits likewise.
  [[nodiscard]] result<std::string> line(std::string_view beginning);
  /// Waits for its end: the exit status.
  [[nodiscard]] result<int> finish();
  /// Asks it to end.
  void stop() const { child_.signal(SIGTERM); }
  [[nodiscard]] const std::string& output() const noexcept { return output_.text; }
  /// What it said to people on standard error, last line first looked at.
  [[nodiscard]] std::string last_words() const;

 private:
  struct Stream {
    Handle handle;
    std::string text;
  };
  DemoActor(const Interrupts& interrupts, Spawned child, Handle output, Handle errors);
  [[nodiscard]] result<void> pump(std::chrono::steady_clock::time_point deadline);
  [[nodiscard]] std::optional<AuditLine> find_event(std::string_view kind, int peer) const;

  const Interrupts& interrupts_;
  Spawned child_;
  Stream output_, errors_;
  bool reaped_ = false;
};

/// The number after `name=` in a line of `name=value` words; −1 when it is not there.
[[nodiscard]] std::int64_t number_in(const std::string& line, std::string_view name);

}  // namespace penstock::tool
