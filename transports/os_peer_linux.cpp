// Sources: unix(7), socket(7), pidfd_open(2), user_namespaces(7), pid_namespaces(7), ioctl_ns(2), linux/magic.h.
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/nsfs.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <sstream>

#include "transports/os_error.hpp"
#include "transports/os_peer_linux.hpp"
#include "transports/socket_options_linux.hpp"

namespace penstock::transport {
namespace {

Failure query_failed(const char* what, int number) {
  if (is_exhaustion(number)) return Error::resource_exhausted;
  // ENODATA, ESRCH, EINVAL: the kernel had a process and has it no more. ENOTCONN: it never had one.
  return Failure(Error::peer_gone, fmt::format("{} does not name the peer ({}): it has ended or was never connected.",
                                               what, reason(number)));
}

class SocketPeer final : public OsPeer {
 public:
  explicit SocketPeer(native_handle socket) : socket_(socket) {}

  result<Credentials> credentials() override {
    ucred raw{};
    socklen_t size = sizeof raw;
    if (::getsockopt(socket_, SOL_SOCKET, SO_PEERCRED, &raw, &size) != 0) return query_failed("SO_PEERCRED", errno);
    return Credentials{raw.pid, raw.uid, raw.gid};
  }

  result<std::vector<std::uint32_t>> groups() override {
    // Asked without room first, the kernel says how much it needs.
    socklen_t size = 0;
    if (::getsockopt(socket_, SOL_SOCKET, SO_PEERGROUPS, nullptr, &size) == 0) return std::vector<std::uint32_t>();
    if (errno != ERANGE) return query_failed("SO_PEERGROUPS", errno);
    std::vector<std::uint32_t> list(size / sizeof(std::uint32_t));
    if (::getsockopt(socket_, SOL_SOCKET, SO_PEERGROUPS, list.data(), &size) != 0)
      return query_failed("SO_PEERGROUPS", errno);
    list.resize(size / sizeof(std::uint32_t));
    return list;
  }

  std::optional<std::string> label() override {
    std::string text(256, '\0');
    auto size = static_cast<socklen_t>(text.size());
    if (::getsockopt(socket_, SOL_SOCKET, SO_PEERSEC, text.data(), &size) != 0) {
      if (errno != ERANGE) return std::nullopt;
      text.resize(size);
      if (::getsockopt(socket_, SOL_SOCKET, SO_PEERSEC, text.data(), &size) != 0) return std::nullopt;
    }
    text.resize(std::min<std::size_t>(size, text.size()));
    while (text.ends_with('\0')) text.pop_back();
    return text.empty() ? std::nullopt : std::optional(std::move(text));
  }

  result<Handle> process() override {
    int raw = no_handle;
    socklen_t size = sizeof raw;
    if (::getsockopt(socket_, SOL_SOCKET, so_peerpidfd, &raw, &size) == 0) return Handle(raw);
    if (errno == ENOPROTOOPT) return Error::unsupported;  // Linux before 6.5
    return query_failed("SO_PEERPIDFD", errno);
  }

  std::uint64_t process_key(const Handle& process) override { return pidfd_key(process.get()); }
  bool alive(const Handle& process) override { return pidfd_alive(process.get()); }
  bool senders_vouched(const Handle& process) override { return pidfd_senders_vouched(process.get()); }
  ProcessFacts facts(const Handle& process) override {
    const auto directory = open_process_directory(process.get());
    return directory ? read_process_facts(directory) : ProcessFacts();
  }
  UserNamespace user_namespace() override { return own_user_namespace(); }

 private:
  native_handle socket_;
};

// What SO_PEERCRED and SO_PEERPIDFD would tell a peer of this process, without a socket to ask them on.
class OwnProcess final : public OsPeer {
 public:
  result<Credentials> credentials() override { return Credentials{::getpid(), ::geteuid(), ::getegid()}; }
  result<std::vector<std::uint32_t>> groups() override {
    const int count = ::getgroups(0, nullptr);
    if (count < 0) return query_failed("getgroups", errno);
    std::vector<std::uint32_t> list(static_cast<std::size_t>(count));
    if (::getgroups(count, list.data()) != count) return query_failed("getgroups", errno);
    return list;
  }
  std::optional<std::string> label() override { return std::nullopt; }
  result<Handle> process() override {
    Handle own(static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0)));
    if (own) return own;
    return errno == ENOSYS ? result<Handle>(Error::unsupported) : query_failed("pidfd_open", errno);
  }
  std::uint64_t process_key(const Handle& process) override { return pidfd_key(process.get()); }
  bool alive(const Handle&) override { return true; }
  bool senders_vouched(const Handle&) override { return true; }
  ProcessFacts facts(const Handle&) override {
    ProcessFacts facts;
    facts.login_session = own_login_session();
    return facts;
  }
  UserNamespace user_namespace() override { return own_user_namespace(); }
};

// The second number of `Uid:` and `Gid:` is the effective one, which SO_PEERCRED would show.
std::optional<std::uint32_t> effective_id(const std::string& status, const char* name) {
  const auto line = status_field(status, name);
  if (!line) return std::nullopt;
  std::istringstream words(*line);
  std::uint32_t real = 0;
  std::uint32_t effective = 0;
  return words >> real >> effective ? std::optional(effective) : std::nullopt;
}

class ChildPeer final : public OsPeer {
 public:
  ChildPeer(Handle process, std::int64_t pid) : process_(std::move(process)), pid_(pid) {
    directory_ = open_process_directory(process_.get());
    if (directory_) status_ = read_proc_file(directory_.get(), "status");
  }

  result<Credentials> credentials() override {
    if (!status_) return Failure(Error::peer_gone, fmt::format("The started process {} has already ended.", pid_));
    const auto uid = effective_id(*status_, "Uid");
    const auto gid = effective_id(*status_, "Gid");
    if (!uid || !gid) return Error::peer_unidentified;
    return Credentials{pid_, *uid, *gid};
  }
  result<std::vector<std::uint32_t>> groups() override {
    std::istringstream words(status_field(*status_, "Groups").value_or(""));
    std::vector<std::uint32_t> list;
    for (std::uint32_t group = 0; words >> group;) list.push_back(group);
    return list;
  }
  std::optional<std::string> label() override {
    auto text = read_proc_file(directory_.get(), "attr/current");
    while (text && (text->ends_with('\n') || text->ends_with('\0'))) text->pop_back();
    return text && !text->empty() ? text : std::nullopt;
  }
  result<Handle> process() override { return std::move(process_); }
  std::uint64_t process_key(const Handle& process) override { return pidfd_key(process.get()); }
  bool alive(const Handle& process) override { return pidfd_alive(process.get()); }
  bool senders_vouched(const Handle& process) override { return pidfd_senders_vouched(process.get()); }
  ProcessFacts facts(const Handle&) override { return read_process_facts(directory_); }
  UserNamespace user_namespace() override { return own_user_namespace(); }

 private:
  Handle process_;
  Handle directory_;
  std::optional<std::string> status_;
  std::int64_t pid_;
};

// The user namespace that the kernel starts with has this inode and no other ever has it (PROC_USER_INIT_INO of the kernel's
// proc_ns.h). It maps everyone, by definition: one question instead of two files to read for every peer.
bool in_first_user_namespace() {
  constexpr ino_t first = 0xEFFFFFFD;
  struct stat status{};
  return ::stat("/proc/self/ns/user", &status) == 0 && status.st_ino == first;
}

// One line, from 0, to 0, over all numbers but the last: nobody is unmapped.
bool is_identity_map(const char* path) {
  const auto text = read_proc_file(AT_FDCWD, path);
  if (!text) return false;
  std::istringstream words(*text);
  std::uint64_t inside = 1;
  std::uint64_t outside = 1;
  std::uint64_t count = 0;
  return words >> inside >> outside >> count && inside == 0 && outside == 0 && count == 4294967295u;
}

std::uint32_t overflow_id(const char* path) {
  const auto text = read_proc_file(AT_FDCWD, path);
  const auto number = text ? parse_number(*text) : std::nullopt;
  return static_cast<std::uint32_t>(number.value_or(65534));
}

}  // namespace

std::uint64_t pidfd_key(native_handle pidfd) noexcept {
  struct statfs system{};
  struct stat status{};
  // Elsewhere all pidfds share one inode: a number that tells nobody apart.
  if (::fstatfs(pidfd, &system) != 0 || system.f_type != pidfs_magic) return 0;
  return ::fstat(pidfd, &status) == 0 ? status.st_ino : 0;
}

// unix(7): whoever has CAP_SYS_ADMIN may send any pid as its own. The kernel means the capability over the user namespace that
// owns the sender's process namespace, and anybody may make himself such a pair (unshare(2), CLONE_NEWUSER | CLONE_NEWPID).
bool pidfd_senders_vouched(native_handle pidfd) {
  constexpr unsigned long get_pid_namespace = _IO(0xFF, 5);  // PIDFD_GET_PID_NAMESPACE, Linux 6.11
  const auto info = read_proc_file(AT_FDCWD, fmt::format("/proc/self/fdinfo/{}", pidfd).c_str());
  const auto numbers = info ? status_field(*info, "NSpid") : std::nullopt;
  if (!numbers) return false;
  // One number: it lives in the namespace of our own /proc. 0: in one that is not below it. More: in a nested one.
  if (*numbers != "0" && numbers->find_first_of(" \t") == std::string::npos) return true;
  const Handle space(::ioctl(pidfd, get_pid_namespace, 0));  // needs the right to look at the process
  const Handle owner(space ? ::ioctl(space.get(), NS_GET_USERNS) : no_handle);
  struct stat theirs{};
  struct stat ours{};
  return owner && ::fstat(owner.get(), &theirs) == 0 && ::stat("/proc/self/ns/user", &ours) == 0 &&
         theirs.st_dev == ours.st_dev && theirs.st_ino == ours.st_ino;
}

bool pidfd_alive(native_handle pidfd) noexcept {
  pollfd entry{pidfd, POLLIN, 0};
  int ready = 0;
  do ready = ::poll(&entry, 1, 0);
  while (ready < 0 && errno == EINTR);
  return ready == 0;
}

UserNamespace own_user_namespace() {
  UserNamespace space;
  space.maps_everyone = in_first_user_namespace() ||
                        (is_identity_map("/proc/self/uid_map") && is_identity_map("/proc/self/gid_map"));
  if (space.maps_everyone) return space;
  space.overflow_uid = overflow_id("/proc/sys/kernel/overflowuid");
  space.overflow_gid = overflow_id("/proc/sys/kernel/overflowgid");
  return space;
}

result<PeerIdentity> identify_socket_peer(native_handle socket) {
  SocketPeer peer(socket);
  return identify(peer);
}

result<PeerIdentity> identify_self() {
  OwnProcess self;
  return identify(self);
}

result<PeerIdentity> identify_child(Handle process, std::int64_t pid) {
  ChildPeer peer(std::move(process), pid);
  return identify(peer);
}

}  // namespace penstock::transport
