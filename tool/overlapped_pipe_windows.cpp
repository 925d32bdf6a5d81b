// Sources: CreateNamedPipeW, "Named Pipe Security and Access Rights", RtlGenRandom.
#include "tool/overlapped_pipe_windows.hpp"

#include <fmt/format.h>
#include <sodium.h>

#include "crypto/windows_text.hpp"

namespace penstock::tool {
namespace {

constexpr DWORD room = 65536;

Failure failed() {
  return Failure(Error::io_error, windows_reason(::GetLastError()));
}

}  // namespace

result<OverlappedPipe> make_overlapped_pipe(bool we_read) {
  // A name that nobody can know, of which there is one instance, which is taken at once: if anybody else were at its other end,
  // we would not be, and what follows fails.
  if (sodium_init() < 0) return Error::internal;
  const auto name = to_wide(fmt::format(R"(\\.\pipe\penstock-stdio-{}-{:08x}{:08x})", ::GetCurrentProcessId(),
                                        randombytes_random(), randombytes_random()))
                        .value_or(L"");
  const DWORD access = we_read ? PIPE_ACCESS_INBOUND : PIPE_ACCESS_OUTBOUND;
  const auto ours = ::CreateNamedPipeW(name.c_str(), access | FILE_FLAG_OVERLAPPED | FILE_FLAG_FIRST_PIPE_INSTANCE,
                                       PIPE_TYPE_BYTE | PIPE_READMODE_BYTE | PIPE_WAIT | PIPE_REJECT_REMOTE_CLIENTS, 1, room,
                                       room, 0, nullptr);
  if (ours == INVALID_HANDLE_VALUE) return failed();
  OverlappedPipe pipe{Handle(ours), {}};
  const auto theirs = ::CreateFileW(name.c_str(), we_read ? GENERIC_WRITE : GENERIC_READ | FILE_WRITE_ATTRIBUTES, 0, nullptr,
                                    OPEN_EXISTING, SECURITY_SQOS_PRESENT | SECURITY_ANONYMOUS, nullptr);
  if (theirs == INVALID_HANDLE_VALUE) return failed();
  pipe.theirs = Handle(theirs);
  return pipe;
}

}  // namespace penstock::tool
