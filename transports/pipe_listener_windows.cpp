// The server's side: a name that nobody else has, an access control that is exactly as meant, and peers with a name.
// Sources: CreateNamedPipeW, ConnectNamedPipe, [MS-FSCC] 2.4.32 (FilePipeLocalInformation).
#include <boost/asio/post.hpp>

#include <windows.h>

#include <fmt/format.h>
#include <sddl.h>
#include <winternl.h>

#include <algorithm>
#include <list>
#include <vector>

#include "crypto/windows_text.hpp"
#include "transports/identify_windows.hpp"
#include "transports/pipe.hpp"
#include "transports/pipe_access_windows.hpp"
#include "transports/pipe_carrier_windows.hpp"
#include "transports/scope_check.hpp"
#include "transports/scope_directory.hpp"

namespace penstock::transport {
namespace {

// As much as a reader may be behind before a write waits.
constexpr DWORD pipe_buffer = 65536;
// Clients that may come in one turn of the executor without being told that the pipe is busy.
constexpr int most_waiting_instances = 32;

struct FreeLocal {
  void operator()(void* memory) const noexcept { ::LocalFree(memory); }
};

/// Makes instances of one name with one access control.
class InstanceMaker {
 public:
  [[nodiscard]] static result<InstanceMaker> make(const Endpoint& endpoint, const Token& self);

  /// `first`: fails when there is the name already (name_in_use).
  [[nodiscard]] result<Handle> create(bool first) const;
  [[nodiscard]] const PipeAccess& intended() const noexcept { return intended_; }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] const std::wstring& wide_path() const noexcept { return wide_; }

 private:
  PipeAccess intended_;
  std::string path_;
  std::wstring wide_;
  std::unique_ptr<void, FreeLocal> descriptor_;
};

result<InstanceMaker> InstanceMaker::make(const Endpoint& endpoint, const Token& self) {
  InstanceMaker maker;
  auto intended = intended_access(endpoint.scope(), self);
  if (!intended) return intended.error();
  maker.intended_ = std::move(*intended);
  maker.path_ = endpoint_path(endpoint.directory(), endpoint.name());
  const auto wide = to_wide(maker.path_);
  const auto sddl = to_wide(to_sddl(maker.intended_));
  if (!wide || !sddl) return Error::invalid_argument;
  maker.wide_ = *wide;
  PSECURITY_DESCRIPTOR descriptor = nullptr;
  if (::ConvertStringSecurityDescriptorToSecurityDescriptorW(sddl->c_str(), SDDL_REVISION_1, &descriptor, nullptr) == 0) {
    return Failure(Error::io_error, fmt::format("The access control {} of the pipe cannot be made ({}).",
                                                to_sddl(maker.intended_), windows_reason(::GetLastError())));
  }
  maker.descriptor_.reset(descriptor);
  return maker;
}

result<Handle> InstanceMaker::create(bool first) const {
  SECURITY_ATTRIBUTES attributes{sizeof(SECURITY_ATTRIBUTES), descriptor_.get(), FALSE};
  const DWORD open = PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED | (first ? FILE_FLAG_FIRST_PIPE_INSTANCE : 0);
  constexpr DWORD mode = PIPE_TYPE_BYTE | PIPE_READMODE_BYTE | PIPE_WAIT | PIPE_REJECT_REMOTE_CLIENTS;
  const auto raw =
      ::CreateNamedPipeW(wide_.c_str(), open, mode, PIPE_UNLIMITED_INSTANCES, pipe_buffer, pipe_buffer, 0, &attributes);
  if (raw != INVALID_HANDLE_VALUE) return Handle(raw);
  const auto error = ::GetLastError();
  if (is_windows_exhaustion(error)) return Error::resource_exhausted;
  const bool taken = first && (error == ERROR_ACCESS_DENIED || error == ERROR_PIPE_BUSY);
  const Error code = taken ? Error::name_in_use : windows_error(error);
  return Failure(code, fmt::format("The pipe {} cannot be made ({}): {}.", path_, windows_reason(error),
                                   taken ? "somebody has that name; stop that listener, or choose another name"
                                         : "check this user's rights"));
}

/// How many instances of its name there are, whosoever. 0 where the kernel does not tell.
ULONG instances_of(const Handle& pipe) {
  struct LocalInformation {  // FILE_PIPE_LOCAL_INFORMATION
    ULONG type, configuration, maximum, current, inbound, readable, outbound, writable, state, end;
  };
  using Query = LONG(NTAPI*)(HANDLE, IO_STATUS_BLOCK*, void*, ULONG, ULONG);
  static const auto query = reinterpret_cast<Query>(
      reinterpret_cast<void*>(::GetProcAddress(::GetModuleHandleW(L"ntdll"), "NtQueryInformationFile")));
  constexpr ULONG file_pipe_local_information = 24;
  LocalInformation information{};
  IO_STATUS_BLOCK status{};
  if (query == nullptr || query(pipe.get(), &status, &information, sizeof information, file_pipe_local_information) < 0) return 0;
  return information.current;
}

Failure taken(const std::string& path) {
  return Failure(Error::name_in_use,
                 fmt::format("Another process has the pipe {}: stop that listener, or choose another name.", path));
}

// FILE_FLAG_FIRST_PIPE_INSTANCE alone is not always enforced (Wine 8 does not), so it is never the only thing that says that the
// name is ours (ATK-01): all instances must be ours, and who calls must get us.
result<void> prove_name(const Handle& first, const InstanceMaker& maker) {
  if (instances_of(first) != 1) return taken(maker.path());
  const auto call = [&] {
    return ::CreateFileW(maker.wide_path().c_str(), FILE_READ_DATA | READ_CONTROL | SYNCHRONIZE, 0, nullptr, OPEN_EXISTING,
                         SECURITY_SQOS_PRESENT | SECURITY_IDENTIFICATION, nullptr);
  };
  auto raw = call();
  // Somebody who waits for this name may have been faster: then another instance is made for our own call. Whoever came is sent away.
  std::vector<Handle> more;
  while (raw == INVALID_HANDLE_VALUE && ::GetLastError() == ERROR_PIPE_BUSY &&
         more.size() < static_cast<std::size_t>(most_waiting_instances)) {
    auto another = maker.create(false);
    if (!another) return another.error();
    more.push_back(std::move(*another));
    raw = call();
  }
  const auto ours = static_cast<ULONG>(1 + more.size());
  if (raw == INVALID_HANDLE_VALUE) {
    return Failure(Error::socket_unsafe, fmt::format("The pipe {} was made and does not answer ({}): somebody else may have that name.",
                                                     maker.path(), windows_reason(::GetLastError())));
  }
  const Handle caller(raw);
  const auto server = os().server_process(caller.get());
  if (!server) return server.error();
  if (*server != ::GetCurrentProcessId() || instances_of(first) != ours) return taken(maker.path());
  const auto live = os().access(first.get());
  if (!live) return live.error();
  return check_access(*live, maker.intended(), maker.path());
}

class WindowsPipeListener final : public PipeListener {
 public:
  WindowsPipeListener(InstanceMaker maker, Handle instance, std::size_t wanted, Scope scope,
                      std::shared_ptr<const PeerIdentity> self, PipeOptions options)
      : maker_(std::move(maker)), wanted_(wanted), scope_(scope), self_(std::move(self)), options_(options),
        shared_(std::make_shared<Shared>()) {
    instances_.push_back({std::make_shared<PipeIo>(std::move(instance)), std::make_shared<std::uint64_t>(0)});
  }
  ~WindowsPipeListener() override { close(); }

  result<std::unique_ptr<Carrier>> accept() override;
  result<void> attach(const boost::asio::any_io_executor& executor) override;
  void async_wait(WaitHandler handler) override;
  void cancel_waits() noexcept override;
  void close() noexcept override;

 private:
  struct Instance {
    std::shared_ptr<PipeIo> io;
    std::shared_ptr<std::uint64_t> connected_at;  ///< OsCalls::now(); 0: nobody has yet
  };
  /// Outlives the listener in the completions of its instances.
  struct Shared {
    WaitHandler waiting;
    bool closed = false;
  };
  [[nodiscard]] result<void> listen_on(Instance& instance);
  [[nodiscard]] result<void> add_instance();

  InstanceMaker maker_;
  std::size_t wanted_;
  Scope scope_;
  std::shared_ptr<const PeerIdentity> self_;
  PipeOptions options_;
  std::list<Instance> instances_;  // never empty while open: the name never falls free
  std::shared_ptr<Shared> shared_;
  boost::asio::any_io_executor executor_;
  bool attached_ = false;
};

result<void> WindowsPipeListener::listen_on(Instance& instance) {
  if (auto attached = instance.io->attach(executor_); !attached) return attached;
  const auto already = instance.io->start_connect([connected_at = instance.connected_at, shared = shared_] {
    *connected_at = os().now();
    if (shared->waiting) std::exchange(shared->waiting, {})({});
  });
  if (!already) return already.error();
  if (*already) *instance.connected_at = os().now();
  return {};
}

result<void> WindowsPipeListener::add_instance() {
  auto made = maker_.create(false);
  if (!made) return made.error();
  Instance instance{std::make_shared<PipeIo>(std::move(*made)), std::make_shared<std::uint64_t>(0)};
  if (auto listening = listen_on(instance); !listening) return listening;
  instances_.push_back(std::move(instance));
  return {};
}

result<void> WindowsPipeListener::attach(const boost::asio::any_io_executor& executor) {
  if (shared_->closed) return Error::closed;
  if (attached_) return Error::invalid_argument;
  executor_ = executor;
  attached_ = true;
  for (auto& instance : instances_) {
    if (auto listening = listen_on(instance); !listening) return listening;
  }
  while (instances_.size() < wanted_) {
    if (auto added = add_instance(); !added) return added;
  }
  return {};
}

void WindowsPipeListener::async_wait(WaitHandler handler) {
  const bool there = std::ranges::any_of(instances_, [](const Instance& one) { return *one.connected_at != 0; });
  if (shared_->closed || there) {
    const auto how = shared_->closed ? boost::system::error_code(boost::asio::error::operation_aborted) : boost::system::error_code();
    boost::asio::post(executor_, [done = std::move(handler), how]() mutable { std::move(done)(how); });
    return;
  }
  shared_->waiting = std::move(handler);
}

void WindowsPipeListener::cancel_waits() noexcept {
  if (shared_->waiting) std::exchange(shared_->waiting, {}).complete(executor_, boost::asio::error::operation_aborted);
}

result<std::unique_ptr<Carrier>> WindowsPipeListener::accept() {
  if (shared_->closed) return Error::closed;
  const auto found = std::ranges::find_if(instances_, [](const Instance& one) { return *one.connected_at != 0; });
  if (found == instances_.end()) return Error::would_block;
  // First the next one: the name is never without an instance that is ours (ATK-01). Where there can be none, the client stays.
  // Whatever keeps it from being made, trying again at once would not help.
  if (auto added = add_instance(); !added)
    return added.error() == Error::resource_exhausted ? Error::resource_exhausted : Error::io_error;
  const auto io = found->io;
  auto peer = identify_client(io->native(), *found->connected_at);
  if (!peer && peer.error() == Error::resource_exhausted) {
    instances_.pop_back();
    return peer.error();
  }
  instances_.erase(found);
  if (!peer) return peer.error();
  if (!options_.allow_own_process) {
    if (auto other = check_not_self(*peer, *self_); !other) return other.error();
  }
  if (auto in_scope = check_scope(scope_, *peer, *self_); !in_scope) return in_scope.error();
  return PipeCarrier::make(io, PipeEnd::server, {std::move(*peer), self_});
}

void WindowsPipeListener::close() noexcept {
  if (std::exchange(shared_->closed, true)) return;
  cancel_waits();
  for (auto& instance : instances_) instance.io->close();
  instances_.clear();
}

}  // namespace

result<std::unique_ptr<PipeListener>> PipeListener::open(const Endpoint& endpoint, int backlog, PipeOptions options) {
  auto self = own_identity();
  if (!self) return self.error();
  const auto token = os().process_token(self->process.get());
  if (!token) return token.error();
  auto maker = InstanceMaker::make(endpoint, *token);
  if (!maker) return maker.error();
  const auto first = maker->create(true);
  if (!first) return first.error();
  if (auto ours = prove_name(*first, *maker); !ours) return ours.error();
  // The one that was called to prove it has had its client; another takes over before it goes.
  auto second = maker->create(false);
  if (!second) return second.error();
  const auto wanted = static_cast<std::size_t>(std::clamp(backlog, 1, most_waiting_instances));
  return std::unique_ptr<PipeListener>(
      new WindowsPipeListener(std::move(*maker), std::move(*second), wanted, endpoint.scope(),
                              std::make_shared<const PeerIdentity>(std::move(*self)), options));
}

}  // namespace penstock::transport
