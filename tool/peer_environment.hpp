// What a wrapped program is told about who is at the other end.
#pragma once

#include <string>
#include <vector>

#include "penstock/channel.hpp"

namespace penstock::tool {

/// NAME=value of everything that the program gets: PENSTOCK_* from what was proven, and of our own environment the
/// plain_names() and what `also` names. Nothing else (ATK-21): our own may hold secrets, and a
/// variable that the program believes, such as LD_PRELOAD. A PENSTOCK_ variable of our own is never handed on.
[[nodiscard]] std::vector<std::string> peer_environment(const Channel& channel, const std::string& endpoint,
                                                        const std::vector<std::string>& also);

}  // namespace penstock::tool
