// The four attackers. An attempt is refused only if every check of it held.
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

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
          {"squat", "--socket", fmt::format("{}/{}.sock", stage_.squat(), DemoStage::name)}, stage_.application);
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
  const auto path = fmt::format("{}/{}.sock", stage_.run(), DemoStage::name);
  struct stat before{};
  struct stat after{};
  const bool stood = ::lstat(path.c_str(), &before) == 0;
  auto second = serve(stage_.run(), stage_.helper_policy());
  if (!second) return second.error();
  auto event = (*second)->event("listener_refused");
  if (!event) return event.error();
  const auto exit = (*second)->finish();
  if (!exit) return exit.error();
  judge(attempt, "the second helper itself", *event, "name_in_use");
  const bool same =
      stood && ::lstat(path.c_str(), &after) == 0 && before.st_ino == after.st_ino && before.st_dev == after.st_dev;
  attempt.checks.push_back({"it did not start, and the first one's socket is untouched", same && *exit == no_channel});
  auto served = still_served();
  if (!served) return served.error();
  attempt.checks.push_back(std::move(*served));
  return attempt;
}

result<DemoPlay::Actor> DemoPlay::start_relay(const std::string& target, std::vector<std::string> more) {
  const auto socket = fmt::format("{}/{}.sock", stage_.relay(), DemoStage::name);
  ::unlink(socket.c_str());  // the relay before
  std::vector<std::string> arguments{"relay", "--socket", socket, "--target",
                                     fmt::format("{}/{}.sock", target, DemoStage::name)};
  if (stage_.as_root) arguments.insert(arguments.end(), {"--as-user", std::to_string(stage_.application.id)});
  arguments.insert(arguments.end(), more.begin(), more.end());
  auto relay = act(stage_.genuine(), std::move(arguments), stage_.helper);
  if (!relay) return relay.error();
  if (auto ready = (*relay)->line("ready"); !ready) return ready.error();
  return relay;
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
  auto victim =
      read(stage_.genuine(), stage_.application, stage_.relay(), stage_.application_policy(), DemoStage::report);
  if (!victim) return victim.error();
  const auto exit = (*victim)->finish();
  if (!exit) return exit.error();
  if (!got_nothing(attempt, **victim, *exit)) return attempt;
  auto event = (*victim)->event("peer_refused", (*relay)->pid());
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
      {"the helper handed out no channel either", helper_event->fields.value("reason", "") == "truncated"});
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
  auto recorded =
      read(stage_.genuine(), stage_.application, stage_.relay(), stage_.weaker_application_policy(), DemoStage::report);
  if (!recorded) return recorded.error();
  const auto exit = (*recorded)->finish();
  if (!exit) return exit.error();
  const auto told = (*relay)->line("peer=");
  if (!told) return told.error();
  const auto recorded_bytes = number_in(*told, "to_helper");
  attempt.checks.push_back(
      {fmt::format("the recording is whole: {} bytes of a session that did its job", recorded_bytes),
       *exit == 0 && (*recorded)->output() == DemoStage::report_text && recorded_bytes > 0});

  auto replayer = act(stage_.genuine(),
                      {"replay", "--recording", stage_.recording(), "--target",
                       fmt::format("{}/{}.sock", stage_.weaker(), DemoStage::name)},
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
