// An application and the helper it starts: no name in any directory, so nobody to take it.
// Sources: socketpair(2), unix(7), pipe(7), environ(7).
#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>

#include "transports/child.hpp"
#include "transports/duplicate.hpp"
#include "transports/inherited.hpp"
#include "transports/os_error.hpp"
#include "transports/os_peer_linux.hpp"
#include "transports/scope_check.hpp"
#include "transports/socket_carrier.hpp"
#include "transports/socket_io.hpp"
#include "transports/spawn.hpp"
#include "transports/traits.hpp"

namespace penstock::transport {
namespace {

constexpr const char* launch_variable = "PENSTOCK_LAUNCH";
constexpr std::string_view launch_value = "3,4";
constexpr int socket_number = 3;
constexpr int secret_number = 4;

struct Pair {
  Handle ours;
  Handle theirs;
};

result<Pair> make_socketpair() {
  std::array<int, 2> raw{no_handle, no_handle};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, raw.data()) != 0) {
    return Failure(error_of(errno), fmt::format("No socketpair can be made ({}).", reason(errno)));
  }
  Pair pair{Handle(raw[0]), Handle(raw[1])};
  // On both ends before the child exists, so that whatever is sent first has its sender's name on it.
  if (auto asked = ask_for_senders(pair.ours.get(), true); !asked) return asked.error();
  if (auto asked = ask_for_senders(pair.theirs.get(), true); !asked) return asked.error();
  return pair;
}

/// A pipe that holds exactly the secret and has no writer left: the child finds all of it and then the end, or refuses.
result<Handle> pipe_with(const crypto::Secret<32>& secret) {
  std::array<int, 2> raw{no_handle, no_handle};
  if (::pipe2(raw.data(), O_CLOEXEC) != 0)
    return Failure(error_of(errno), fmt::format("No pipe can be made ({}).", reason(errno)));
  Handle reader(raw[0]);
  const Handle writer(raw[1]);
  const auto bytes = secret.bytes();
  if (::write(writer.get(), bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) return Error::io_error;
  return reader;
}

result<void> check_spec(const LaunchSpec& spec) {
  const auto holds_zero = [](const std::string& text) { return text.find('\0') != std::string::npos; };
  if (!spec.program.starts_with('/') || holds_zero(spec.program)) {
    return Failure(Error::invalid_argument,
                   fmt::format("\"{}\" is not an absolute path: no PATH is searched for a helper.", spec.program));
  }
  if (std::ranges::any_of(spec.arguments, holds_zero)) {
    return Failure(Error::invalid_argument, "An argument of the helper holds a zero byte: leave it out.");
  }
  for (const auto& entry : spec.environment) {
    const auto equals = entry.find('=');
    const bool valid = equals != std::string::npos && equals > 0 && !holds_zero(entry);
    if (!valid || entry.substr(0, equals) == launch_variable) {
      return Failure(Error::invalid_argument,
                     fmt::format("An entry of the helper's environment is not NAME=value, or names {}, which is "
                                 "Penstock's own.",
                                 launch_variable));
    }
  }
  return {};
}

Failure not_launched(const char* what) {
  return Failure(Error::launch_invalid,
                 fmt::format("This process was not started by a Penstock launcher ({}): start it through its "
                             "application.",
                             what));
}

bool is_stream_socket(int number) {
  int domain = 0;
  int type = 0;
  socklen_t size = sizeof domain;
  if (::getsockopt(number, SOL_SOCKET, SO_DOMAIN, &domain, &size) != 0 || domain != AF_UNIX) return false;
  size = sizeof type;
  return ::getsockopt(number, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
}

bool is_pipe(int number) {
  struct stat status{};
  return ::fstat(number, &status) == 0 && S_ISFIFO(status.st_mode);
}

/// Exactly 32 bytes and then the end. Never waits: a launcher has written them before this process was born.
result<crypto::Secret<32>> read_secret(const Handle& pipe) {
  const int flags = ::fcntl(pipe.get(), F_GETFL);
  if (flags < 0 || ::fcntl(pipe.get(), F_SETFL, flags | O_NONBLOCK) != 0)
    return not_launched("descriptor 4 is of no use");
  auto secret = crypto::Secret<32>::make();
  if (!secret) return secret.error();
  const auto bytes = secret->bytes();
  if (::read(pipe.get(), bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size()))
    return not_launched("no launch secret");
  std::byte more{};
  if (::read(pipe.get(), &more, 1) != 0) return not_launched("more than a launch secret");
  return secret;
}

result<void> hide_from_children(int number) {
  return ::fcntl(number, F_SETFD, FD_CLOEXEC) == 0 ? result<void>() : Error::launch_invalid;
}

}  // namespace

result<Launched> launch(const LaunchSpec& spec) {
  if (auto valid = check_spec(spec); !valid) return valid.error();
  const auto standard = StandardDescriptors::hold();
  if (!standard) return standard.error();
  auto secret = crypto::Secret<32>::random();
  if (!secret) return secret.error();
  auto pair = make_socketpair();
  if (!pair) return pair.error();
  auto pipe = pipe_with(*secret);
  if (!pipe) return pipe.error();
  auto self = own_identity();
  if (!self) return self.error();

  SpawnRequest request{spec.program, {spec.program}, spec.environment, pair->theirs.get(), pipe->get()};
  request.arguments.insert(request.arguments.end(), spec.arguments.begin(), spec.arguments.end());
  request.environment.push_back(fmt::format("{}={}", launch_variable, launch_value));
  auto child = spawn(request);
  if (!child) return child.error();

  // SO_PEERCRED would name ourselves: both ends were made here. The child's identity comes from the clone that made it.
  auto handle = duplicate(child->process.get());
  auto peer = handle ? identify_child(std::move(*handle), child->pid) : result<PeerIdentity>(handle.error());
  if (!peer) {
    end_child(child->process);
    return peer.error();
  }
  auto carrier = SocketCarrier::make(inherited_traits, std::move(pair->ours),
                                     {std::move(*peer), std::make_shared<const PeerIdentity>(std::move(*self))});
  if (!carrier) {
    end_child(child->process);
    return carrier.error();
  }
  return Launched{std::move(*carrier), std::move(*secret), std::move(child->process), child->pid};
}

result<Adopted> adopt() {
  static std::atomic_flag adopted;
  const char* const variable = ::getenv(launch_variable);
  if (variable == nullptr || variable != launch_value) return not_launched(launch_variable);
  if (adopted.test_and_set()) return not_launched("its channel was already taken");
  ::unsetenv(launch_variable);
  if (!is_stream_socket(socket_number) || !is_pipe(secret_number))
    return not_launched("descriptors 3 and 4 are something else");
  Handle socket(socket_number);
  const Handle pipe(secret_number);
  if (auto hidden = hide_from_children(socket_number); !hidden) return hidden.error();

  auto secret = read_secret(pipe);
  if (!secret) return secret.error();
  auto peer = identify_socket_peer(socket.get());
  if (!peer) return peer.error();
  auto self = own_identity();
  if (!self) return self.error();
  if (auto other = check_not_self(*peer, *self); !other) return not_launched("it made the socket itself");
  auto carrier = SocketCarrier::make(inherited_traits, std::move(socket),
                                     {std::move(*peer), std::make_shared<const PeerIdentity>(std::move(*self))});
  if (!carrier) return carrier.error();
  return Adopted{std::move(*carrier), std::move(*secret)};
}

}  // namespace penstock::transport
