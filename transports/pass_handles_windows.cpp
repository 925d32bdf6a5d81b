// Sources: DuplicateHandle, GetHandleInformation, "Process Security and Access Rights" (PROCESS_DUP_HANDLE).
#include "transports/pass_handles_windows.hpp"

#include <windows.h>

#include <algorithm>

#include "crypto/windows_text.hpp"
#include "transports/handle_value_windows.hpp"

namespace penstock::transport {

bool may_put_handles(const PeerIdentity& sender, const PeerIdentity& self) noexcept {
  if (sender.strength != Strength::pinned || !sender.token || !self.token) return false;
  if (sender.token->restricted || sender.token->app_container) return false;
  if (sender.token->integrity > self.token->integrity) return true;
  return sender.uid == self.uid && sender.token->integrity == self.token->integrity;
}

result<std::size_t> put_handles(const Handle& process, std::span<const native_handle> handles,
                                std::span<std::uint64_t> values) {
  if (!process) return Error::permission_denied;
  std::size_t done = 0;
  for (const auto raw : handles) {
    HANDLE there = nullptr;
    const bool real = is_real_handle(raw);
    if (real && ::DuplicateHandle(::GetCurrentProcess(), raw, process.get(), &there, 0, FALSE, DUPLICATE_SAME_ACCESS) != 0) {
      values[done++] = reinterpret_cast<std::uintptr_t>(there);
      continue;
    }
    const auto error = real ? ::GetLastError() : DWORD{ERROR_INVALID_HANDLE};
    take_back_handles(process, values.first(done));
    if (error == ERROR_INVALID_HANDLE) return Error::invalid_argument;
    return windows_error(error);
  }
  return done;
}

void take_back_handles(const Handle& process, std::span<const std::uint64_t> values) noexcept {
  for (const auto value : values) {
    const auto there = reinterpret_cast<HANDLE>(static_cast<std::uintptr_t>(value));
    // Through our own table: Wine 8 closes nothing where no target is named.
    HANDLE here = nullptr;
    constexpr DWORD how = DUPLICATE_CLOSE_SOURCE | DUPLICATE_SAME_ACCESS;
    if (::DuplicateHandle(process.get(), there, ::GetCurrentProcess(), &here, 0, FALSE, how) != 0) ::CloseHandle(here);
  }
}

result<HandleList> adopt_handles(std::span<const std::uint64_t> values) {
  HandleList out;
  bool all = true;
  for (auto at = values.begin(); at != values.end(); ++at) {
    const auto raw = reinterpret_cast<native_handle>(static_cast<std::uintptr_t>(*at));
    DWORD flags = 0;
    const bool open = is_real_handle(raw) && ::GetHandleInformation(raw, &flags) != 0;
    const bool twice = std::find(values.begin(), at, *at) != at;
    if (open && !twice) out.push(Handle(raw));
    all = all && open && !twice;
  }
  return all ? result<HandleList>(std::move(out)) : Error::handles_mismatch;
}

}  // namespace penstock::transport
