#include "transports/dde/reassembly.hpp"

#include <algorithm>

namespace penstock::transport::dde {
namespace {

constexpr std::uint32_t all_chunks(std::size_t total) noexcept {
  return (std::uint32_t{1} << (total + chunk_payload - 1) / chunk_payload) - 1;
}
static_assert((largest_datagram + chunk_payload - 1) / chunk_payload < 32);

}  // namespace

result<void> Reassembly::feed(const Chunk& chunk) {
  // Below the window is a replay: there the difference wraps, and is beyond it too.
  if (chunk.number - base_ >= datagram_window) return Error::frame_malformed;
  auto& at = slot(chunk.number);
  if (at.stage == Stage::whole || at.stage == Stage::taken) return Error::frame_malformed;
  const auto bit = std::uint32_t{1} << chunk.offset / chunk_payload;
  if (at.stage == Stage::absent) {
    const bool single = all_chunks(chunk.total) == bit;
    if (!single && unfinished_ == most_unfinished) return Error::frame_malformed;
    at.stage = Stage::begun;
    at.chunks = 0;
    at.bytes.resize(chunk.total);
    ++unfinished_;
  }
  if (at.bytes.size() != chunk.total || (at.chunks & bit) != 0) return Error::frame_malformed;
  at.chunks |= bit;
  std::ranges::copy(chunk.payload, at.bytes.begin() + chunk.offset);
  if (at.chunks != all_chunks(chunk.total)) return {};
  at.stage = Stage::whole;
  --unfinished_;
  whole_.push_back(chunk.number);
  return {};
}

std::size_t Reassembly::take(bytes_span out) noexcept {
  if (whole_.empty()) return 0;
  auto& at = slot(whole_.front());
  const auto part = bytes_view(at.bytes).subspan(read_, std::min(out.size(), at.bytes.size() - read_));
  std::ranges::copy(part, out.begin());
  read_ += part.size();
  if (read_ != at.bytes.size()) return part.size();
  read_ = 0;
  whole_.pop_front();
  at.stage = Stage::taken;
  at.bytes = {};
  for (; slot(base_).stage == Stage::taken; ++base_) slot(base_).stage = Stage::absent;
  return part.size();
}

void Reassembly::clear() noexcept {
  for (auto& at : slots_) at = Slot();
  whole_.clear();
  unfinished_ = read_ = 0;
}

}  // namespace penstock::transport::dde
