// `penstock dde-gate` once its file is read: what the platform makes of it.
#pragma once

#include "tool/channel_words.hpp"
#include "tool/dde_gate_rules.hpp"

namespace penstock::tool {

/// Runs until it is asked to end; what to exit with. `words`: who may be the real program, this side's key, where events go; its name and
/// scope are the rules'. Linux has no DDE: a sentence says what to do instead.
[[nodiscard]] int run_dde_gate(DdeGateRules rules, ChannelWords words, std::int64_t ready_fd);

}  // namespace penstock::tool
