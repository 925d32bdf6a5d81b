// Frames without keys, for people and scripts: what `penstock inspect` prints of a recorded byte stream.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "protocol/header.hpp"

namespace penstock::protocol {

/// One frame of a recording. Nothing here is authenticated: it is what the bytes claim.
struct FrameReport {
  std::uint64_t offset = 0;      ///< of its first byte in the recording
  std::optional<Header> header;  ///< as it stands, also where it is wrong; none when fewer than 32 bytes are left
  std::uint64_t present = 0;     ///< bytes of the frame, header included, that the recording holds
  Error error = Error::none;  ///< what a receiver without keys refuses it for; truncated: the recording ends inside it
  std::string problem;  ///< the first thing wrong, or odd, in words; may be set with Error::none (a gap in the numbers)
  friend bool operator==(const FrameReport&, const FrameReport&) = default;
};

/// Cuts a byte stream of one direction into frames. Takes the stream in pieces of any size and holds 32 bytes of it.
/// Not thread-safe.
class FrameScanner {
 public:
  using Sink = std::function<void(const FrameReport&)>;
  explicit FrameScanner(Sink sink) : sink_(std::move(sink)) {}

  /// Reports every frame that ends in `bytes`. False once a header was wrong: where the next frame starts is not known,
  /// and whatever follows is ignored.
  bool feed(bytes_view bytes);
  /// The recording ends here: reports a frame that is cut off. True if every frame was whole and none was refused.
  bool finish();

 private:
  void begin_frame();
  void end_frame();
  [[nodiscard]] std::string continuity(const Header& header);

  Sink sink_;
  std::array<std::byte, header_size> head_{};
  std::size_t held_ = 0;    // bytes of head_
  std::uint64_t left_ = 0;  // of the payload, not yet seen
  std::uint64_t offset_ = 0;
  FrameReport report_;
  std::optional<Header> last_record_;
  bool in_payload_ = false;
  bool lost_ = false;
};

/// One line, no newline: "offset 0  message  flags more  handles 2  epoch 0  sequence 7  time 12.345678901 s  length
/// 80".
[[nodiscard]] std::string to_line(const FrameReport& report);
/// One JSON object (RFC 8259), no newline: offset, type, type_code, flags (array of names), flag_bits, handles, epoch,
/// sequence, time_ns, length, present, error (error_name) and problem; header fields are left out where there is none.
[[nodiscard]] std::string to_json(const FrameReport& report);

/// What is wrong, in words. Empty for none.
[[nodiscard]] std::string describe(HeaderDefect defect, const Header& header);

}  // namespace penstock::protocol
