// Records: one direction each. Sealer makes them, Opener believes them. Neither allocates per record.
#pragma once

#include <memory>
#include <optional>

#include "crypto/aead.hpp"
#include "protocol/header.hpp"
#include "protocol/replay_window.hpp"

namespace penstock::protocol {

/// What one key may carry at most, whatever RekeyPolicy or the peer says.
inline constexpr std::uint64_t max_epoch_records = std::uint64_t{1} << 24;
inline constexpr std::uint64_t max_epoch_bytes = std::uint64_t{1} << 36;

/// Nanoseconds of the machine-wide monotonic clock. The coarse clock (a few ns a call) does: staleness is in seconds.
/// Zero if the system has no such clock, which makes every record stale. Thread-safe.
[[nodiscard]] std::uint64_t monotonic_time() noexcept;

/// What a caller says of a record to seal; the rest of the header is the Sealer's own.
struct Outgoing {
  FrameType type{};
  std::uint8_t flags = 0;  ///< flag_more, flag_continued; flag_fresh is the Sealer's
  std::uint8_t handles = 0;
  bytes_view prefix;  ///< sealed in front of the body (a message header); may be empty
  bytes_view body;    ///< prefix and body together ≤ max_record_payload
};

/// The sending direction. Not thread-safe.
class Sealer {
 public:
  Sealer() = default;
  /// `policy` is clamped to what a key may carry and to at least one record, one byte and one second.
  Sealer(crypto::AeadKey key, RekeyPolicy policy) noexcept;

  /// Writes one whole frame to `out` (≥ record_overhead + payload bytes, overlapping neither prefix nor body) and
  /// returns its length. Changes the key first when the policy says so (a new epoch). `now` is monotonic_time().
  /// forked, counter_exhausted (2^48 records, or an epoch that could wrap: the hard stop), frame_too_large,
  /// frame_malformed (flags or handles this type cannot carry), invalid_argument (`out` too small), memory_unlocked,
  /// resource_exhausted. After any failure the Sealer is spent: `closed`.
  [[nodiscard]] result<std::size_t> seal(const Outgoing& record, bytes_span out, std::uint64_t now);

  /// From the next record on: the next epoch, its key made with `shared` (32 bytes). At most once between two records:
  /// the peer follows one epoch at a time. Once more is epoch_wrong; else as seal(). Any failure spends the Sealer.
  [[nodiscard]] result<void> refresh(bytes_view shared);
  /// From the next record on: the next epoch. Does nothing while no record has used this one.
  void rekey_next() noexcept { rekey_due_ = true; }

  [[nodiscard]] std::uint64_t sequence() const noexcept { return sequence_; }  ///< of the next record
  /// Has a failure, or reset(), ended it?
  [[nodiscard]] bool spent() const noexcept { return !key_.valid(); }
  [[nodiscard]] std::uint32_t epoch() const noexcept { return epoch_; }
  void reset() noexcept { key_.reset(); }  ///< zeroes the key; final

 private:
  friend struct RecordProbe;  // tests only: puts counters near their ends
  [[nodiscard]] Error seal_frame(const Outgoing& record, std::size_t payload, bytes_span out, std::uint64_t now);
  [[nodiscard]] bool due(std::uint64_t now, std::size_t payload) const noexcept;
  [[nodiscard]] Error enter_epoch(result<crypto::AeadKey> key, bool fresh);

  crypto::AeadKey key_;
  std::uint64_t records_limit_ = 0, bytes_limit_ = 0, age_limit_ = 0;  // of one epoch; the last in nanoseconds
  std::uint64_t sequence_ = 0;
  std::uint64_t epoch_records_ = 0, epoch_bytes_ = 0;
  std::uint64_t epoch_started_ = 0;  // when its first record was sealed
  std::uint32_t epoch_ = 0;
  bool epoch_fresh_ = false;  // this epoch's key was made by refresh()
  bool rekey_due_ = false;
};

/// A whole record as it arrived, in its parts.
struct SealedRecord {
  std::span<const std::byte, header_size> header;
  bytes_view ciphertext;
  std::span<const std::byte, crypto::tag_size> tag;
  /// The ciphertext stands in memory that the peer can write (ATK-13): it is copied before it is looked at, once. Header and tag never do.
  bool shared = false;
};

/// An opened record. `payload` views the caller's memory.
struct Opened {
  Header header;
  bytes_span payload;
};

/// The receiving direction. Not thread-safe. The ladder: header, length, tag, and only then sequence, staleness, epoch.
/// A frame that is refused changes no byte of state (ATK-18): not even an authentic one.
///
/// Epochs: a frame names its key by epoch and flag_fresh. This epoch's key and the next one's are tried; carriers that
/// reorder keep the one before as well, for records under way, until the window has left it behind.
class Opener {
 public:
  Opener() = default;
  /// `ordered`: exactly the next sequence number, or nothing; else a replay window (8,192). Of `limits`: max_age,
  /// max_ahead.
  Opener(crypto::AeadKey key, bool ordered, const Limits& limits) noexcept;

  /// `frame` is one whole frame (header.length already received). Writes the payload to `out`, which is `frame`'s own
  /// payload part (in place) or does not overlap it, and holds ≥ header.length − 16 bytes. `now` is monotonic_time().
  /// frame_malformed, frame_too_large, version_unsupported, record_forged, sequence_wrong, record_replayed,
  /// record_stale, epoch_wrong, forked, counter_exhausted (the peer overuses one key), memory_unlocked and
  /// resource_exhausted (the next epoch's key). `out` holds no plaintext of a refused record.
  [[nodiscard]] result<Opened> open(bytes_view frame, std::byte* out, std::uint64_t now);
  /// The same. A shared ciphertext does not overlap `out`, which holds zeros once it was found to be forged, and is unchanged if it
  /// was refused before that.
  [[nodiscard]] result<Opened> open(const SealedRecord& record, std::byte* out, std::uint64_t now);

  /// The peer's next epoch with flag_fresh is made with `shared` (32 bytes). Kept in secret memory until used; epochs
  /// without flag_fresh leave it. epoch_wrong while another one waits; invalid_argument, memory_unlocked,
  /// resource_exhausted.
  [[nodiscard]] result<void> expect_refresh(bytes_view shared);

  [[nodiscard]] std::uint64_t expected() const noexcept {
    return next_;
  }  ///< ordered carriers: the next sequence number
  /// Has every record come that was sealed before the last one that was opened?
  [[nodiscard]] bool complete() const noexcept { return reordering_ == nullptr || reordering_->window.complete(); }
  [[nodiscard]] std::uint32_t epoch() const noexcept { return epoch_; }
  void reset() noexcept;  ///< zeroes the keys; final

  /// Every byte of state that a record may change, for the test of ATK-18. Not the key, but its epoch.
  struct Snapshot {
    std::uint64_t next = 0;
    std::uint64_t epoch_records = 0, epoch_bytes = 0;
    std::uint32_t epoch = 0;
    bool epoch_fresh = false;
    bool refresh_pending = false;
    bool previous_kept = false, previous_fresh = false;
    std::uint64_t previous_begin = 0, previous_end = 0, epoch_first = 0;
    std::optional<ReplayWindow> window;
    friend bool operator==(const Snapshot&, const Snapshot&) = default;
  };
  [[nodiscard]] Snapshot snapshot() const noexcept;

 private:
  friend struct RecordProbe;  // tests only
  enum class Slot : std::uint8_t { current, next, previous };

  /// What only carriers that reorder need, and too large for every idle channel to have.
  struct Reordering {
    ReplayWindow window;
    crypto::AeadKey previous;  // the key of the epoch before
    bool previous_fresh = false;
    // The numbers that were seen in each epoch lie between: [previous_begin, previous_end) and [epoch_first, next_).
    std::uint64_t previous_begin = 0, previous_end = 0, epoch_first = 0;
  };

  [[nodiscard]] std::optional<Slot> slot_of(const Header& header) const noexcept;
  [[nodiscard]] result<crypto::AeadKey> next_key(bool fresh) const;
  [[nodiscard]] Error refuse(const Header& header, Slot slot, std::uint64_t now) const noexcept;
  [[nodiscard]] Error refuse_sequence(std::uint64_t sequence, Slot slot) const noexcept;
  void commit(const Header& header, Slot slot, crypto::AeadKey&& next) noexcept;
  void commit_reordered(std::uint64_t sequence, Slot slot) noexcept;

  crypto::AeadKey key_;
  crypto::Secret<32> refresh_secret_;
  std::unique_ptr<Reordering> reordering_;     // none: ordered
  std::uint64_t max_age_ = 0, max_ahead_ = 0;  // nanoseconds
  std::uint64_t next_ = 0;                     // ordered: the only number accepted; else one past the highest seen
  std::uint64_t epoch_records_ = 0, epoch_bytes_ = 0;
  std::uint32_t epoch_ = 0;
  bool epoch_fresh_ = false;
};

}  // namespace penstock::protocol
