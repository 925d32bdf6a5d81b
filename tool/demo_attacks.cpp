// The four attackers. An attempt is refused only if every check of it held.
#include <fmt/format.h>

#include "tool/demo_play.hpp"

namespace penstock::tool {
namespace {

/// Takes reason and sentence from the event of who noticed, and checks that it is this reason.
void judge(Attempt& attempt, const char* noticed_by, const AuditLine& event, std::string_view expected) {
  attempt.noticed_by = noticed_by;
  attempt.reason = event.fields.value("reason", "");
  attempt.sentence = event.fields.value("detail", "");
  attempt.checks.push_back(
      {fmt::format("the audit event of {} says {}", noticed_by, attempt.reason), attempt.reason == expected, true});
}

/// The exit status of an application that got no channel.
constexpr int no_channel = 3;

/// True when it held. If not, there will be no event of a refusal to wait for.
bool got_nothing(Attempt& attempt, const DemoActor& actor, int exit) {
  const bool held = exit == no_channel && actor.output().empty();
  attempt.checks.push_back({"there was no channel, and not one byte of any file", held});
  return held;
}

}  // namespace

result<Attempt> DemoPlay::impostor(const std::string& program, const DemoUser& user, std::string how) {
  Attempt attempt{"impostor", std::move(how), {}, {}, {}, {}};
  auto actor = read(program, user, stage_.run(), stage_.application_policy(), DemoStage::report);
  if (!actor) return actor.error();
  const auto exit = (*actor)->finish();
  if (!exit) return exit.error();
  if (!got_nothing(attempt, **actor, *exit)) return attempt;
  auto event = helper_->event("peer_refused", (*actor)->pid());
  if (!event) return event.error();
  judge(attempt, "the helper", *event, "peer_refused");
  return attempt;
}

result<Attempt> DemoPlay::impostor_user() {
  return impostor(stage_.genuine(), stage_.stranger,
                  fmt::format("the right program, run by another user: {}", stage_.stranger.text()));
}

result<Attempt> DemoPlay::impostor_program() {
  return impostor(stage_.copy(), stage_.application,
                  fmt::format("the right user with another program: the same bytes, copied to {}", stage_.copy()));
}

result<Attempt> DemoPlay::impostor_without_handshake() {
  Attempt attempt{"impostor", "the right user and program, which just asks, as if there were no handshake", {}, {}, {}, {}};
  auto actor = act(stage_.genuine(), {"barge", "--target", stage_.run().address}, stage_.application);
  if (!actor) return actor.error();
  const auto told = (*actor)->line("sent=");
  if (!told) return told.error();
  auto event = helper_->event("peer_refused", (*actor)->pid());
  if (!event) return event.error();
  judge(attempt, "the helper", *event, "frame_malformed");
  attempt.checks.push_back({fmt::format("it sent {} bytes and got {}", number_in(*told, "sent"), number_in(*told, "received")),
                            number_in(*told, "sent") > 0 && number_in(*told, "received") == 0});
  return attempt;
}

result<Attempt> DemoPlay::squatter_first() {
  const bool root = stage_.as_root;
  Attempt attempt{"squatter",
                  root ? fmt::format("has the name before the helper does, in a directory where the user {} may write",
                                     stage_.application.name)
                       : "has the name before the helper does, with another program",
                  {},
                  {},
                  {},
                  {}};
  auto squatter =
      act(root ? stage_.genuine() : stage_.copy(),
          {"squat", "--at", stage_.squat().address}, stage_.application);
  if (!squatter) return squatter.error();
  if (auto ready = (*squatter)->line("ready"); !ready) return ready.error();
  auto victim =
      read(stage_.genuine(), stage_.application, stage_.squat(), stage_.application_policy(), DemoStage::report);
  if (!victim) return victim.error();
  const auto exit = (*victim)->finish();
  if (!exit) return exit.error();
  if (!got_nothing(attempt, **victim, *exit)) return attempt;
  auto event = (*victim)->event("peer_refused", (*squatter)->pid());
  if (!event) return event.error();
  judge(attempt, "the application", *event, "peer_refused");
  const auto told = (*squatter)->line("peer=");
  if (!told) return told.error();
  const auto received = number_in(*told, "received");
  attempt.checks.push_back({fmt::format("the application connected, looked, and sent {} bytes", received),
                            received == 0 && number_in(*told, "peer") == (*victim)->pid()});
  return attempt;
}

result<Attempt> DemoPlay::squatter_second() {
  Attempt attempt{"squatter", "a second helper wants the name of the one that lives", {}, {}, {}, {}};
  const auto before = DemoStage::stands_at(stage_.run());
  auto second = serve(stage_.run(), stage_.helper_policy());
  if (!second) return second.error();
  auto event = (*second)->event("listener_refused");
  if (!event) return event.error();
  const auto exit = (*second)->finish();
  if (!exit) return exit.error();
  judge(attempt, "the second helper itself", *event, "name_in_use");
  const bool same = !before.empty() && DemoStage::stands_at(stage_.run()) == before;
  attempt.checks.push_back({"it did not start, and the first one still has the name", same && *exit == no_channel});
  auto served = still_served();
  if (!served) return served.error();
  attempt.checks.push_back(std::move(*served));
  return attempt;
}

result<DemoPlay::Actor> DemoPlay::start_relay(const DemoPlace& target, std::vector<std::string> more) {
  std::vector<std::string> arguments{"relay", "--at", stage_.relay_to(target).address, "--target", target.address};
  if (stage_.as_root) arguments.insert(arguments.end(), {"--as-user", to_text(stage_.application.id)});
  arguments.insert(arguments.end(), more.begin(), more.end());
  auto relay = act(stage_.genuine(), std::move(arguments), stage_.helper);
  if (!relay) return relay.error();
  if (auto ready = (*relay)->line("ready"); !ready) return ready.error();
  return relay;
}

result<DemoPlay::Lured> DemoPlay::lure(const DemoPlace& target, const std::string& policy, const DemoActor& helper) {
  constexpr int enough = 12;
  for (int tries = 1;; ++tries) {
    auto victim = read(stage_.genuine(), stage_.application, stage_.relay_to(target), policy, DemoStage::report);
    if (!victim) return victim.error();
    const auto exit = (*victim)->finish();
    if (!exit) return exit.error();
    if (tries == enough || !(*victim)->has_event("peer_admitted", helper.pid())) return Lured{std::move(*victim), *exit};
  }
}

bool DemoPlay::did_its_job(const Lured& lured) {
  if (!DemoStage::handles_pass_a_relay) return lured.exit != no_channel;
  return lured.exit == 0 && lured.application->output() == DemoStage::report_text;
}

result<Attempt> DemoPlay::relay() {
  Attempt attempt{
      "relay",
      "stands between the genuine two and passes every byte on; both sides' rules admit it by user and program",
      {},
      {},
      {},
      {}};
  auto relay = start_relay(stage_.run(), {});
  if (!relay) return relay.error();
  auto victim = lure(stage_.run(), stage_.application_policy(), *helper_);
  if (!victim) return victim.error();
  if (!got_nothing(attempt, *victim->application, victim->exit)) return attempt;
  auto event = victim->application->event("peer_refused", (*relay)->pid());
  if (!event) return event.error();
  judge(attempt, "the application", *event, "handshake_failed");
  const auto told = (*relay)->line("peer=");
  if (!told) return told.error();
  const auto there = number_in(*told, "to_helper");
  const auto back = number_in(*told, "to_application");
  attempt.checks.push_back(
      {fmt::format("each end named another process than the one it spoke with, so no key was agreed after "
                   "{} bytes there and {} back",
                   there, back),
       there > 0 && back > 0});
  auto helper_event = helper_->event("peer_refused", (*relay)->pid());
  if (!helper_event) return helper_event.error();
  attempt.checks.push_back(
      {"the helper handed out no channel either",
       helper_event->fields.value("reason", "") == "truncated" && !helper_->has_event("peer_admitted", (*relay)->pid())});
  return attempt;
}

result<Attempt> DemoPlay::replayer() {
  Attempt attempt{
      "replayer",
      "sends a genuine session again, byte for byte. (Recorded by a relay under a rule with binding = \"user\", the "
      "weaker one, since under \"process\" there is nothing to record.)",
      {},
      {},
      {},
      {}};
  auto helper = serve(stage_.weaker(), stage_.weaker_helper_policy());
  if (!helper) return helper.error();
  if (auto started = (*helper)->event("listener_started"); !started) return started.error();
  auto relay = start_relay(stage_.weaker(), {"--record", stage_.recording()});
  if (!relay) return relay.error();
  // Under this rule the helper, seen through the relay, is not told from it: the session does its job.
  auto recorded = lure(stage_.weaker(), stage_.weaker_application_policy(), **helper);
  if (!recorded) return recorded.error();
  const auto told = (*relay)->line("peer=");
  if (!told) return told.error();
  const auto recorded_bytes = number_in(*told, "to_helper");
  const bool admitted = (*helper)->event("peer_admitted", (*relay)->pid()).has_value();
  attempt.checks.push_back(
      {fmt::format("the recording is whole: {} bytes of a session that the helper admitted", recorded_bytes),
       recorded_bytes > 0 && admitted && did_its_job(*recorded)});

  auto replayer = act(stage_.genuine(),
                      {"replay", "--recording", stage_.recording(), "--target", stage_.weaker().address},
                      stage_.application);
  if (!replayer) return replayer.error();
  const auto replayed = (*replayer)->line("sent=");
  if (!replayed) return replayed.error();
  auto event = (*helper)->event("peer_refused", (*replayer)->pid());
  if (!event) return event.error();
  judge(attempt, "the helper", *event, "handshake_failed");
  attempt.checks.push_back(
      {fmt::format("the helper's fresh key of this one connection opens none of it: {} descriptors came back",
                   number_in(*replayed, "descriptors")),
       number_in(*replayed, "descriptors") == 0 && number_in(*replayed, "sent") == recorded_bytes});
  return attempt;
}

}  // namespace penstock::tool
