// The 32 bytes that anybody may send us, and a stream of them as `penstock inspect` reads it.
#include "fuzz/input.hpp"
#include "protocol/frame_text.hpp"

namespace {

using namespace penstock;
using namespace penstock::protocol;
using fuzz::require;

void one_header(std::span<const std::byte, header_size> bytes) {
  const HeaderDefect defect = defect_of(bytes);
  const auto header = decode(bytes);
  require(header.has_value() == (defect == HeaderDefect::none), "decode and defect_of disagree");
  require(describe(defect, read_fields(bytes)).empty() == header.has_value(), "a defect without words");
  if (!header) {
    require(header.error() == error_of(defect), "another error than the defect's");
    return;
  }
  byte_array<header_size> again{};
  encode(*header, again);
  require(std::ranges::equal(bytes, again), "two encodings of one header");
  require(header->length <= max_frame_size - header_size && header->length > 0, "a length out of bounds");
  require(header->sequence < max_records && header->handles <= 16, "a number out of bounds");
}

struct Scan {
  std::vector<FrameReport> reports;
  bool good = false;
  friend bool operator==(const Scan&, const Scan&) = default;
};

Scan scan(bytes_view stream, std::size_t piece) {
  Scan found;
  std::uint64_t covered = 0;
  FrameScanner scanner([&](const FrameReport& report) {
    require(report.offset == covered, "frames that overlap or leave a gap");
    require(report.present > 0, "an empty frame");
    covered = report.offset + report.present;
    found.reports.push_back(report);
  });
  for (bytes_view left = stream; !left.empty(); left = left.subspan(std::min(piece, left.size()))) {
    (void)scanner.feed(left.first(std::min(piece, left.size())));
  }
  found.good = scanner.finish();
  require(covered <= stream.size(), "more bytes reported than there are");
  require(!found.good || covered == stream.size(), "bytes that no frame has");
  return found;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const bytes_view input = std::as_bytes(std::span(data, size));
  if (input.size() >= header_size) one_header(input.first<header_size>());
  const Scan whole = scan(input, std::max<std::size_t>(size, 1));
  for (const std::size_t piece : {1u, 37u}) {
    require(scan(input, piece) == whole, "pieces change what is read");
  }
  for (std::size_t i = 0; i < std::min<std::size_t>(whole.reports.size(), 8); ++i) {
    require(to_line(whole.reports[i]).find('\n') == std::string::npos, "a line that is not one line");
    require(to_json(whole.reports[i]).find('\n') == std::string::npos, "an object that is not one line");
  }
  return 0;
}
