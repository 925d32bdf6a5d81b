// Sources: flock(2), openat(2), unix(7), unlink(2).
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

#include "transports/directory.hpp"
#include "transports/name_claim.hpp"
#include "transports/os_error.hpp"
#include "transports/proc_linux.hpp"
#include "transports/socket_address_linux.hpp"

namespace penstock::transport {
namespace {

// How often a lock file may vanish between open and lock before somebody is plainly removing it on purpose.
constexpr int lock_attempts = 8;

std::string holder_of(const Handle& lock) {
  std::array<char, 32> text{};
  const auto got = ::pread(lock.get(), text.data(), text.size() - 1, 0);
  const auto number = got > 0 ? parse_number(std::string(text.data(), static_cast<std::size_t>(got))) : std::nullopt;
  return number ? fmt::format("process {}, or a child of it", *number) : std::string("another process");
}

result<Handle> open_lock_file(const Handle& directory, const std::string& name, const std::string& path) {
  // O_NONBLOCK: something else than a file, put there to be waited on, is opened at once and then refused.
  constexpr int flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  Handle lock(::openat(directory.get(), name.c_str(), flags, 0600));
  if (!lock && errno == ELOOP) {
    return Failure(Error::socket_unsafe,
                   fmt::format("{} is a symbolic link: find out who put it there, and remove it.", path));
  }
  if (!lock) {
    return Failure(error_of(errno),
                   fmt::format("The lock file {} cannot be opened ({}): check the directory's owner, and that no "
                               "listener of another user holds this name.",
                               path, reason(errno)));
  }
  struct stat status{};
  if (::fstat(lock.get(), &status) != 0) return Failure(error_of(errno), fmt::format("{}: {}.", path, reason(errno)));
  if (!S_ISREG(status.st_mode) || status.st_uid != ::geteuid()) {
    return Failure(
        Error::socket_unsafe,
        fmt::format("{} is not a lock file of user {}: find out who put it there, and remove it.", path, ::geteuid()));
  }
  return lock;
}

bool still_named(const Handle& lock, const Handle& directory, const std::string& name) {
  struct stat held{};
  struct stat named{};
  return ::fstat(lock.get(), &held) == 0 &&
         ::fstatat(directory.get(), name.c_str(), &named, AT_SYMLINK_NOFOLLOW) == 0 && held.st_dev == named.st_dev &&
         held.st_ino == named.st_ino;
}

/// For people, and the exact mode under whatever umask.
result<void> sign_lock(const Handle& lock, const std::string& path) {
  const auto text = fmt::format("{}\n", ::getpid());
  const bool done = ::fchmod(lock.get(), 0600) == 0 && ::ftruncate(lock.get(), 0) == 0 &&
                    ::pwrite(lock.get(), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size());
  if (done) return {};
  const Error code = errno == ENOSPC || errno == EDQUOT ? Error::resource_exhausted : error_of(errno);
  return Failure(code, fmt::format("The lock file {} cannot be written ({}).", path, reason(errno)));
}

/// 0 when somebody answers.
int probe(const Handle& directory, const std::string& name) {
  const auto inside = path_within(directory, name);
  if (!inside) return ENOSYS;
  const UnixAddress address(*inside);
  const Handle socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return errno;
  return ::connect(socket.get(), address.data(), address.size()) == 0 ? 0 : errno;
}

}  // namespace

result<void> check_bound_socket(const EntryFacts& facts, std::uint32_t owner, unsigned mode, const std::string& path) {
  const bool exact = facts.type_and_mode == (static_cast<unsigned>(S_IFSOCK) | mode) && facts.owner == owner;
  if (exact) return {};
  return Failure(
      Error::socket_unsafe,
      fmt::format(
          "{} is not the socket that was bound there (owner {}, type and mode {:06o}; wanted {} and {:06o}): find "
          "out who changes that directory.",
          path, facts.owner, facts.type_and_mode, owner, static_cast<unsigned>(S_IFSOCK) | mode));
}

result<Handle> lock_name(const Handle& directory, const std::string& name, const std::string& path) {
  for (int attempt = 0; attempt < lock_attempts; ++attempt) {
    auto lock = open_lock_file(directory, name, path);
    if (!lock) return lock.error();
    if (::flock(lock->get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK)
        return Failure(error_of(errno), fmt::format("{} cannot be locked ({}).", path, reason(errno)));
      return Failure(Error::name_in_use,
                     fmt::format("A live listener holds this name ({}; {}): stop it, or choose another name.",
                                 holder_of(*lock), path));
    }
    if (!still_named(*lock, directory, name)) continue;
    if (auto signed_ = sign_lock(*lock, path); !signed_) return signed_.error();
    return lock;
  }
  return Failure(Error::name_in_use, fmt::format("{} keeps being removed: find out by whom.", path));
}

result<void> clear_leftover(const Handle& directory, const std::string& name, const std::string& path) {
  struct stat status{};
  if (::fstatat(directory.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return {};
    return Failure(error_of(errno), fmt::format("{}: {}.", path, reason(errno)));
  }
  if (!S_ISSOCK(status.st_mode) || status.st_uid != ::geteuid()) {
    return Failure(Error::socket_unsafe,
                   fmt::format("{} is not a socket of user {} (owner {}): find out who put it there, and "
                               "remove it.",
                               path, ::geteuid(), status.st_uid));
  }
  // A listener that takes no lock, or a full backlog (EAGAIN), is alive: only a refusal proves that nobody listens.
  const int answer = probe(directory, name);
  if (answer == 0 || answer == EAGAIN) {
    return Failure(Error::name_in_use,
                   fmt::format("Somebody without Penstock's lock answers at {}: stop that program, or choose "
                               "another name.",
                               path));
  }
  if (answer != ECONNREFUSED) {
    return Failure(
        is_exhaustion(answer) ? Error::resource_exhausted : Error::socket_unsafe,
        fmt::format("Whether anybody listens at {} cannot be told ({}), so it is not removed.", path, reason(answer)));
  }
  if (::unlinkat(directory.get(), name.c_str(), 0) == 0 || errno == ENOENT) return {};
  return Failure(error_of(errno), fmt::format("{} was left by a listener that has ended, and cannot be removed ({}).",
                                              path, reason(errno)));
}

}  // namespace penstock::transport
