// The server's side: a checked directory, a locked name, a socket that is exactly as meant, and peers with a name.
// Sources: unix(7), accept4(2), bind(2), umask(2).
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
#include "transports/os_peer_linux.hpp"
#include "transports/pipe.hpp"
#include "transports/scope_check.hpp"
#include "transports/socket_address_linux.hpp"
#include "transports/socket_carrier.hpp"
#include "transports/socket_io.hpp"
#include "transports/traits.hpp"

namespace penstock::transport {
namespace {

/// The name in the directory, and the very socket that was bound to it. Unlinks it when it goes, unless another stands
/// there.
class BoundName {
 public:
  BoundName(Handle directory, std::string name) : directory_(std::move(directory)), name_(std::move(name)) {}
  BoundName(BoundName&&) = default;
  BoundName& operator=(BoundName&&) = delete;
  ~BoundName() { unlink(); }

  [[nodiscard]] result<void> bind(const Handle& socket, unsigned mode, const std::string& path);
  void unlink() noexcept;
  /// In a forked child: the name is the parent's to remove.
  void forget() noexcept { inode_ = 0; }

 private:
  [[nodiscard]] result<void> set_exact_mode(unsigned mode, const std::string& path);

  Handle directory_;
  std::string name_;
  dev_t device_ = 0;
  ino_t inode_ = 0;  // 0: nothing bound
};

result<void> BoundName::bind(const Handle& socket, unsigned mode, const std::string& path) {
  const auto inside = path_within(directory_, name_);
  if (!inside) return inside.error();
  // The mode of the descriptor is the one that the name gets, less the umask: at no moment is it wider than meant.
  if (::fchmod(socket.get(), static_cast<mode_t>(mode)) != 0) return Error::io_error;
  const UnixAddress address(*inside);
  if (::bind(socket.get(), address.data(), address.size()) != 0) {
    const int number = errno;
    const Error code = number == EADDRINUSE ? Error::name_in_use : error_of(number);
    return Failure(code,
                   fmt::format("{} cannot be bound ({}): check the directory's owner and mode.", path, reason(number)));
  }
  struct stat status{};
  if (::fstatat(directory_.get(), name_.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    return Failure(Error::socket_unsafe, fmt::format("{} vanished after it was bound ({}).", path, reason(errno)));
  }
  device_ = status.st_dev;
  inode_ = status.st_ino;
  if (status.st_mode != (static_cast<unsigned>(S_IFSOCK) | mode)) {
    if (auto exact = set_exact_mode(mode, path); !exact) return exact;
  }
  // ATK-08: what stands there is read back, never assumed.
  if (::fstatat(directory_.get(), name_.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return Error::socket_unsafe;
  return check_bound_socket({status.st_mode, status.st_uid}, ::geteuid(), mode, path);
}

/// Gives back the bits that a umask took. Only trusted users can have changed the entry since bind; nobody can connect
/// yet.
result<void> BoundName::set_exact_mode(unsigned mode, const std::string& path) {
  if (::fchmodat(directory_.get(), name_.c_str(), static_cast<mode_t>(mode), 0) == 0) return {};
  return Failure(error_of(errno), fmt::format("The mode of {} cannot be set ({}).", path, reason(errno)));
}

void BoundName::unlink() noexcept {
  if (inode_ == 0 || !directory_) return;
  struct stat status{};
  const bool ours = ::fstatat(directory_.get(), name_.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
                    status.st_dev == device_ && status.st_ino == inode_;
  if (ours) ::unlinkat(directory_.get(), name_.c_str(), 0);
  inode_ = 0;
}

/// Descriptors that reading an identity takes beside the connection itself. That there is room for them is tried before
/// accept(2), so that a process at its limit leaves the peer in the backlog and does not turn it away (ATK-12).
constexpr std::size_t identity_descriptors = 4;

bool room_for_peer(const Handle& any) {
  std::array<Handle, 1 + identity_descriptors> probes;
  for (auto& probe : probes) {
    probe = Handle(::fcntl(any.get(), F_DUPFD_CLOEXEC, 0));
    if (!probe) return false;
  }
  return true;
}

class UnixPipeListener final : public PipeListener {
 public:
  UnixPipeListener(Handle socket, BoundName name, Handle lock, Scope scope, std::shared_ptr<const PeerIdentity> self,
                   PipeOptions options)
      : lock_(std::move(lock)),
        name_(std::move(name)),
        socket_(std::move(socket)),
        scope_(scope),
        self_(std::move(self)),
        options_(options),
        owner_(::getpid()) {}
  ~UnixPipeListener() override { close(); }

  result<std::unique_ptr<Carrier>> accept() override;
  result<void> attach(const boost::asio::any_io_executor& executor) override {
    if (!socket_) return Error::closed;
    return watch_.attach(executor, socket_.get());
  }
  void async_wait(WaitHandler handler) override { watch_.async_wait(Readiness::readable, std::move(handler)); }
  void cancel_waits() noexcept override { watch_.cancel(); }
  void close() noexcept override;

 private:
  result<Handle> accept_socket();

  Handle lock_;  // goes last: nobody may claim the name before it is gone
  BoundName name_;
  Handle socket_;
  Watch watch_;
  Scope scope_;
  // As it was when listen(2) was called: the kernel shows that process to every client.
  std::shared_ptr<const PeerIdentity> self_;
  PipeOptions options_;
  int owner_;
};

result<Handle> UnixPipeListener::accept_socket() {
  if (!room_for_peer(socket_)) return Error::resource_exhausted;
  for (;;) {
    Handle socket(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (socket) return socket;
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == ECONNABORTED) return Error::would_block;
    return is_exhaustion(errno) ? Error::resource_exhausted : Error::io_error;
  }
}

result<std::unique_ptr<Carrier>> UnixPipeListener::accept() {
  if (!socket_) return Error::closed;
  auto socket = accept_socket();
  if (!socket) return socket.error();
  auto peer = identify_socket_peer(socket->get());
  if (!peer) return peer.error();
  if (!options_.allow_own_process) {
    if (auto other = check_not_self(*peer, *self_); !other) return other.error();
  }
  if (auto in_scope = check_scope(scope_, *peer, *self_); !in_scope) return in_scope.error();
  return SocketCarrier::make(pipe_traits, std::move(*socket), {std::move(*peer), self_});
}

void UnixPipeListener::close() noexcept {
  if (!socket_) return;
  if (::getpid() != owner_) {
    // A forked child's copy: the name, the lock and the shared reactor are the parent's.
    name_.forget();
    watch_.forget();
    socket_.reset();
    lock_.reset();
    return;
  }
  watch_.release();
  name_.unlink();
  // Whoever waits in the backlog is told now, even where a forked child holds the socket too.
  ::shutdown(socket_.get(), SHUT_RDWR);
  socket_.reset();
  ::flock(lock_.get(), LOCK_UN);
  lock_.reset();
}

// To a connector a missing directory means that nobody listens; here it is ours to have.
Failure no_directory(const Endpoint& endpoint) {
  return Failure(Error::directory_unsafe,
                 fmt::format("The directory for {} does not exist: make it, of this user and not writable by others, or name "
                             "another; `penstock doctor` says what is missing.",
                             endpoint.describe()));
}

/// The scope's own directory is made where it is missing; a named one must be there.
result<Handle> listener_directory(const Endpoint& endpoint) {
  const TrustedUsers users{::geteuid()};
  const auto own = scope_directory(endpoint.scope());
  if (own && own->path == endpoint.directory()) {
    auto made = make_directory(*own, users);
    if (made || made.error() != Error::not_found) return made;
    return no_directory(endpoint);
  }
  auto directory = open_directory(endpoint.directory(), users);
  if (directory || directory.error() != Error::not_found) return directory;
  return no_directory(endpoint);
}

}  // namespace

result<std::unique_ptr<PipeListener>> PipeListener::open(const Endpoint& endpoint, int backlog, PipeOptions options) {
  auto directory = listener_directory(endpoint);
  if (!directory) return directory.error();
  const auto base = endpoint.directory() + '/' + endpoint.name();
  auto lock = lock_name(*directory, endpoint.name() + ".lock", base + ".lock");
  if (!lock) return lock.error();
  if (auto clear = clear_leftover(*directory, endpoint.name() + ".sock", base + ".sock"); !clear) return clear.error();

  Handle socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return Failure(error_of(errno), fmt::format("No socket could be made ({}).", reason(errno)));
  // Before listen, so that accepted sockets have it from their first byte on (ATK-05).
  if (auto asked = ask_for_senders(socket.get(), true); !asked) return asked.error();
  auto self = own_identity();
  if (!self) return self.error();
  BoundName name(std::move(*directory), endpoint.name() + ".sock");
  const unsigned mode = endpoint.scope() == Scope::machine ? 0666 : 0600;
  if (auto bound = name.bind(socket, mode, base + ".sock"); !bound) return bound.error();
  if (::listen(socket.get(), backlog) != 0) {
    return Failure(error_of(errno), fmt::format("{} cannot listen ({}).", endpoint.describe(), reason(errno)));
  }
  return std::unique_ptr<PipeListener>(
      new UnixPipeListener(std::move(socket), std::move(name), std::move(*lock), endpoint.scope(),
                           std::make_shared<const PeerIdentity>(std::move(*self)), options));
}

}  // namespace penstock::transport
