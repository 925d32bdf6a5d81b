// What happened in the demo, for a person or as JSON. Judged from audit events and exit statuses; nothing is assumed.
#pragma once

#include <string>
#include <vector>

#include "tool/demo_actor.hpp"
#include "tool/demo_stage.hpp"

namespace penstock::tool {

/// Something that had to hold, and whether it did.
struct Check {
  std::string text;
  bool held = false;
  bool only_if_not = false;  ///< said elsewhere already, unless it does not hold
};

/// What each end proved about the other.
struct MainJob {
  std::vector<Check> checks;
  Json helper_saw;  ///< its event peer_admitted
  Json application_saw;
};

/// One try of an attacker.
struct Attempt {
  std::string attacker;       ///< "impostor", …
  std::string how;            ///< what it tried
  std::string noticed_by;     ///< "the helper", "the application", "the second helper"
  std::string reason;         ///< error_name, from the event
  std::string sentence;       ///< the event's
  std::vector<Check> checks;  ///< what shows that it got nothing
  [[nodiscard]] bool refused() const;
};

[[nodiscard]] bool all_held(const std::vector<Check>& checks);
[[nodiscard]] std::string describe(const DemoStage& stage);
[[nodiscard]] std::string describe(const MainJob& job, const DemoStage& stage);
[[nodiscard]] std::string describe(const Attempt& attempt, const DemoStage& stage, bool first_of_its_kind);
[[nodiscard]] std::string as_json(const DemoStage& stage, const MainJob& job, const std::vector<Attempt>& attempts,
                                  bool good);

}  // namespace penstock::tool
