#include "protocol/frame_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "penstock/handle.hpp"

namespace penstock::protocol {
namespace {

unsigned code_of(FrameType type) noexcept {
  return static_cast<unsigned>(type);
}

std::vector<std::string> flag_names(std::uint8_t flags) {
  std::vector<std::string> names;
  if ((flags & flag_more) != 0) names.emplace_back("more");
  if ((flags & flag_continued) != 0) names.emplace_back("continued");
  if ((flags & flag_fresh) != 0) names.emplace_back("fresh");
  if (const auto unknown = flags & ~flags_known; unknown != 0)
    names.push_back(fmt::format("unknown-0x{:02x}", unknown));
  return names;
}

std::string type_text(FrameType type) {
  const std::string name = to_string(type);
  return name == "unknown" ? fmt::format("unknown-0x{:02x}", code_of(type)) : name;
}

}  // namespace

std::string describe(HeaderDefect defect, const Header& header) {
  const std::string type = type_text(header.type);
  switch (defect) {
    case HeaderDefect::none:
      return {};
    case HeaderDefect::magic:
      return "it does not start with PNSK: not a Penstock frame, or the recording lost its place";
    case HeaderDefect::version:
      return fmt::format("its version is not {}, the only one this build speaks", protocol_version);
    case HeaderDefect::type:
      return fmt::format("no frame has type 0x{:02x}", code_of(header.type));
    case HeaderDefect::flags_unknown:
      return fmt::format("flags 0x{:02x} have bits outside 0x{:02x}", header.flags, static_cast<unsigned>(flags_known));
    case HeaderDefect::flags_of_type:
      return fmt::format("flags 0x{:02x} do not belong on type {}", header.flags, type);
    case HeaderDefect::handles_count:
      return fmt::format("{} handles; at most {} travel with a frame", header.handles, max_handles_per_message);
    case HeaderDefect::handles_of_type:
      return fmt::format("{} handles, and type {} carries none", header.handles, type);
    case HeaderDefect::fresh_first:
      return "epoch 0 cannot have a fresh key: its key came from the handshake";
    case HeaderDefect::position:
      return fmt::format("epoch {} and sequence {} cannot be for type {}", header.epoch, header.sequence, type);
    case HeaderDefect::length_short:
      return fmt::format("length {} is too short for type {}", header.length, type);
    case HeaderDefect::length_long:
      return fmt::format("length {} is too long for type {}", header.length, type);
  }
  return "unknown defect";
}

bool FrameScanner::feed(bytes_view bytes) {
  while (!lost_ && !bytes.empty()) {
    if (in_payload_) {
      const std::uint64_t step = std::min<std::uint64_t>(left_, bytes.size());
      left_ -= step;
      bytes = bytes.subspan(static_cast<std::size_t>(step));
    } else {
      const std::size_t step = std::min(header_size - held_, bytes.size());
      std::memcpy(head_.data() + held_, bytes.data(), step);
      held_ += step;
      bytes = bytes.subspan(step);
      if (held_ == header_size) begin_frame();
    }
    if (in_payload_ && left_ == 0) end_frame();
  }
  return !lost_;
}

void FrameScanner::begin_frame() {
  report_ = FrameReport{};
  report_.offset = offset_;
  report_.header = read_fields(head_);
  const HeaderDefect defect = defect_of(std::span<const std::byte, header_size>(head_));
  report_.error = error_of(defect);
  report_.problem = describe(defect, *report_.header);
  if (defect != HeaderDefect::none) {
    report_.present = header_size;
    lost_ = true;
    sink_(report_);
    return;
  }
  report_.problem = continuity(*report_.header);
  left_ = report_.header->length;
  in_payload_ = true;
}

void FrameScanner::end_frame() {
  report_.present = header_size + report_.header->length;
  sink_(report_);
  offset_ += report_.present;
  held_ = 0;
  in_payload_ = false;
}

bool FrameScanner::finish() {
  if (lost_) return false;
  if (held_ == 0) return true;
  lost_ = true;
  if (in_payload_) {
    report_.present = header_size + report_.header->length - left_;
    report_.problem = fmt::format("the recording ends {} bytes before this frame does", left_);
  } else {
    report_ = FrameReport{};
    report_.offset = offset_;
    report_.present = held_;
    report_.problem = fmt::format("the recording ends inside a header, after {} of {} bytes", held_, header_size);
  }
  report_.error = Error::truncated;
  sink_(report_);
  return false;
}

// A hint, not a verdict: without keys nobody can say which of two frames is the genuine one.
std::string FrameScanner::continuity(const Header& header) {
  if (!sealed(header.type)) return {};
  const auto last = std::exchange(last_record_, header);
  if (!last) return {};
  if (header.sequence != last->sequence + 1) {
    return fmt::format("sequence {} does not follow {}: an ordered carrier refuses it", header.sequence,
                       last->sequence);
  }
  if (header.epoch < last->epoch || header.epoch - last->epoch > 1) {
    return fmt::format("epoch {} does not follow {}: a receiver refuses it", header.epoch, last->epoch);
  }
  return {};
}

std::string to_line(const FrameReport& report) {
  std::string line = fmt::format("offset {}", report.offset);
  if (report.header) {
    const Header& header = *report.header;
    const auto names = flag_names(header.flags);
    line += fmt::format("  {}  flags {}  handles {}  epoch {}  sequence {}  time {}.{:09} s  length {}",
                        type_text(header.type), names.empty() ? "none" : fmt::format("{}", fmt::join(names, ",")),
                        header.handles, header.epoch, header.sequence, header.time / 1'000'000'000u,
                        header.time % 1'000'000'000u, header.length);
  }
  if (report.error != Error::none) line += fmt::format("  [{}]", error_name(report.error));
  if (!report.problem.empty()) line += "  " + report.problem;
  return line;
}

// Every string in it is ours and plain ASCII, so that nothing needs escaping.
std::string to_json(const FrameReport& report) {
  std::string json = fmt::format(R"({{"offset":{},"present":{})", report.offset, report.present);
  if (report.header) {
    const Header& header = *report.header;
    auto names = flag_names(header.flags);
    for (auto& name : names) name = '"' + name + '"';
    json += fmt::format(
        R"(,"type":"{}","type_code":{},"flags":[{}],"flag_bits":{},"handles":{},"epoch":{},"sequence":{},"time_ns":{},"length":{})",
        type_text(header.type), code_of(header.type), fmt::join(names, ","), header.flags, header.handles, header.epoch,
        header.sequence, header.time, header.length);
  }
  json += fmt::format(R"(,"error":"{}","problem":"{}"}})", error_name(report.error), report.problem);
  return json;
}

}  // namespace penstock::protocol
