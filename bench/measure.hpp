// The measurements, each as what its two ends do. The client keeps the time; both count their processor time.
#pragma once

#include "bench/contender.hpp"
#include "bench/process.hpp"

namespace penstock::bench {

struct Plan {
  std::size_t size = 0;     ///< bytes of a message
  std::uint64_t count = 0;  ///< messages, round trips, set-ups or idle connections; of `many`, rounds over all channels
  std::string directory;
};

/// The ends of one measurement. `serve` runs first, until it says ready.
struct Ends {
  Report (*serve)(const Contender&, const Plan&, const Parent&);
  Report (*drive)(const Contender&, const Plan&);
};

/// Round trips of messages of `size` bytes: p50 and p99 of each one's time.
extern const Ends round_trips;
/// A stream of messages in one direction: from the first send until the receiver has confirmed their number and bytes.
extern const Ends one_way;
/// A large message there, its first and last byte back.
extern const Ends hand_overs;
/// Connect, prove both ends, exchange one byte each way, close; one after the other.
extern const Ends set_ups;
/// `size` connections on one listener: messages of 64 bytes over all of them in turn, the same number in all however many share them.
extern const Ends many_channels;
/// `size` open connections over which nothing passes for `count` seconds: the processor time of both ends as a share of one core.
extern const Ends staying_idle;
/// Memory of the server's own for each connection that does nothing.
extern const Ends idle_memory;

}  // namespace penstock::bench
