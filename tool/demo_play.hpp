// The acts of the demo. Each runs real processes and judges by what they left: events, exit statuses, bytes.
#pragma once

#include "tool/demo_report.hpp"

namespace penstock::tool {

class DemoPlay {
 public:
  DemoPlay(const DemoStage& stage, const Interrupts& interrupts) : stage_(stage), interrupts_(interrupts) {}

  [[nodiscard]] result<void> start_helper();
  [[nodiscard]] result<MainJob> main_job();
  // Each attempt on its own; those for which another user is needed are left out without root.
  [[nodiscard]] result<Attempt> impostor_user();
  [[nodiscard]] result<Attempt> impostor_program();
  [[nodiscard]] result<Attempt> impostor_without_handshake();
  [[nodiscard]] result<Attempt> squatter_first();
  [[nodiscard]] result<Attempt> squatter_second();
  [[nodiscard]] result<Attempt> relay();
  [[nodiscard]] result<Attempt> replayer();
  /// The helper, still serving after all of it, then ends when asked to.
  [[nodiscard]] result<std::vector<Check>> end();

 private:
  using Actor = std::unique_ptr<DemoActor>;

  [[nodiscard]] result<Actor> act(const std::string& program, std::vector<std::string> arguments, const DemoUser& user);
  [[nodiscard]] result<Actor> serve(const DemoPlace& place, const std::string& policy);
  [[nodiscard]] result<Actor> read(const std::string& program, const DemoUser& user, const DemoPlace& place,
                                   const std::string& policy, const char* file);
  [[nodiscard]] result<Attempt> impostor(const std::string& program, const DemoUser& user, std::string how);
  [[nodiscard]] result<Check> still_served();
  /// The relay's user is the helper's; as root it passes itself off as the application's user towards the helper.
  [[nodiscard]] result<Actor> start_relay(const DemoPlace& target, std::vector<std::string> more);

  /// A genuine application that meets the relay, with what it exited with. On Windows it is Windows that chooses among the
  /// instances of a pipe: one that met the helper itself was served, and the next one tries.
  struct Lured {
    Actor application;
    int exit = 0;
  };
  [[nodiscard]] static bool did_its_job(const Lured& lured);
  [[nodiscard]] result<Lured> lure(const DemoPlace& target, const std::string& policy, const DemoActor& helper);

  const DemoStage& stage_;
  const Interrupts& interrupts_;
  Actor helper_;
};

}  // namespace penstock::tool
