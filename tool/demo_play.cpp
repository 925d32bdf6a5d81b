// The helper, its application, and what they do for each other.
#include "tool/demo_play.hpp"

#include <fmt/format.h>

namespace penstock::tool {

result<DemoPlay::Actor> DemoPlay::act(const std::string& program, std::vector<std::string> arguments,
                                      const DemoUser& user) {
  return DemoActor::start(interrupts_, program, std::move(arguments),
                          stage_.as_root ? std::optional(user.id) : std::nullopt);
}

result<DemoPlay::Actor> DemoPlay::serve(const DemoPlace& place, const std::string& policy) {
  std::vector<std::string> arguments{"serve",  "--policy", policy, "--root", stage_.vault(), "--allow", DemoStage::report,
                                     "--audit", "-"};
  arguments.insert(arguments.end(), place.endpoint.begin(), place.endpoint.end());
  arguments.insert(arguments.end(), stage_.helper_options.begin(), stage_.helper_options.end());
  return act(stage_.genuine(), std::move(arguments), stage_.helper);
}

result<DemoPlay::Actor> DemoPlay::read(const std::string& program, const DemoUser& user, const DemoPlace& place,
                                       const std::string& policy, const char* file) {
  std::vector<std::string> arguments{"read", "--policy", policy, "--audit", "-", file};
  arguments.insert(arguments.end(), place.endpoint.begin(), place.endpoint.end());
  return act(program, std::move(arguments), user);
}

result<void> DemoPlay::start_helper() {
  auto helper = serve(stage_.run(), stage_.helper_policy());
  if (!helper) return helper.error();
  helper_ = std::move(*helper);
  auto started = helper_->event("listener_started");
  return started ? result<void>() : started.error();
}

result<MainJob> DemoPlay::main_job() {
  MainJob job;
  if (stage_.as_root) {
    auto alone = act(stage_.file_printer, {stage_.vault() + DemoStage::separator + DemoStage::report}, stage_.application);
    if (!alone) return alone.error();
    const auto exit = (*alone)->finish();
    if (!exit) return exit.error();
    job.checks.push_back({fmt::format("the user {} alone cannot read {} ({})", stage_.application.name,
                                      DemoStage::report, (*alone)->last_words()),
                          *exit != 0 && (*alone)->output().empty()});
  }
  auto application =
      read(stage_.genuine(), stage_.application, stage_.run(), stage_.application_policy(), DemoStage::report);
  if (!application) return application.error();
  const auto exit = (*application)->finish();
  if (!exit) return exit.error();
  job.checks.push_back(
      {fmt::format("the helper opened {} and passed the descriptor; the application read by it: {}", DemoStage::report,
                   (*application)->output().substr(0, (*application)->output().find('\n'))),
       *exit == 0 && (*application)->output() == DemoStage::report_text});
  auto helper_saw = helper_->event("peer_admitted", (*application)->pid());
  if (!helper_saw) return helper_saw.error();
  auto application_saw = (*application)->event("peer_admitted", helper_->pid());
  if (!application_saw) return application_saw.error();
  job.helper_saw = std::move(helper_saw->fields);
  job.application_saw = std::move(application_saw->fields);
  const auto transcript = job.helper_saw.value("transcript", "");
  job.checks.push_back({"both ends hold the same transcript, which is no other channel's",
                        !transcript.empty() && transcript == job.application_saw.value("transcript", "")});

  auto greedy =
      read(stage_.genuine(), stage_.application, stage_.run(), stage_.application_policy(), DemoStage::payroll);
  if (!greedy) return greedy.error();
  const auto refused = (*greedy)->finish();
  if (!refused) return refused.error();
  job.checks.push_back({fmt::format("{}, which the helper's own rule does not name, stays shut", DemoStage::payroll),
                        *refused == 1 && (*greedy)->output().empty()});
  return job;
}

result<Check> DemoPlay::still_served() {
  auto again = read(stage_.genuine(), stage_.application, stage_.run(), stage_.application_policy(), DemoStage::report);
  if (!again) return again.error();
  const auto exit = (*again)->finish();
  if (!exit) return exit.error();
  return Check{"the genuine application is still served", *exit == 0 && (*again)->output() == DemoStage::report_text};
}

result<std::vector<Check>> DemoPlay::end() {
  std::vector<Check> checks;
  auto served = still_served();
  if (!served) return served.error();
  checks.push_back(std::move(*served));
  helper_->stop();
  const auto exit = helper_->finish();
  if (!exit) return exit.error();
  checks.push_back({"the helper ended when it was asked to", *exit == 0});
  return checks;
}

}  // namespace penstock::tool
