// A held identity asked again, and this process's own. Sources: pidfd_open(2), proc(5).
#include <fcntl.h>
#include <fmt/format.h>
#include <sodium.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

#include "penstock/identity.hpp"
#include "transports/os_error.hpp"
#include "transports/os_peer_linux.hpp"
#include "transports/proc_linux.hpp"

namespace penstock {
namespace {

using transport::reason;

// A longer program is not read at all: a listener's other peers wait meanwhile, and the peer chose the program (ATK-24).
constexpr std::uint64_t largest_program = std::uint64_t{128} << 20;

Failure too_long() {
  return Failure(Error::io_error,
                 "The peer's program has more than 128 MiB: name it by path or fs-verity digest instead.");
}

result<std::string> sha256_of(const Handle& file) {
  crypto_hash_sha256_state state;
  crypto_hash_sha256_init(&state);
  std::vector<unsigned char> block(std::size_t{1} << 18);
  for (std::uint64_t total = 0; total <= largest_program;) {
    const auto got = ::read(file.get(), block.data(), block.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Failure(Error::io_error, fmt::format("The peer's program cannot be read ({}).", reason(errno)));
    if (got == 0) {
      std::array<unsigned char, crypto_hash_sha256_BYTES> digest;
      crypto_hash_sha256_final(&state, digest.data());
      std::string hex;
      for (const auto byte : digest) fmt::format_to(std::back_inserter(hex), "{:02x}", byte);
      return hex;
    }
    crypto_hash_sha256_update(&state, block.data(), static_cast<unsigned long long>(got));
    total += static_cast<std::uint64_t>(got);
  }
  return too_long();
}

}  // namespace

result<void> PeerIdentity::check_alive() const {
  if (strength == Strength::connected || !process.valid()) return Error::peer_unidentified;
  return transport::pidfd_alive(process.get()) ? result<void>() : Error::peer_gone;
}

result<void> PeerIdentity::check_same_program() const {
  if (auto alive = check_alive(); !alive) return alive;
  const auto directory = transport::open_process_directory(process.get());
  const auto now = directory ? transport::read_executable(directory) : std::nullopt;
  // A program that was readable and is so no more, or the other way round, is another program too.
  const bool same = now == executable;
  if (auto alive = check_alive(); !alive) return alive;
  if (same) return {};
  if (!now && (!directory || transport::is_exiting(directory))) return Error::peer_gone;
  return Failure(Error::peer_changed,
                 fmt::format("The peer's process {} now runs another program ({}) than it did ({}): let it "
                             "connect again as what it is.",
                             pid, now ? now->path : "unknown", executable ? executable->path : "unknown"));
}

result<std::string> PeerIdentity::executable_sha256() const {
  if (!executable) {
    return Failure(Error::unsupported, "The peer's program is not known: that needs the same user, or CAP_SYS_PTRACE.");
  }
  if (auto alive = check_alive(); !alive) return alive.error();
  const auto directory = transport::open_process_directory(process.get());
  const Handle program(directory ? ::openat(directory.get(), "exe", O_PATH | O_CLOEXEC) : no_handle);
  const auto file = program ? transport::reopen_for_reading(program) : Handle();
  if (!file) return Failure(Error::io_error, fmt::format("The peer's program {} cannot be read.", executable->path));
  struct stat status{};
  if (::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return Error::io_error;
  if (status.st_dev != executable->device || status.st_ino != executable->inode) return Error::peer_changed;
  if (static_cast<std::uint64_t>(status.st_size) > largest_program) return too_long();
  auto digest = sha256_of(file);
  // What was read was the peer's program only if the peer is still there (ATK-04).
  if (auto alive = check_alive(); !alive) return alive.error();
  return digest;
}

result<bool> PeerIdentity::executable_signed() const {
  return Failure(Error::unsupported, "Linux does not say who signed a program: name its digest instead.");
}

result<PeerIdentity> own_identity() {
  // Asked as a peer would ask, so that both halves of the handshake's binding come from the same questions.
  std::array<int, 2> raw{no_handle, no_handle};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, raw.data()) != 0) {
    return Failure(transport::error_of(errno), fmt::format("This process cannot ask who it is ({}).", reason(errno)));
  }
  const Handle asked(raw[0]);
  const Handle other(raw[1]);
  return transport::identify_socket_peer(asked.get());
}

}  // namespace penstock
