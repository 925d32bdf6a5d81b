// The sliding window of carriers that may reorder: 8,192 records, as RFC 6479 does it (a ring of words, no shifting).
#pragma once

#include <array>
#include <compare>
#include <cstdint>

namespace penstock::protocol {

inline constexpr std::uint64_t replay_window_size = 8192;

/// Remembers which of the last `Size` sequence numbers were seen. Only authentic numbers are ever shown to it (ATK-18).
/// `WordBits` is 64 but in tests, where tiny windows can be checked against a model exhaustively (ATK-19).
/// Any 64-bit number will do; nothing here wraps. Not thread-safe.
template <std::uint64_t Size, unsigned WordBits = 64>
class BasicReplayWindow {
  static_assert(WordBits >= 1 && WordBits <= 64 && Size >= WordBits && Size % WordBits == 0);

 public:
  /// Would this number be new? Changes nothing. Numbers older than the window are not new.
  [[nodiscard]] bool fresh(std::uint64_t sequence) const noexcept;
  /// Would marking this fresh number push one out of the window that never came? From 0 on all are awaited. Amortised constant time.
  [[nodiscard]] bool loses(std::uint64_t sequence) const noexcept;
  /// Has each number up to the highest come? True before the first.
  [[nodiscard]] bool complete() const noexcept { return !any_ || marked_ == highest_ + 1; }
  /// Marks it as seen. Only after fresh() said yes.
  void mark(std::uint64_t sequence) noexcept;
  friend auto operator<=>(const BasicReplayWindow&, const BasicReplayWindow&) = default;

 private:
  // One word more than the window holds, so that the word being entered can be cleared whole.
  static constexpr std::uint64_t words = Size / WordBits + 1;
  [[nodiscard]] static constexpr std::size_t slot(std::uint64_t word) noexcept { return word % words; }
  [[nodiscard]] static constexpr std::uint64_t bit(std::uint64_t sequence) noexcept {
    return std::uint64_t{1} << (sequence % WordBits);
  }

  std::array<std::uint64_t, words> seen_{};
  std::uint64_t highest_ = 0;
  std::uint64_t marked_ = 0;
  bool any_ = false;
};

using ReplayWindow = BasicReplayWindow<replay_window_size>;

// Compiled once, in replay_window.cpp.
extern template class BasicReplayWindow<replay_window_size>;

template <std::uint64_t Size, unsigned WordBits>
bool BasicReplayWindow<Size, WordBits>::fresh(std::uint64_t sequence) const noexcept {
  if (!any_ || sequence > highest_) return true;
  // Subtract in the direction that cannot wrap (ATK-19).
  if (highest_ - sequence >= Size) return false;
  return (seen_[slot(sequence / WordBits)] & bit(sequence)) == 0;
}

template <std::uint64_t Size, unsigned WordBits>
bool BasicReplayWindow<Size, WordBits>::loses(std::uint64_t sequence) const noexcept {
  if (sequence < Size || (any_ && sequence <= highest_)) return false;
  const std::uint64_t oldest = sequence - Size + 1;  // that could still come
  if (!any_ || oldest > highest_ + 1) return true;
  if (complete()) return false;  // the usual one
  for (auto leaving = highest_ < Size ? 0 : highest_ - Size + 1; leaving < oldest; ++leaving) {
    if ((seen_[slot(leaving / WordBits)] & bit(leaving)) == 0) return true;
  }
  return false;
}

template <std::uint64_t Size, unsigned WordBits>
void BasicReplayWindow<Size, WordBits>::mark(std::uint64_t sequence) noexcept {
  const std::uint64_t word = sequence / WordBits;
  if (!any_) {
    any_ = true;
    highest_ = sequence;
  } else if (sequence > highest_) {
    // Clear every word that is entered now; a jump further than the ring clears each once.
    const std::uint64_t entered = word - highest_ / WordBits;
    for (std::uint64_t i = 0; i < entered && i < words; ++i) seen_[slot(word - i)] = 0;
    highest_ = sequence;
  }
  seen_[slot(word)] |= bit(sequence);
  ++marked_;
}

}  // namespace penstock::protocol
