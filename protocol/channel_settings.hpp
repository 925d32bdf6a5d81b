// What all channels of one listener, or of one connect, have in common. Shared: an idle channel pays for a pointer.
#pragma once

#include <memory>
#include <string>

#include "penstock/options.hpp"

namespace penstock::protocol {

struct ChannelSettings {
  ChannelOptions options;
  std::shared_ptr<AuditSink> audit;  ///< may be null
  std::string endpoint_text;         ///< for audit events
};

}  // namespace penstock::protocol
