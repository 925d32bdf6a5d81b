#include "protocol/frame_text.hpp"

#include "tests/protocol/record_testing.hpp"

namespace penstock::protocol {
namespace {

Bytes joined(const std::vector<Bytes>& frames) {
  Bytes stream;
  for (const auto& frame : frames) stream.insert(stream.end(), frame.begin(), frame.end());
  return stream;
}

struct Scan {
  std::vector<FrameReport> reports;
  bool good = false;
};

Scan scan(bytes_view stream, std::size_t piece = 1000) {
  Scan found;
  FrameScanner scanner([&](const FrameReport& report) { found.reports.push_back(report); });
  for (; !stream.empty(); stream = stream.subspan(std::min(piece, stream.size()))) {
    (void)scanner.feed(stream.first(std::min(piece, stream.size())));
  }
  found.good = scanner.finish();
  return found;
}

std::vector<Bytes> session() {
  Sealer sealer(test_key(), {});
  std::vector<Bytes> frames = {seal(sealer, "one", 12'345'678'901), seal(sealer, "", 12'345'678'902)};
  EXPECT_TRUE(sealer.refresh(test_secret(1)));
  Outgoing request = message("three");
  request.type = FrameType::request;
  request.flags = flag_more;
  request.handles = 2;
  frames.push_back(try_seal(sealer, request, 13'000'000'000).value());
  return frames;
}

TEST(FrameText, LinesForPeople) {
  const auto found = scan(joined(session()));
  ASSERT_EQ(found.reports.size(), 3u);
  EXPECT_TRUE(found.good);
  EXPECT_EQ(to_line(found.reports[0]),
            "offset 0  message  flags none  handles 0  epoch 0  sequence 0  time 12.345678901 s  length 19");
  EXPECT_EQ(to_line(found.reports[1]),
            "offset 51  message  flags none  handles 0  epoch 0  sequence 1  time 12.345678902 s  length 16");
  EXPECT_EQ(to_line(found.reports[2]),
            "offset 99  request  flags more,fresh  handles 2  epoch 1  sequence 2  time 13.000000000 s  length 21");
}

TEST(FrameText, JsonForScripts) {
  const auto found = scan(joined(session()));
  EXPECT_EQ(to_json(found.reports[2]),
            R"({"offset":99,"present":53,"type":"request","type_code":17,"flags":["more","fresh"],"flag_bits":5,)"
            R"("handles":2,"epoch":1,"sequence":2,"time_ns":13000000000,"length":21,"error":"none","problem":""})");
}

TEST(FrameText, PiecesOfAnySizeGiveTheSame) {
  const Bytes stream = joined(session());
  const auto whole = scan(stream);
  for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
    const auto found = scan(stream, piece);
    ASSERT_EQ(found.reports.size(), whole.reports.size());
    for (std::size_t i = 0; i < whole.reports.size(); ++i) {
      ASSERT_EQ(to_json(found.reports[i]), to_json(whole.reports[i])) << "in pieces of " << piece;
    }
  }
}

TEST(FrameText, ARecordingCutAtEachByteSaysHowMuchIsMissing) {
  const Bytes stream = joined(session());
  for (std::size_t size = 0; size < stream.size(); ++size) {
    const auto found = scan(std::span(stream).first(size));
    if (size == 0 || size == 51 || size == 99) {
      EXPECT_TRUE(found.good) << size;
      continue;
    }
    EXPECT_FALSE(found.good);
    ASSERT_FALSE(found.reports.empty());
    const auto& last = found.reports.back();
    EXPECT_EQ(last.error, Error::truncated);
    EXPECT_EQ(last.offset + last.present, size);
    EXPECT_EQ(last.header.has_value(), last.present >= header_size);
  }
  EXPECT_EQ(
      to_line(scan(std::span(stream).first(50)).reports[0]),
      "offset 0  message  flags none  handles 0  epoch 0  sequence 0  time 12.345678901 s  length 19  [truncated]  "
      "the recording ends 1 bytes before this frame does");
  EXPECT_EQ(
      to_json(scan(std::span(stream).first(10)).reports[0]),
      R"({"offset":0,"present":10,"error":"truncated","problem":"the recording ends inside a header, after 10 of 32 bytes"})");
}

TEST(FrameText, TheFirstThingWrongStopsTheScan) {
  auto frames = session();
  frames[1][6] = std::byte{0x40};
  const auto found = scan(joined(frames));
  EXPECT_FALSE(found.good);
  ASSERT_EQ(found.reports.size(), 2u) << "where the next frame starts is not known";
  EXPECT_EQ(found.reports[1].error, Error::frame_malformed);
  EXPECT_EQ(found.reports[1].problem, "flags 0x40 have bits outside 0x07");
  EXPECT_NE(to_json(found.reports[1]).find(R"("flags":["unknown-0x40"])"), std::string::npos);
}

TEST(FrameText, EachDefectHasItsOwnWords) {
  std::vector<std::string> sentences;
  for (int i = 1; i <= static_cast<int>(HeaderDefect::length_long); ++i) {
    sentences.push_back(describe(static_cast<HeaderDefect>(i), message_header(7)));
    EXPECT_FALSE(sentences.back().empty());
    EXPECT_TRUE(
        std::ranges::all_of(sentences.back(), [](char c) { return c >= ' ' && c < 127 && c != '"' && c != '\\'; }))
        << "to_json does not escape: " << sentences.back();
  }
  std::ranges::sort(sentences);
  EXPECT_EQ(std::ranges::adjacent_find(sentences), sentences.end());
  EXPECT_EQ(describe(HeaderDefect::none, {}), "");
}

TEST(FrameText, GapsAndJumpsAreSaidButDoNotStop) {
  const auto frames = session();
  const auto gap = scan(joined({frames[0], frames[2], frames[0]}));
  ASSERT_EQ(gap.reports.size(), 3u);
  EXPECT_TRUE(gap.good);
  EXPECT_EQ(gap.reports[1].problem, "sequence 2 does not follow 0: an ordered carrier refuses it");
  EXPECT_EQ(gap.reports[2].problem, "sequence 0 does not follow 2: an ordered carrier refuses it");

  const auto key = test_key();
  const auto jump = scan(
      joined({craft(key, message_header(4, 1)), craft(key, message_header(5, 3)), craft(key, message_header(6, 2))}));
  EXPECT_EQ(jump.reports[1].problem, "epoch 3 does not follow 1: a receiver refuses it");
  EXPECT_EQ(jump.reports[2].problem, "epoch 2 does not follow 3: a receiver refuses it");
}

TEST(FrameText, AnUnknownTypeIsShownByNumber) {
  auto frames = session();
  frames[0][5] = std::byte{0x99};
  const auto found = scan(joined(frames));
  ASSERT_EQ(found.reports.size(), 1u);
  EXPECT_EQ(found.reports[0].problem, "no frame has type 0x99");
  EXPECT_NE(to_line(found.reports[0]).find("unknown-0x99"), std::string::npos);
}

}  // namespace
}  // namespace penstock::protocol
