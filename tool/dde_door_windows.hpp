// The gate's windows: one that answers for application and topic, one for each conversation. Sources: "About Dynamic Data Exchange",
// WM_DDE_INITIATE, WM_DDE_EXECUTE.
#pragma once

#include <functional>
#include <memory>

#include "tool/dde_gate.hpp"

namespace penstock::transport::dde {
class Pump;
}

namespace penstock::tool {

inline constexpr std::size_t most_dde_conversations = 16;
/// Of them, of one process.
inline constexpr std::size_t most_dde_conversations_of_one = 4;

/// One text's commands, to be done in their order.
struct DdeJob {
  std::vector<DdeForward> commands;
  std::shared_ptr<const PeerIdentity> peer;
  std::function<void(bool)> answer;  ///< have all been done? any thread, at most once; until then the client waits
};
using DdeAsk = std::function<void(DdeJob)>;

class DdeDoor {
 public:
  /// `gate` is borrowed, and called by the pump's thread alone from then on; so is `ask`.
  /// name_in_use: another window answers for this application and topic; resource_exhausted, and what identifies this process.
  [[nodiscard]] static result<std::unique_ptr<DdeDoor>> open(DdeGate& gate, DdeAsk ask);
  ~DdeDoor();
  DdeDoor(const DdeDoor&) = delete;
  DdeDoor& operator=(const DdeDoor&) = delete;

 private:
  class Front;
  class Conversation;
  DdeDoor(std::shared_ptr<transport::dde::Pump> pump, std::shared_ptr<Front> front);
  std::shared_ptr<transport::dde::Pump> pump_;
  std::shared_ptr<Front> front_;
};

}  // namespace penstock::tool
