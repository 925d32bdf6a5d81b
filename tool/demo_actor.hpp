// A process of the demo, and everything it says: audit events and words.
#pragma once

#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tool/demo_stream.hpp"

namespace penstock::tool {

using Json = nlohmann::ordered_json;

/// One line of an audit log.
struct AuditLine {
  Json fields;
};

class DemoActor {
 public:
  /// Runs `program`, as `user` if one is given, with an environment of next to nothing.
  [[nodiscard]] static result<std::unique_ptr<DemoActor>> start(const Interrupts& interrupts,
                                                                const std::string& program,
                                                                std::vector<std::string> arguments,
                                                                std::optional<user_id> user);
  /// Ends it, whatever it does.
  ~DemoActor();
  DemoActor(const DemoActor&) = delete;
  DemoActor& operator=(const DemoActor&) = delete;

  [[nodiscard]] std::int64_t pid() const noexcept { return process_->child.pid; }
  /// The first audit event of this kind; of this peer, if `peer` is not 0. Waits for it: deadline_exceeded, closed (it
  /// has ended without), cancelled (Ctrl-C).
  [[nodiscard]] result<AuditLine> event(std::string_view kind, std::int64_t peer = 0);
  /// Has there been such an event so far? Waits for nothing.
  [[nodiscard]] bool has_event(std::string_view kind, std::int64_t peer) const { return find_event(kind, peer).has_value(); }
  /// The first line of standard output that begins so; waits likewise.
  [[nodiscard]] result<std::string> line(std::string_view beginning);
  /// Waits for its end: the exit status.
  [[nodiscard]] result<int> finish();
  /// Asks it to end.
  void stop() { process_->ask_to_end(); }
  [[nodiscard]] const std::string& output() const noexcept { return process_->output.text; }
  /// What it said to people on standard error, last line first looked at.
  [[nodiscard]] std::string last_words() const;

 private:
  using Clock = std::chrono::steady_clock;
  DemoActor(const Interrupts& interrupts, std::unique_ptr<DemoProcess> process)
      : interrupts_(interrupts), process_(std::move(process)) {}
  [[nodiscard]] result<void> pump(Clock::time_point deadline);
  [[nodiscard]] std::optional<AuditLine> find_event(std::string_view kind, std::int64_t peer) const;

  const Interrupts& interrupts_;
  std::unique_ptr<DemoProcess> process_;
  bool reaped_ = false;
};

/// The number after `name=` in a line of `name=value` words; −1 when it is not there.
[[nodiscard]] std::int64_t number_in(const std::string& line, std::string_view name);

}  // namespace penstock::tool
