// The carriers that Penstock knows, by what differs between them.
#pragma once

#include "transports/carrier.hpp"

namespace penstock::transport {

inline constexpr CarrierTraits pipe_traits{.id = 1, .name = "pipe", .ordered = true, .passes_handles = true};
inline constexpr CarrierTraits inherited_traits{.id = 2, .name = "inherited", .ordered = true, .passes_handles = true};
/// Over a control carrier, which says whether handles can be passed.
inline constexpr CarrierTraits shared_memory_traits{.id = 3, .name = "shared_memory", .ordered = true, .passes_handles = true, .in_memory = true};
/// Nothing that DDE says of order or sender is believed, and no handle travels over it.
inline constexpr CarrierTraits dde_traits{.id = 4, .name = "dde", .ordered = false, .passes_handles = false, .own_listener = true};

}  // namespace penstock::transport
