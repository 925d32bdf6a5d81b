// An application and the helper it starts: one end of a pipe that has never been anybody else's, and a secret on another.
// Sources: CreatePipe, CreateNamedPipeW, "Pipe Handle Inheritance".
#include <windows.h>

#include <fmt/format.h>
#include <sddl.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>

#include "crypto/windows_text.hpp"
#include "transports/child.hpp"
#include "transports/handle_value_windows.hpp"
#include "transports/identify_windows.hpp"
#include "transports/inherited.hpp"
#include "transports/pipe_access_windows.hpp"
#include "transports/pipe_carrier_windows.hpp"
#include "transports/scope_check.hpp"
#include "transports/spawn_windows.hpp"
#include "transports/traits.hpp"

namespace penstock::transport {
namespace {

constexpr const char* launch_variable = "PENSTOCK_LAUNCH";
constexpr const wchar_t* wide_launch_variable = L"PENSTOCK_LAUNCH";
constexpr DWORD pipe_buffer = 65536;

struct Pair {
  Handle ours;
  Handle theirs;
};

struct FreeLocal {
  void operator()(void* memory) const noexcept { ::LocalFree(memory); }
};

Failure cannot_make(const char* what) {
  const auto error = ::GetLastError();
  return Failure(windows_error(error), fmt::format("No {} can be made ({}).", what, windows_reason(error)));
}

std::wstring random_name() {
  std::array<std::byte, 16> bytes{};
  crypto::fill_random(bytes);
  std::string name = R"(\\.\pipe\penstock\launch-)";
  for (const auto byte : bytes) fmt::format_to(std::back_inserter(name), "{:02x}", std::to_integer<unsigned>(byte));
  return {name.begin(), name.end()};
}

// Windows has no unnamed pipe for both directions. This one has room for a single instance and a single client, and both are made
// here and now: nobody else is ever let in, whatever he knows of the name.
result<Pair> make_channel(const Token& self) {
  auto access = intended_access(Scope::user, self);
  if (!access) return access.error();
  const auto sddl = to_wide(to_sddl(*access));
  PSECURITY_DESCRIPTOR raw_descriptor = nullptr;
  if (!sddl || ::ConvertStringSecurityDescriptorToSecurityDescriptorW(sddl->c_str(), SDDL_REVISION_1, &raw_descriptor, nullptr) == 0)
    return cannot_make("access control");
  const std::unique_ptr<void, FreeLocal> descriptor(raw_descriptor);
  SECURITY_ATTRIBUTES ours{sizeof(SECURITY_ATTRIBUTES), descriptor.get(), FALSE};
  const auto name = random_name();
  constexpr DWORD open = PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED | FILE_FLAG_FIRST_PIPE_INSTANCE;
  constexpr DWORD mode = PIPE_TYPE_BYTE | PIPE_READMODE_BYTE | PIPE_WAIT | PIPE_REJECT_REMOTE_CLIENTS;
  const auto server = ::CreateNamedPipeW(name.c_str(), open, mode, 1, pipe_buffer, pipe_buffer, 0, &ours);
  if (server == INVALID_HANDLE_VALUE) return cannot_make("pipe");
  Pair pair{Handle(server), {}};
  constexpr DWORD rights = FILE_READ_DATA | FILE_WRITE_DATA | FILE_READ_ATTRIBUTES | READ_CONTROL | SYNCHRONIZE;
  // With context tracking the token is that of whoever writes: the child's, not ours who open it.
  constexpr DWORD flags = FILE_FLAG_OVERLAPPED | SECURITY_SQOS_PRESENT | SECURITY_IDENTIFICATION | SECURITY_CONTEXT_TRACKING;
  const auto client = ::CreateFileW(name.c_str(), rights, 0, nullptr, OPEN_EXISTING, flags, nullptr);
  if (client == INVALID_HANDLE_VALUE) return cannot_make("pipe's other end");
  pair.theirs = Handle(client);
  const auto caller = os().client_process(pair.ours.get());
  if (!caller) return caller.error();
  if (*caller != ::GetCurrentProcessId()) return Failure(Error::name_in_use, "Another process opened the helper's pipe: try again.");
  return pair;
}

/// A pipe that holds exactly the secret and has no writer left: the child finds all of it and then the end, or refuses.
result<Handle> pipe_with(const crypto::Secret<32>& secret) {
  HANDLE read_end = nullptr;
  HANDLE write_end = nullptr;
  if (::CreatePipe(&read_end, &write_end, nullptr, 0) == 0) return cannot_make("pipe");
  Handle reader(read_end);
  const Handle writer(write_end);
  DWORD written = 0;
  const auto bytes = secret.bytes();
  if (::WriteFile(writer.get(), bytes.data(), static_cast<DWORD>(bytes.size()), &written, nullptr) == 0 || written != bytes.size())
    return Error::io_error;
  return reader;
}

bool is_absolute(const std::string& path) {
  const bool drive = path.size() > 3 && ((path[0] >= 'A' && path[0] <= 'Z') || (path[0] >= 'a' && path[0] <= 'z')) &&
                     path[1] == ':' && (path[2] == '\\' || path[2] == '/');
  return drive || path.starts_with(R"(\\?\)");
}

// CreateProcess gives these to cmd.exe, which no quoting of ours keeps from taking an argument for a command.
bool is_batch_file(std::string path) {
  while (path.ends_with('.') || path.ends_with(' ')) path.pop_back();
  const auto dot = path.rfind('.');
  if (dot == std::string::npos) return false;
  const auto* const ending = path.c_str() + dot;
  return ::_stricmp(ending, ".bat") == 0 || ::_stricmp(ending, ".cmd") == 0;
}

result<void> check_spec(const LaunchSpec& spec) {
  const auto holds_zero = [](const std::string& text) { return text.find('\0') != std::string::npos; };
  if (!is_absolute(spec.program) || holds_zero(spec.program)) {
    return Failure(Error::invalid_argument,
                   fmt::format("\"{}\" is not an absolute path: no PATH is searched for a helper.", spec.program));
  }
  if (is_batch_file(spec.program)) {
    return Failure(Error::invalid_argument, fmt::format("\"{}\" is a batch file, whose interpreter reads arguments as commands: name a "
                                                        "program.",
                                                        spec.program));
  }
  if (std::ranges::any_of(spec.arguments, holds_zero))
    return Failure(Error::invalid_argument, "An argument of the helper holds a zero byte: leave it out.");
  for (const auto& entry : spec.environment) {
    const auto equals = entry.find('=');
    const bool valid = equals != std::string::npos && equals > 0 && !holds_zero(entry);
    if (!valid || ::_stricmp(entry.substr(0, equals).c_str(), launch_variable) == 0) {
      return Failure(Error::invalid_argument,
                     fmt::format("An entry of the helper's environment is not NAME=value, or names {}, which is Penstock's own.",
                                 launch_variable));
    }
  }
  return {};
}

Failure not_launched(const char* what) {
  return Failure(Error::launch_invalid,
                 fmt::format("This process was not started by a Penstock launcher ({}): start it through its application.", what));
}

/// "CHANNEL,SECRET": two handle numbers, and that both are pipes that we were given.
result<std::array<Handle, 2>> take_handles() {
  std::array<wchar_t, 64> text{};
  const auto size = ::GetEnvironmentVariableW(wide_launch_variable, text.data(), static_cast<DWORD>(text.size()));
  if (size == 0 || size >= text.size()) return not_launched(launch_variable);
  const auto value = to_utf8({text.data(), size});
  std::array<std::uint64_t, 2> numbers{};
  const auto* const end = value.data() + value.size();
  const auto first = std::from_chars(value.data(), end, numbers[0]);
  if (first.ec != std::errc() || first.ptr == end || *first.ptr != ',') return not_launched(launch_variable);
  const auto second = std::from_chars(first.ptr + 1, end, numbers[1]);
  if (second.ec != std::errc() || second.ptr != end || numbers[0] == numbers[1]) return not_launched(launch_variable);
  static std::atomic_flag adopted;
  if (adopted.test_and_set()) return not_launched("its channel was already taken");
  ::SetEnvironmentVariableW(wide_launch_variable, nullptr);
  ::_putenv((std::string(launch_variable) + '=').c_str());  // the C runtime has a copy
  std::array<Handle, 2> out;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto raw = reinterpret_cast<native_handle>(static_cast<std::uintptr_t>(numbers[i]));
    if (!is_real_handle(raw) || ::GetFileType(raw) != FILE_TYPE_PIPE) return not_launched("its handles are something else");
    // No grandchild gets them.
    if (::SetHandleInformation(raw, HANDLE_FLAG_INHERIT, 0) == 0) return not_launched("its handles are of no use");
    out[i] = Handle(raw);
  }
  return out;
}

/// Exactly 32 bytes and then the end. Never waits: a launcher has written them before this process was born.
result<crypto::Secret<32>> read_secret(const Handle& pipe) {
  auto secret = crypto::Secret<32>::make();
  if (!secret) return secret.error();
  const auto bytes = secret->bytes();
  DWORD there = 0;
  if (::PeekNamedPipe(pipe.get(), nullptr, 0, nullptr, &there, nullptr) == 0 || there != bytes.size())
    return not_launched("no launch secret, or more than one");
  DWORD got = 0;
  if (::ReadFile(pipe.get(), bytes.data(), static_cast<DWORD>(bytes.size()), &got, nullptr) == 0 || got != bytes.size())
    return not_launched("no launch secret");
  // The writer has gone, or this is no launcher's pipe.
  if (::PeekNamedPipe(pipe.get(), nullptr, 0, nullptr, &there, nullptr) != 0 || ::GetLastError() != ERROR_BROKEN_PIPE)
    return not_launched("its secret's pipe has a writer still");
  return secret;
}

}  // namespace

result<Launched> launch(const LaunchSpec& spec) {
  if (auto valid = check_spec(spec); !valid) return valid.error();
  auto secret = crypto::Secret<32>::random();
  if (!secret) return secret.error();
  auto self = own_identity();
  if (!self) return self.error();
  const auto token = os().process_token(self->process.get());
  if (!token) return token.error();
  auto pair = make_channel(*token);
  if (!pair) return pair.error();
  auto pipe = pipe_with(*secret);
  if (!pipe) return pipe.error();

  const std::array given{pair->theirs.get(), pipe->get()};
  SpawnRequest request{spec.program, spec.arguments, spec.environment, given};
  request.environment.push_back(fmt::format("{}={},{}", launch_variable, reinterpret_cast<std::uintptr_t>(given[0]),
                                            reinterpret_cast<std::uintptr_t>(given[1])));
  auto child = spawn(request);
  if (!child) return child.error();
  // The child's alone from here on: only so does its end tell.
  pair->theirs.reset();
  pipe->reset();

  HANDLE copy = nullptr;
  const auto own = ::GetCurrentProcess();
  const bool copied = ::DuplicateHandle(own, child->process.get(), own, &copy, 0, FALSE, DUPLICATE_SAME_ACCESS) != 0;
  auto peer = copied ? identify_child(Handle(copy)) : result<PeerIdentity>(Error::resource_exhausted);
  if (!peer) {
    end_child(child->process);
    return peer.error();
  }
  auto carrier = PipeCarrier::make(std::make_shared<PipeIo>(std::move(pair->ours)), PipeEnd::inherited,
                                   {std::move(*peer), std::make_shared<const PeerIdentity>(std::move(*self))});
  return Launched{std::move(carrier), std::move(*secret), std::move(child->process), child->pid};
}

result<Adopted> adopt() {
  auto handles = take_handles();
  if (!handles) return handles.error();
  auto secret = read_secret((*handles)[1]);
  if (!secret) return secret.error();
  auto peer = identify_server((*handles)[0].get());
  if (!peer) return peer.error();
  auto self = own_identity();
  if (!self) return self.error();
  if (auto other = check_not_self(*peer, *self); !other) return not_launched("it made the pipe itself");
  auto carrier = PipeCarrier::make(std::make_shared<PipeIo>(std::move((*handles)[0])), PipeEnd::adopted,
                                   {std::move(*peer), std::make_shared<const PeerIdentity>(std::move(*self))});
  return Adopted{std::move(carrier), std::move(*secret)};
}

}  // namespace penstock::transport
