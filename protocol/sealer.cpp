#include <algorithm>
#include <cstring>
#include <limits>

#include "protocol/nanoseconds.hpp"
#include "protocol/record.hpp"

namespace penstock::protocol {

Sealer::Sealer(crypto::AeadKey key, RekeyPolicy policy) noexcept
    : key_(std::move(key)),
      records_limit_(std::clamp<std::uint64_t>(policy.records, 1, max_epoch_records)),
      bytes_limit_(std::clamp<std::uint64_t>(policy.bytes, 1, max_epoch_bytes)),
      age_limit_(saturated_nanoseconds(std::max(policy.age, std::chrono::seconds(1)))) {}

result<std::size_t> Sealer::seal(const Outgoing& record, bytes_span out, std::uint64_t now) {
  if (!key_.valid()) return Error::closed;
  const std::size_t payload = record.prefix.size() + record.body.size();  // no wrap: both are memory
  const Error error = seal_frame(record, payload, out, now);
  if (error == Error::none) return record_overhead + payload;
  // A half-made frame or a counter in doubt is never tried again: a nonce used twice gives the key away.
  reset();
  return error;
}

Error Sealer::seal_frame(const Outgoing& record, std::size_t payload, bytes_span out, std::uint64_t now) {
  if (payload > max_record_payload) return Error::frame_too_large;
  if (out.size() < record_overhead + payload) return Error::invalid_argument;
  if (sequence_ >= max_records) return Error::counter_exhausted;
  if ((record.flags & flag_fresh) != 0) return Error::frame_malformed;

  if (epoch_records_ == 0) epoch_started_ = now;
  if (due(now, payload)) {
    if (const Error error = enter_epoch(key_.rekeyed(), false); error != Error::none) return error;
    epoch_started_ = now;
  }
  rekey_due_ = false;

  const Header header{
      .type = record.type,
      .flags = static_cast<std::uint8_t>(record.flags | (epoch_fresh_ ? flag_fresh : 0)),
      .handles = record.handles,
      .epoch = epoch_,
      .length = static_cast<std::uint32_t>(payload + crypto::tag_size),
      .sequence = sequence_,
      .time = now,
  };
  if (const auto defect = defect_of(header); defect != HeaderDefect::none) return error_of(defect);
  const auto head = out.first<header_size>();
  encode(header, head);

  std::byte* const text = out.data() + header_size;
  bytes_view plain = record.body;
  if (!record.prefix.empty()) {
    std::memcpy(text, record.prefix.data(), record.prefix.size());
    if (!record.body.empty()) std::memcpy(text + record.prefix.size(), record.body.data(), record.body.size());
    plain = {text, payload};
  }
  const std::span<std::byte, crypto::tag_size> tag(text + payload, crypto::tag_size);
  if (const auto made = key_.seal(sequence_, head, plain, text, tag); !made) return made.error().code();

  ++sequence_;  // runs on across epochs, so that no (key, nonce) pair can come twice
  ++epoch_records_;
  epoch_bytes_ += payload;
  return Error::none;
}

// A key that no record has used yet needs no change; and the peer, who follows one epoch at a time, would be lost.
bool Sealer::due(std::uint64_t now, std::size_t payload) const noexcept {
  if (epoch_records_ == 0) return false;
  if (rekey_due_) return true;
  if (epoch_records_ >= records_limit_) return true;
  if (epoch_bytes_ > bytes_limit_ || payload > bytes_limit_ - epoch_bytes_) return true;
  return now > epoch_started_ && now - epoch_started_ >= age_limit_;
}

Error Sealer::enter_epoch(result<crypto::AeadKey> key, bool fresh) {
  if (!key) return key.error().code();
  if (epoch_ == std::numeric_limits<std::uint32_t>::max()) return Error::counter_exhausted;
  key_ = std::move(*key);
  ++epoch_;
  epoch_fresh_ = fresh;
  epoch_records_ = epoch_bytes_ = 0;
  return Error::none;
}

result<void> Sealer::refresh(bytes_view shared) {
  if (!key_.valid()) return Error::closed;
  Error error = Error::none;
  if (shared.size() != crypto::key_size) {
    error = Error::invalid_argument;
  } else if (epoch_records_ == 0 && epoch_ != 0) {
    error = Error::epoch_wrong;
  } else {
    error = enter_epoch(key_.rekeyed_with(shared), true);
  }
  if (error == Error::none) return {};
  reset();
  return error;
}

}  // namespace penstock::protocol
