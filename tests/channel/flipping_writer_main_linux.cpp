// penstock_flipping_writer [RECORDS [BYTES]]: ATK-13 with a real hostile process. It holds valid keys and the ring, seals honest records
// of BYTES (16) into it, and a second thread of it flips bits all over the ring while they are read. Every other record is opened where it
// stands, the others from a copy. Whatever opens must be what was sealed, byte for byte; all else must be refused. Exit code 0 when that
// held, and when both kinds were seen: otherwise nothing was tested.
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <random>
#include <thread>
#include <vector>

#include "protocol/record.hpp"
#include "transports/memory_segment.hpp"
#include "transports/ring.hpp"
#include "transports/socket_io.hpp"

namespace penstock::protocol {

struct RecordProbe {
  static void skip(Opener& opener) { ++opener.next_; }
};

}  // namespace penstock::protocol

namespace penstock::test {
namespace {

using protocol::Opener;
using protocol::Outgoing;
using protocol::Sealer;

constexpr std::size_t ring = std::size_t{64} << 10;
constexpr std::size_t segment_size = transport::ring_offset + ring;

/// How large the records of this run are: a multiple of 16.
struct Size {
  std::size_t body;
  [[nodiscard]] std::size_t frame() const noexcept { return protocol::record_overhead + body; }
};
using Bytes = std::vector<std::byte>;

crypto::AeadKey key() {
  std::array<std::byte, crypto::key_size> bytes;
  bytes.fill(std::byte{7});
  auto made = crypto::AeadKey::make(crypto::available(crypto::Cipher::aes256_gcm) ? crypto::Cipher::aes256_gcm : crypto::Cipher::chacha20_poly1305, bytes);
  if (!made) std::exit(3);
  return std::move(*made);
}

// A record says its number all over, upright and inverted, so that one byte of another record in it would show.
void write_body(std::uint64_t number, bytes_span body) {
  const std::array<std::uint64_t, 2> both{number, ~number};
  for (std::size_t at = 0; at < body.size(); at += sizeof both) std::memcpy(body.data() + at, both.data(), sizeof both);
}

bytes_span ring_of(const transport::Mapping& memory) { return {memory.data() + transport::ring_offset, ring}; }

/// What one end holds: its own segment for writing, the other's for reading.
struct End {
  explicit End(int socket) {
    auto made = transport::make_segment(segment_size, ring);
    if (!made) std::exit(3);
    own = std::move(made->memory);
    const native_handle mine[] = {made->for_peer.get()};
    constexpr std::byte hello{1};
    HandleList handles;
    std::byte heard{};
    if (!transport::send_bytes(socket, {&hello, 1}, mine, transport::Wait::yes)) std::exit(4);
    if (!transport::receive_bytes(socket, {&heard, 1}, handles, transport::Wait::yes) || handles.size() != 1) std::exit(5);
    auto mapped = transport::map_peer_segment(handles[0], segment_size, ring);
    if (!mapped) std::exit(6);
    peer = std::move(*mapped);
  }
  [[nodiscard]] transport::SegmentHeader& own_header() const { return *reinterpret_cast<transport::SegmentHeader*>(own.data()); }
  [[nodiscard]] const transport::SegmentHeader& peer_header() const { return *reinterpret_cast<const transport::SegmentHeader*>(peer.data()); }
  transport::Mapping own, peer;
};

// One flip for every so many records that are written, so that both kinds are met whatever this machine does.
[[noreturn]] void flip_for_ever(const End& end, Size size) {
  const std::uint64_t pace = 16 * size.frame();
  std::minstd_rand random(1);
  auto* const cells = reinterpret_cast<volatile unsigned char*>(ring_of(end.own).data());
  for (std::uint64_t flips = 0;;) {
    if (end.own_header().written.load() / pace == flips) continue;
    const auto at = random() % ring;
    cells[at] = static_cast<unsigned char>(cells[at] ^ (1u << (random() % 8)));
    ++flips;
  }
}

[[noreturn]] void be_hostile(int socket, std::uint64_t records, Size size) {
  const End end(socket);
  std::thread([&end, size] { flip_for_ever(end, size); }).detach();
  Sealer sealer(key(), {});
  transport::RingWriter writer(end.own_header(), ring_of(end.own), end.peer_header(), end.own.repeated());
  Bytes frame(size.frame()), body(size.body);
  for (std::uint64_t number = 0; number < records; ++number) {
    write_body(number, body);
    Outgoing record;
    record.type = protocol::FrameType::message;
    record.body = body;
    if (!sealer.seal(record, frame, protocol::monotonic_time())) ::_exit(4);
    for (std::size_t sent = 0; sent < frame.size();) {
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

// The next record, opened where it stands or from a copy. no value: the peer lies about the ring, which it does not.
std::optional<result<protocol::Opened>> open_next(transport::RingReader& reader, Opener& opener, bool in_place, Bytes& frame, Bytes& out) {
  std::array<std::byte, protocol::header_size> header;
  std::array<std::byte, crypto::tag_size> tag;
  for (std::size_t held = 0; !in_place && held < frame.size();) {
    const auto read = reader.read(std::span(frame).subspan(held));
    if (!read) return std::nullopt;
    held += *read;
  }
  if (!in_place) return opener.open(frame, out.data(), protocol::monotonic_time());
  auto there = reader.peek();
  while (there && there->size() < frame.size()) {
    if (!reader.writer_has_room()) return std::nullopt;  // looks again
    there = reader.peek();
  }
  if (!there) return std::nullopt;
  std::memcpy(header.data(), there->data(), header.size());
  std::memcpy(tag.data(), there->data() + frame.size() - tag.size(), tag.size());
  auto opened = opener.open({header, there->subspan(header.size(), out.size()), tag, true}, out.data(), protocol::monotonic_time());
  reader.take(frame.size());
  return opened;
}

Seen read_all(const End& end, std::uint64_t records, Size size) {
  Opener opener(key(), true, Limits());
  transport::RingReader reader(end.own_header(), end.peer_header(), ring_of(end.peer), end.peer.repeated());
  Seen seen;
  constexpr std::byte untouched{0xEE};
  Bytes frame(size.frame()), out(size.body), expected(size.body);
  for (std::uint64_t i = 0; i < records; ++i) {
    std::ranges::fill(out, untouched);
    const auto next = open_next(reader, opener, (i & 1) != 0, frame, out);
    if (!next) return seen;
    if (const auto& opened = *next; opened) {
      write_body(opened->header.sequence, expected);
      const bool right = opened->payload.size() == out.size() && out == expected;
      right ? ++seen.authentic : ++seen.wrong;
      continue;
    }
    ++seen.refused;
    protocol::RecordProbe::skip(opener);  // a channel would end here
    // Not one byte that nobody has vouched for.
    if (!std::ranges::all_of(out, [&](std::byte one) { return one == untouched || one == std::byte{0}; })) ++seen.wrong;
  }
  return seen;
}

int run(std::uint64_t records, Size size) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) return 3;
  const auto child = ::fork();
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    be_hostile(ends[1], records, size);
  }
  const End end(ends[0]);
  const auto seen = read_all(end, records, size);
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

int main(int argc, char** argv) {
  const auto number = [&](int at, unsigned long long standard) { return argc > at ? std::strtoull(argv[at], nullptr, 10) : standard; };
  return penstock::test::run(number(1, 10'000'000), {static_cast<std::size_t>(number(2, 16))});
}
