// Sources: GetNamedPipeClientProcessId, "Named Pipe Security and Access Rights", "Impersonation Levels"; that a pipe's process
// number can be forged or reused: J. Forshaw, "Windows Exploitation Tricks: Spoofing Named Pipe Client PID" (2019).
#include "transports/identify_windows.hpp"

#include <windows.h>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "crypto/hash.hpp"
#include "crypto/windows_text.hpp"
#include "transports/os_token_windows.hpp"

namespace penstock::transport {
namespace {

// The idle process, the kernel, and what the pipe's own server writes down for clients of other machines (ATK-04).
constexpr std::array<std::uint32_t, 4> no_processes{0, 4, 65276, 65279};

result<void> check_number(std::uint32_t pid) {
  if (std::ranges::find(no_processes, pid) == no_processes.end()) return {};
  return Failure(Error::peer_unidentified,
                 fmt::format("Windows names the process {} for the peer, which is no program of this machine.", pid));
}

Failure gone(std::uint32_t pid) {
  return Failure(Error::peer_gone, fmt::format("The peer's process {} has ended: let it connect again.", pid));
}

void take_token(Token token, PeerIdentity& out) {
  out.uid = token.user;
  out.gid = token.group;
  out.groups = std::move(token.groups);
  out.login_session = token.session;
  out.token = std::make_unique<const TokenFacts>(std::move(token.facts));
}

enum class Program : bool { left_out, wanted };

// A live handle first; then everything is asked of it, and at last whether it was there all along (ATK-04).
result<PeerIdentity> identify_held(Handle process, Program program) {
  PeerIdentity out;
  const auto pid = os().process_id(process.get());
  if (auto possible = check_number(pid); !possible) return possible.error();
  const auto created = os().creation_time(process.get());
  if (!created) return created.error();
  auto token = os().process_token(process.get());
  if (!token) return token.error();
  if (program == Program::wanted) out.executable = os().executable(process.get());
  if (!os().alive(process.get())) return gone(pid);
  out.strength = Strength::pinned;
  out.pid = pid;
  out.process_key = process_key_of(pid, *created);
  out.process = std::move(process);
  take_token(std::move(*token), out);
  return out;
}

// The process that a pipe names. Who was created after `latest` did not connect.
result<PeerIdentity> identify_named(std::uint32_t pid, std::uint64_t latest) {
  if (auto possible = check_number(pid); !possible) return possible.error();
  auto process = os().open_process(pid);
  if (!process) return process.error();
  const auto created = os().creation_time(process->get());
  if (!created) return created.error();
  if (*created > latest) {
    return Failure(Error::peer_gone,
                   fmt::format("The number {} belongs to a process that is younger than the connection.", pid));
  }
  return identify_held(std::move(*process), Program::wanted);
}

result<void> check_session(std::uint32_t named, const PeerIdentity& peer) {
  if (peer.login_session == named) return {};
  return Failure(Error::peer_unidentified,
                 fmt::format("The pipe names session {} for the peer, its token another one.", named));
}

result<void> mark_session(PeerIdentity& peer) {
  const auto self = identify_self();
  if (!self) return self.error();
  peer.other_session = peer.login_session != self->login_session;
  return {};
}

// Whose pipe is it? The owner is written when the name is made, and only by who may be that owner (ATK-01).
result<void> check_owner(const PipeAccess& access, const PeerIdentity& peer) {
  if (access.owner == peer.uid) return {};
  return Failure(Error::socket_unsafe,
                 fmt::format("The pipe belongs to {}, the process that serves it to {}: it is not a Penstock listener's.",
                             to_text(access.owner), to_text(peer.uid)));
}

// A number can be borrowed: whoever holds the pipe may wait until a trusted process has the number of the one that made it. What it
// cannot do is to have made the pipe with a label above its own level.
result<void> check_label(const PipeAccess& access, Integrity process) {
  if (!access.label && is_wine()) return {};
  const auto pipe = access.label ? integrity_of(*access.label) : Integrity::untrusted;
  if (pipe >= std::min(process, Integrity::medium)) return {};
  return Failure(Error::socket_unsafe, fmt::format("The pipe was made at integrity level {}, the process that is named as its server "
                                                   "has {}: it is not that process's.",
                                                   to_string(pipe), to_string(process)));
}

// Nothing of the process is to be seen; the owner of the pipe is all that there is.
result<PeerIdentity> identify_by_owner(native_handle pipe, std::uint32_t pid, std::uint32_t session) {
  const auto access = os().access(pipe);
  if (!access) return access.error();
  if (auto labelled = check_label(*access, Integrity::medium); !labelled) return labelled.error();
  PeerIdentity out;
  out.strength = Strength::connected;
  out.pid = pid;
  out.uid = access->owner;
  out.gid = no_user;
  out.login_session = session;
  if (auto marked = mark_session(out); !marked) return marked.error();
  return out;
}

Failure changed(const char* what, const PeerIdentity& peer) {
  return Failure(Error::peer_changed, fmt::format("What came over the pipe of process {} was written with another {} than that "
                                                  "process has: let it connect again as what it is.",
                                                  peer.pid, what));
}

result<void> compare(const Token& written, const PeerIdentity& peer) {
  if (written.user != peer.uid) return changed("user", peer);
  if (!peer.token) return Error::peer_unidentified;
  if (written.session != peer.login_session) return changed("session", peer);
  if (written.facts.logon_id != peer.token->logon_id) return changed("logon session", peer);
  if (written.facts.integrity != peer.token->integrity) return changed("integrity level", peer);
  if (written.facts.elevated != peer.token->elevated) return changed("elevation", peer);
  if (written.facts.app_container != peer.token->app_container) return changed("AppContainer", peer);
  if (written.facts.restricted != peer.token->restricted) return changed("set of rights", peer);
  return {};
}

// The only place where this process is somebody else. Nothing else happens meanwhile, nothing can be thrown, and nothing goes on if
// it does not end (ATK-09).
unsigned long take_client_token(native_handle pipe, Handle& token) noexcept {
  if (const auto error = os().impersonate(pipe); error != 0) return error;
  const auto error = os().open_thread_token(token);
  if (os().revert()) return error;
  os().end_process();
  return ERROR_PROCESS_ABORTED;
}

result<ClientToken> read_client_token(native_handle pipe) {
  Handle token;
  const auto error = take_client_token(pipe, token);
  if (error == 0) return os().client_token(token.get());
  if (error == ERROR_CANT_OPEN_ANONYMOUS) return ClientToken{};
  return Failure(Error::peer_unidentified, fmt::format("The client's token cannot be had ({}).", windows_reason(error)));
}

MessageSender sender_of(std::uint32_t pid, const PeerIdentity& peer) {
  MessageSender sender;
  sender.pid = pid;
  sender.uid = peer.uid;
  sender.gid = peer.gid;
  sender.process_key = pid == peer.pid ? peer.process_key : 0;
  return sender;
}

}  // namespace

std::uint64_t process_key_of(std::uint32_t pid, std::uint64_t creation_time) noexcept {
  std::array<std::byte, 12> facts{};
  std::memcpy(facts.data(), &pid, sizeof pid);
  std::memcpy(facts.data() + sizeof pid, &creation_time, sizeof creation_time);
  std::array<std::byte, crypto::max_hash_size> digest{};
  crypto::hash(crypto::HashKind::sha256, {facts}, digest.data());
  std::uint64_t key = 0;
  std::memcpy(&key, digest.data(), sizeof key);
  return key;
}

result<PeerIdentity> identify_client(native_handle pipe, std::uint64_t connected_at) {
  const auto local = os().client_is_local(pipe);
  if (!local) return local.error();
  if (!*local) {
    return Failure(Error::peer_unidentified, "The client is on another machine (ATK-07): Penstock is for one machine.");
  }
  const auto pid = os().client_process(pipe);
  if (!pid) return pid.error();
  auto peer = identify_named(*pid, connected_at);
  if (!peer && peer.error() == Error::permission_denied) {
    return Failure(Error::peer_unidentified,
                   fmt::format("This process may not look at the peer's process {}: a listener needs the rights of those whom it "
                               "serves, or more.",
                               *pid));
  }
  if (!peer) return peer.error();
  const auto session = os().client_session(pipe);
  if (!session) return session.error();
  if (auto same = check_session(*session, *peer); !same) return same.error();
  if (auto marked = mark_session(*peer); !marked) return marked.error();
  return peer;
}

result<PeerIdentity> identify_server(native_handle pipe) {
  const auto now = os().now();
  const auto pid = os().server_process(pipe);
  if (!pid) return pid.error();
  const auto session = os().server_session(pipe);
  if (!session) return session.error();
  auto peer = identify_named(*pid, now);
  if (!peer && peer.error() == Error::permission_denied) return identify_by_owner(pipe, *pid, *session);
  if (!peer) return peer.error();
  if (auto same = check_session(*session, *peer); !same) return same.error();
  const auto access = os().access(pipe);
  if (!access) return access.error();
  if (auto own = check_owner(*access, *peer); !own) return own.error();
  if (auto labelled = check_label(*access, peer->token->integrity); !labelled) return labelled.error();
  if (auto marked = mark_session(*peer); !marked) return marked.error();
  return peer;
}

result<PeerIdentity> identify_child(Handle process) { return identify_held(std::move(process), Program::wanted); }

result<PeerIdentity> identify_process(std::uint32_t pid) {
  auto peer = identify_named(pid, os().now());
  if (!peer) return peer;
  if (auto marked = mark_session(*peer); !marked) return marked.error();
  return peer;
}

result<PeerIdentity> identify_self() {
  auto process = os().open_self();
  if (!process) return process.error();
  return identify_held(std::move(*process), Program::left_out);
}

result<MessageSender> inherited_sender(native_handle pipe, const PeerIdentity& peer) {
  const auto written = read_client_token(pipe);
  if (!written) return written.error();
  if (written->level == ImpersonationLevel::anonymous) return Error::peer_anonymous;
  if (auto same = compare(written->token, peer); !same) return same.error();
  return sender_of(static_cast<std::uint32_t>(peer.pid), peer);
}

result<MessageSender> client_sender(native_handle pipe, const PeerIdentity& peer) {
  const auto pid = os().client_process(pipe);
  if (!pid) return pid.error();
  if (*pid != static_cast<std::uint32_t>(peer.pid)) return changed("process number", peer);
  return inherited_sender(pipe, peer);
}

result<MessageSender> server_sender(native_handle pipe, const PeerIdentity& peer) {
  const auto pid = os().server_process(pipe);
  if (!pid) return pid.error();
  return sender_of(*pid, peer);
}

}  // namespace penstock::transport
