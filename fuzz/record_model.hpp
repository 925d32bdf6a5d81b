// What an Opener must answer, said as plainly as possible: sets, no windows, no arithmetic that could wrap.
#pragma once

#include <map>
#include <set>

#include "protocol/record.hpp"

namespace penstock::fuzz {

struct RecordModel {
  bool ordered = true;
  std::uint64_t max_age = 0, max_ahead = 0;
  std::uint32_t epoch = 0;
  bool pending = false;                                      ///< a fresh secret waits
  std::map<std::uint32_t, bool> fresh{{0, false}};           ///< of every epoch so far
  std::map<std::uint32_t, std::set<std::uint64_t>> numbers;  ///< accepted, by epoch
  std::set<std::uint64_t> seen;                              ///< all of them

  /// The lowest number that has not come.
  [[nodiscard]] std::uint64_t awaited() const {
    std::uint64_t number = 0;
    for (const auto one : seen) {
      if (one != number) break;
      ++number;
    }
    return number;
  }
  [[nodiscard]] std::uint64_t end() const { return seen.empty() ? 0 : *seen.rbegin() + 1; }

  /// Is there a key for it at all?
  [[nodiscard]] bool keyed(const protocol::Header& header) const {
    const bool flag = (header.flags & protocol::flag_fresh) != 0;
    if (header.epoch == epoch) return flag == fresh.at(epoch);
    if (header.epoch == std::uint64_t{epoch} + 1) return !flag || pending;
    if (ordered || std::uint64_t{header.epoch} + 1 != epoch) return false;
    // The key of the epoch before goes when this epoch alone fills the window.
    const auto& current = numbers.at(epoch);
    return end() - *current.begin() < protocol::replay_window_size && flag == fresh.at(header.epoch);
  }

  /// The answer to an authentic record for which there is a key.
  [[nodiscard]] Error verdict(const protocol::Header& header, std::uint64_t now) const {
    if (const Error error = sequence_verdict(header); error != Error::none) return error;
    if (header.time <= now ? now - header.time > max_age : header.time - now > max_ahead) return Error::record_stale;
    return Error::none;
  }

  void accept(const protocol::Header& header) {
    if (header.epoch > epoch) {
      epoch = header.epoch;
      fresh[epoch] = (header.flags & protocol::flag_fresh) != 0;
      if (fresh[epoch]) pending = false;
    }
    numbers[header.epoch].insert(header.sequence);
    seen.insert(header.sequence);
  }

 private:
  [[nodiscard]] Error sequence_verdict(const protocol::Header& header) const {
    const std::uint64_t sequence = header.sequence;
    if (ordered) {
      if (sequence == end()) return Error::none;
      return sequence < end() ? Error::record_replayed : Error::sequence_wrong;
    }
    if (seen.contains(sequence)) return Error::record_replayed;
    if (sequence < end() && end() - sequence > protocol::replay_window_size) return Error::record_replayed;
    if (sequence >= protocol::replay_window_size && awaited() <= sequence - protocol::replay_window_size) return Error::sequence_wrong;
    for (const auto& [other, accepted] : numbers) {
      if (accepted.empty() || other == header.epoch) continue;
      if (other<header.epoch&& * accepted.rbegin()> sequence) return Error::sequence_wrong;
      if (other > header.epoch && *accepted.begin() < sequence) return Error::sequence_wrong;
    }
    return Error::none;
  }
};

}  // namespace penstock::fuzz
