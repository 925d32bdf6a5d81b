// penstock_flipping_writer [RECORDS]: ATK-13 with a real hostile process. It holds valid keys and the ring, seals honest records into it,
// and a second thread of it flips bits all over the ring while they are read. Whatever opens must be what was sealed, byte for byte; all
// else must be refused. Exit code 0 when that held, and when both kinds were seen: otherwise nothing was tested.
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <thread>

#include "protocol/record.hpp"
#include "transports/memory_segment.hpp"
#include "transports/ring.hpp"
#include "transports/socket_io.hpp"

namespace penstock::test {
namespace {

using protocol::Opener;
using protocol::Outgoing;
using protocol::Sealer;

constexpr std::size_t ring = std::size_t{64} << 10;
constexpr std::size_t segment_size = transport::ring_offset + ring;
constexpr std::size_t body_size = 16;
constexpr std::size_t frame_size = protocol::record_overhead + body_size;

crypto::AeadKey key() {
  std::array<std::byte, crypto::key_size> bytes;
  bytes.fill(std::byte{7});
  auto made = crypto::AeadKey::make(crypto::available(crypto::Cipher::aes256_gcm) ? crypto::Cipher::aes256_gcm : crypto::Cipher::chacha20_poly1305, bytes);
  if (!made) std::exit(3);
  return std::move(*made);
}

// A record says its number twice, so that one byte of another record in it would show.
std::array<std::byte, body_size> body_of(std::uint64_t number) {
  std::array<std::byte, body_size> body;
  const std::uint64_t inverse = ~number;
  std::memcpy(body.data(), &number, 8);
  std::memcpy(body.data() + 8, &inverse, 8);
  return body;
}

bytes_span ring_of(const transport::Mapping& memory) { return {memory.data() + transport::ring_offset, ring}; }

/// What one end holds: its own segment for writing, the other's for reading.
struct End {
  explicit End(int socket) {
    auto made = transport::make_segment(segment_size);
    if (!made) std::exit(3);
    own = std::move(made->memory);
    const native_handle mine[] = {made->for_peer.get()};
    constexpr std::byte hello{1};
    HandleList handles;
    std::byte heard{};
    if (!transport::send_bytes(socket, {&hello, 1}, mine, transport::Wait::yes)) std::exit(4);
    if (!transport::receive_bytes(socket, {&heard, 1}, handles, transport::Wait::yes) || handles.size() != 1) std::exit(5);
    auto mapped = transport::map_peer_segment(handles[0], segment_size);
    if (!mapped) std::exit(6);
    peer = std::move(*mapped);
  }
  [[nodiscard]] transport::SegmentHeader& own_header() const { return *reinterpret_cast<transport::SegmentHeader*>(own.data()); }
  [[nodiscard]] const transport::SegmentHeader& peer_header() const { return *reinterpret_cast<const transport::SegmentHeader*>(peer.data()); }
  transport::Mapping own, peer;
};

// One flip for every so many records that are written, so that both kinds are met whatever this machine does.
[[noreturn]] void flip_for_ever(const End& end) {
  constexpr std::uint64_t pace = 16 * frame_size;
  std::minstd_rand random(1);
  auto* const cells = reinterpret_cast<volatile unsigned char*>(ring_of(end.own).data());
  for (std::uint64_t flips = 0;;) {
    if (end.own_header().written.load() / pace == flips) continue;
    const auto at = random() % ring;
    cells[at] = static_cast<unsigned char>(cells[at] ^ (1u << (random() % 8)));
    ++flips;
  }
}

[[noreturn]] void be_hostile(int socket, std::uint64_t records) {
  const End end(socket);
  std::thread([&end] { flip_for_ever(end); }).detach();
  Sealer sealer(key(), {});
  transport::RingWriter writer(end.own_header(), ring_of(end.own), end.peer_header());
  for (std::uint64_t number = 0; number < records; ++number) {
    std::array<std::byte, frame_size> frame;
    const auto body = body_of(number);
    Outgoing record;
    record.type = protocol::FrameType::message;
    record.body = body;
    if (!sealer.seal(record, frame, protocol::monotonic_time())) ::_exit(4);
    for (std::size_t sent = 0; sent < frame_size;) {
      const auto written = writer.write(std::span(frame).subspan(sent));
      if (!written) ::_exit(5);
      sent += *written;
    }
  }
  for (;;) ::pause();  // the rings stay until the reader has seen enough, and ends this process
}

struct Seen {
  std::uint64_t authentic = 0, refused = 0, wrong = 0;
};

Seen read_all(const End& end, std::uint64_t records) {
  // A window, since every refused record leaves a gap that an ordered opener would never get over.
  Opener opener(key(), false, Limits());
  transport::RingReader reader(end.own_header(), end.peer_header(), ring_of(end.peer));
  Seen seen;
  constexpr std::byte untouched{0xEE};
  for (std::uint64_t i = 0; i < records; ++i) {
    std::array<std::byte, frame_size> frame;
    for (std::size_t held = 0; held < frame_size;) {
      const auto read = reader.read(std::span(frame).subspan(held));
      if (!read) return seen;
      held += *read;
    }
    std::array<std::byte, body_size> out;
    out.fill(untouched);
    const auto opened = opener.open(frame, out.data(), protocol::monotonic_time());
    if (opened) {
      const bool right = opened->payload.size() == body_size && out == body_of(opened->header.sequence);
      right ? ++seen.authentic : ++seen.wrong;
      continue;
    }
    ++seen.refused;
    // Not one byte that nobody has vouched for.
    if (!std::ranges::all_of(out, [&](std::byte one) { return one == untouched || one == std::byte{0}; })) ++seen.wrong;
  }
  return seen;
}

int run(std::uint64_t records) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) return 3;
  const auto child = ::fork();
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    be_hostile(ends[1], records);
  }
  const End end(ends[0]);
  const auto seen = read_all(end, records);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  const auto all = seen.authentic + seen.refused;
  std::printf("%llu records: %llu authentic, %llu refused, %llu wrong\n", static_cast<unsigned long long>(all),
              static_cast<unsigned long long>(seen.authentic), static_cast<unsigned long long>(seen.refused),
              static_cast<unsigned long long>(seen.wrong));
  return all == records && seen.wrong == 0 && seen.authentic != 0 && seen.refused != 0 ? 0 : 1;
}

}  // namespace
}  // namespace penstock::test

int main(int argc, char** argv) { return penstock::test::run(argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 10'000'000); }
